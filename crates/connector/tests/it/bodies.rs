//! Answers that are too large, too slow, cut off or no answers at all.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use pollwheel_connector::PrivateAddresses;
use pollwheel_core::outcome::Outcome;

use crate::server::{Server, json};
use crate::setup::{TOKEN, connector, poll, poll_with, row};

fn reason(outcome: &Outcome) -> (&'static str, String) {
    let reason =
        if let Outcome::BadResponse { reason } | Outcome::Network { reason } = outcome { reason } else { "" };
    (outcome.name(), reason.to_owned())
}

async fn reason_of(server: &Server) -> (&'static str, String) {
    let polled = poll(&server.url()).await;
    assert!(polled.items.is_empty());
    reason(&polled.outcome)
}

fn write_forever(stream: &mut TcpStream, piece: &[u8]) {
    while stream.write_all(piece).is_ok() {}
}

#[tokio::test]
async fn r24_an_endless_body_ends_at_the_cap() {
    let plain = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[");
        write_forever(stream, &[b' '; 65_536]);
    });
    let chunked = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        write_forever(stream, &[b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat());
    });
    let announced = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
    for server in [plain, chunked, announced] {
        let (name, reason) = reason_of(&server).await;
        assert_eq!(
            (name, reason.as_str()),
            ("bad_response", "the body is larger than 4194304 bytes on the wire")
        );
    }
}

#[tokio::test]
async fn r24_a_compression_bomb_ends_at_the_cap() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
    let (name, reason) = reason_of(&Server::saying([head.as_bytes(), &bomb].concat())).await;
    assert_eq!((name, reason.as_str()), ("bad_response", "the body is larger than 8388608 bytes decoded"));
}

#[tokio::test]
async fn r21_r24_slow_answers_end_with_the_budget() {
    let silent = Server::start(|_, _| {});
    let trickling = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    let connector = connector(PrivateAddresses::Allowed);
    for server in [silent, trickling] {
        let start = Instant::now();
        let polled = poll_with(&connector, &row(&server.url()), Duration::from_millis(300)).await;
        assert_eq!(polled.outcome, Outcome::Timeout);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn r24_a_flood_of_headers_is_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(5_000));
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    for head in [many, large] {
        let (name, reason) = reason_of(&Server::closing_after(head)).await;
        assert_eq!(name, "bad_response", "{reason}");
        assert!(reason.contains("too many or too large headers"), "{reason}");
    }
}

#[tokio::test]
async fn r24_cut_off_and_broken_answers_are_told_apart() {
    let closed = "the connection was closed before the end of the response";
    let (name, reason) =
        reason_of(&Server::closing_after("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n[{\"id\":2}]")).await;
    assert!(name == "network" && reason.contains("connection"), "{name}: {reason}");
    let (name, reason) = reason_of(&Server::closing_after("")).await;
    assert!(name == "network" && reason == closed, "{name}: {reason}");
    let (name, reason) = reason_of(&Server::closing_after("SSH-2.0-OpenSSH_9.6\r\n\r\n")).await;
    assert_eq!((name, reason.as_str()), ("bad_response", "the response is not HTTP"));
    // Shorter than the body: JSON is cut off.
    let (name, reason) =
        reason_of(&Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n[{\"id\":2}]")).await;
    assert!(name == "bad_response" && reason.contains("it ends early"), "{name}: {reason}");
    let (name, reason) = reason_of(&Server::saying(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n[]",
    ))
    .await;
    assert!(name == "bad_response" && reason.contains("gzip"), "{name}: {reason}");
}

#[tokio::test]
async fn r24_a_reset_and_a_closed_port_are_network_failures() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (name, reason) = reason(&poll(&gone).await.outcome);
    assert_eq!((name, reason.as_str()), ("network", "no connection (connection refused)"));
    let unknown = poll("http://no-such-host.invalid").await;
    assert_eq!(unknown.outcome, Outcome::Network { reason: "the host does not resolve".to_owned() });
}

#[tokio::test]
async fn r25_json_5000_deep_is_a_bad_response() {
    let deep = format!("[{{\"id\":2,\"x\":{}{}}}]", "[".repeat(5_000), "]".repeat(5_000));
    let (name, reason) = reason_of(&Server::saying(json("200 OK", "", &deep))).await;
    assert_eq!(
        (name, reason.as_str()),
        ("bad_response", "`items.data` of an element: it is nested more than 128 deep")
    );
}

#[tokio::test]
async fn r27_an_error_page_is_a_bad_response() {
    let (name, reason) = reason_of(&Server::saying(json("200 OK", "", "<html>Sorry</html>"))).await;
    assert!(name == "bad_response" && reason.starts_with("`items.list`: it is not JSON"), "{reason}");
}

#[tokio::test]
async fn r27_an_empty_list_and_a_page_that_comes_twice_move_nothing() {
    let empty = poll(&Server::saying(json("200 OK", "", "[]")).url()).await;
    assert_eq!(empty.outcome, Outcome::Unchanged { context: None });
    let circle =
        Server::saying(json("200 OK", "link: <?page=2>; rel=\"next\"\r\n", r#"[{"id":3},{"id":2}]"#));
    let (name, reason) = reason_of(&circle).await;
    assert_eq!(name, "bad_response", "{reason}");
    assert!(circle.requests().len() <= 3, "{}", circle.requests().len());
}

#[tokio::test]
async fn r24_chunks_that_lie_and_resets_are_told_apart() {
    for lie in ["zz\r\n[]\r\n", "FFFFFFFFFFFFFFFFFF\r\n[]", "5\r\n[]\r\n0\r\n\r\n", "-1\r\n[]\r\n"] {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let (name, reason) = reason_of(&Server::closing_after(format!("{head}{lie}"))).await;
        assert!(matches!(name, "bad_response" | "network") && !reason.is_empty(), "{lie}: {name}: {reason}");
    }
    let both =
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
    assert_eq!(poll(&Server::saying(both).url()).await.outcome, Outcome::Unchanged { context: None });
    let two_lengths = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n[]";
    let (name, reason) = reason_of(&Server::closing_after(two_lengths)).await;
    assert_eq!((name, reason.as_str()), ("bad_response", "the response is not HTTP"));
}

#[tokio::test]
async fn r28_a_server_that_repeats_the_token_learns_nothing_and_spreads_nothing() {
    let echo = Server::saying(json("400 Bad Request", "", &format!("{{\"you sent\": \"{TOKEN}\"}}")));
    let (name, _) = reason_of(&echo).await;
    assert_eq!(name, "bad_response");
    assert!(echo.requests()[0].contains(&format!("authorization: Bearer {TOKEN}")));
    let not_json = Server::saying(json("200 OK", "", TOKEN));
    assert_eq!(reason_of(&not_json).await.0, "bad_response");
}
