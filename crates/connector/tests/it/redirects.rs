//! Redirects: followed by hand, without what they must not carry.

use std::io::Write;

use pollwheel_core::outcome::Outcome;

use crate::server::{Server, json};
use crate::setup::{TOKEN, poll};

fn to(location: &str) -> String {
    json("302 Found", &format!("location: {location}\r\n"), "{}")
}

#[tokio::test]
async fn r23_a_redirect_to_another_origin_does_not_carry_the_token() {
    let other = Server::saying(json("200 OK", "", r#"[{"id":2}]"#));
    let first = Server::saying(to(&format!("{}/elsewhere", other.url())));
    let polled = poll(&first.url()).await;
    assert!(matches!(polled.outcome, Outcome::New { items: 1, .. }), "{:?}", polled.outcome);
    assert_eq!(polled.requests, 2);
    assert!(first.requests()[0].contains(TOKEN));
    let request = &other.requests()[0];
    assert!(request.starts_with("GET /elsewhere HTTP/1.1") && !request.contains(TOKEN), "{request}");
    assert!(!request.to_lowercase().contains("authorization"), "{request}");
}

#[tokio::test]
async fn r23_a_token_that_was_dropped_does_not_come_back() {
    let home = Server::saying(json("200 OK", "", "[]"));
    let back = to(&format!("{}/back", home.url()));
    let other = Server::saying(back);
    let first = Server::saying(to(&other.url()));
    poll(&first.url()).await;
    assert!(!home.requests()[0].contains(TOKEN));
}

#[tokio::test]
async fn a_redirect_within_its_origin_keeps_the_token() {
    let server = Server::start(|head, stream| {
        let answer = if head.starts_with("GET /new") { json("200 OK", "", "[]") } else { to("/new") };
        let _ = stream.write_all(answer.as_bytes());
    });
    assert_eq!(poll(&server.url()).await.outcome, Outcome::Unchanged { context: None });
    assert!(server.requests().iter().all(|request| request.contains(TOKEN)));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn r23_redirects_end() {
    let server = Server::saying(to("/again"));
    let polled = poll(&server.url()).await;
    assert_eq!(polled.outcome, Outcome::BadResponse { reason: "more than 3 redirects".to_owned() });
    assert_eq!(server.requests().len(), 4);
    for (location, reason) in [
        (
            "file:///etc/passwd",
            "a redirect with a location that cannot be followed: its scheme is not http or https",
        ),
        (
            "http://user:pass@127.0.0.1/",
            "a redirect with a location that cannot be followed: it has a user name or password in it: use `token` for credentials",
        ),
    ] {
        let polled = poll(&Server::saying(to(location)).url()).await;
        assert_eq!(polled.outcome, Outcome::BadResponse { reason: reason.to_owned() });
    }
    let nowhere = poll(&Server::saying(json("302 Found", "", "")).url()).await;
    assert_eq!(nowhere.outcome, Outcome::BadResponse { reason: "a redirect without a location".to_owned() });
}
