//! Waits that servers ask for, over real connections: no number or date does harm.

use std::time::Duration;

use pollwheel_connector::PrivateAddresses;
use pollwheel_core::outcome::Outcome;

use crate::server::{Server, json};
use crate::setup::{connector, poll, poll_with, row};

/// What a hostile or broken server writes where seconds or a date should be, and the seconds that may come of it.
const WAITS: [(&str, Option<u64>); 17] = [
    ("0", Some(0)),
    ("1", Some(1)),
    (" 120 ", Some(120)),
    ("1000000000", Some(1_000_000_000)),
    ("9999999999", Some(9_999_999_999)),
    ("18446744073709551616", Some(u64::MAX)),
    ("99999999999999999999999999999999999999", Some(u64::MAX)),
    ("-1", Some(0)),
    ("-inf", Some(0)),
    ("inf", Some(u64::MAX)),
    ("1e9", Some(1_000_000_000)),
    ("NaN", None),
    ("0x10", None),
    ("", None),
    ("soon", None),
    ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
    ("Fri, 31 Dec 9999 23:59:59 GMT", Some(251_620_127_999)),
];

/// The server's own clock: what its dates are compared with.
const DATE: &str = "date: Tue, 23 Jun 2026 00:00:00 GMT\r\n";

#[tokio::test]
async fn r16_no_retry_after_does_harm() {
    for (value, seconds) in WAITS {
        for (status, name) in
            [("429 Too Many Requests", "rate_limited"), ("503 Service Unavailable", "server_error")]
        {
            let server = Server::saying(json(status, &format!("{DATE}retry-after: {value}\r\n"), "{}"));
            let polled = poll(&server.url()).await;
            let (Outcome::RateLimited { reset_seconds: waits, .. }
            | Outcome::ServerError { retry_after_seconds: waits, .. }) = polled.outcome
            else {
                panic!("{value}: {:?}", polled.outcome)
            };
            assert_eq!(polled.outcome.name(), name);
            assert_eq!(waits, seconds, "{value}");
        }
    }
}

#[tokio::test]
async fn r16_no_reset_and_no_floor_does_harm() {
    for (value, _) in WAITS {
        let headers = format!(
            "{DATE}x-ratelimit-remaining: 0\r\nx-ratelimit-reset: {value}\r\nexpires: {value}\r\nx-poll-interval: {value}\r\ncache-control: max-age={value}\r\n"
        );
        let server = Server::saying(json("200 OK", &headers, r#"[{"id":2}]"#));
        let polled =
            poll_with(&connector(PrivateAddresses::Allowed), &row(&server.url()), Duration::from_secs(20))
                .await;
        assert!(matches!(polled.outcome, Outcome::New { items: 1, .. }), "{value}: {:?}", polled.outcome);
        assert_eq!(polled.hints.limits[0].remaining, 0, "{value}");
    }
}

#[tokio::test]
async fn r16_a_remaining_that_is_no_number_is_no_limit() {
    for (value, remaining) in [("NaN", None), ("", None), ("many", None), ("-1", Some(0)), ("1.5", Some(2))] {
        let headers = format!("x-ratelimit-remaining: {value}\r\nx-ratelimit-reset: 60\r\n");
        let polled = poll(&Server::saying(json("200 OK", &headers, "[]")).url()).await;
        assert_eq!(polled.outcome, Outcome::Unchanged { context: None }, "{value}");
        assert_eq!(polled.hints.limits.first().map(|limit| limit.remaining), remaining, "{value}");
    }
}
