//! Ordinary polls: connections are used again, pages are followed, validators go back.

use std::io::Write;
use std::time::Duration;

use pollwheel_connector::PrivateAddresses;
use pollwheel_core::outcome::Outcome;

use crate::server::{Server, json};
use crate::setup::{connector, poll_with, row};

#[tokio::test]
async fn polls_share_connections_and_send_validators_back() {
    let server = Server::start(|head, stream| {
        let answer = if head.contains("if-none-match: W/\"x\"") {
            "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned()
        } else {
            json("200 OK", "etag: W/\"x\"\r\n", r#"[{"id":2,"x":"y"}]"#)
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let connector = connector(PrivateAddresses::Allowed);
    let mut row = row(&server.url());
    let polled = poll_with(&connector, &row, Duration::from_secs(10)).await;
    let Outcome::New { context, items: 1, more: false } = polled.outcome else { panic!("{polled:?}") };
    assert_eq!(polled.items[0].data.get(), r#"{"id":2,"x":"y"}"#);
    row.context = context;
    for _ in 0..50 {
        let polled = poll_with(&connector, &row, Duration::from_secs(10)).await;
        assert_eq!(polled.outcome, Outcome::Unchanged { context: None });
    }
    assert_eq!(server.connections(), 1);
    let request = &server.requests()[1];
    assert!(
        request.contains("user-agent: pollwheel/") && request.contains("accept-encoding: gzip"),
        "{request}"
    );
}

#[tokio::test]
async fn pages_are_followed_by_their_links() {
    let server = Server::start(|head, stream| {
        let answer = if head.starts_with("GET /posts/42?page=2 ") {
            json("200 OK", "", r#"[{"id":2},{"id":1}]"#)
        } else {
            json("200 OK", "link: </posts/42?page=2>; rel=\"next\"\r\n", r#"[{"id":4},{"id":3}]"#)
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let connector = connector(PrivateAddresses::Allowed);
    let polled = poll_with(&connector, &row(&server.url()), Duration::from_secs(10)).await;
    assert_eq!(polled.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["2", "3", "4"]);
    assert_eq!(polled.requests, 2);
}

/// A worker polls its batch at once; here on one thread.
#[tokio::test]
async fn many_polls_at_a_time_share_few_connections() {
    let server = Server::saying(json("200 OK", "", "[]"));
    let connector = connector(PrivateAddresses::Allowed);
    let row = row(&server.url());
    for _ in 0..20 {
        let poll = || poll_with(&connector, &row, Duration::from_secs(20));
        let (a, b, c, d) = tokio::join!(poll(), poll(), poll(), poll());
        for polled in [a, b, c, d] {
            assert_eq!(polled.outcome, Outcome::Unchanged { context: None });
        }
    }
    assert!(server.connections() <= 8, "{} connections", server.connections());
}
