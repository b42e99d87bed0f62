use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use pollwheel_core::outcome::{LimitReading, Outcome, Scope};
use proptest::prelude::*;

use super::*;
use crate::channel::ChannelSet;
use crate::exchange::Response;

const NOW: u64 = 1_700_000_000;
const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

/// A channel with these fields at its top and in its job type, indented as they are there.
fn channels(channel: &str, job: &str) -> ChannelSet {
    let text = format!(
        "channel: toy\nabout: A toy.\nbase_url: https://api.example.com\nauth: {{bearer: optional}}\n{channel}\
         service_levels: {{free: {{fastest: 1, slowest: 60}}}}\njob_types:\n  posts:\n    request: {{path: /posts, cost: 2}}\n    \
         items: {{list: ., id: .id, type: toy.post, data: .}}\n    cursor: {{greatest_id: numeric}}\n{job}"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("toy")).unwrap();
    std::fs::write(folder.path().join("toy/channel.yml"), text).unwrap();
    ChannelSet::load(folder.path()).unwrap()
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().ok()?))
    });
    let mut all: HeaderMap = HeaderMap::new();
    for (name, value) in headers {
        all.append(name, value);
    }
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: all,
        body: Bytes::copy_from_slice(body.as_bytes()),
        uri: "https://api.example.com/posts".parse().unwrap(),
        redirects: 0,
    }
}

/// What a response comes to, and what it says of limits and pauses.
fn read(channels: &ChannelSet, host: Host, response: &Response) -> (Outcome, Vec<LimitReading>, Option<u64>) {
    let channel = channels.get("toy").unwrap();
    let job = channel.job_types.values().next().unwrap();
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let scale = Scale::new(1.0);
    let reader = Reader { channel, job, token: Token::Present, pool: None, host, now, scale };
    let answer = Answer::new(response, job.items.format);
    let limits = reader.limits(&answer);
    (reader.refusal(&answer, &limits), limits.clone(), reader.floor(&answer))
}

/// Remaining and reset of the one limit.
fn limit(channels: &ChannelSet, headers: &[(&str, &str)], body: &str) -> Option<(u64, Option<u64>)> {
    let (_, limits, _) = read(channels, Host::Channels, &response(200, headers, body));
    limits.first().map(|limit| (limit.remaining, limit.reset_seconds))
}

#[test]
fn a_limit_in_headers_may_have_no_reset_and_may_come_twice() {
    let channels = channels("limits: [{scope: account, cushion: 3, headers: {remaining: X-Left}}]\n", "");
    assert_eq!(limit(&channels, &[("x-left", "7")], ""), Some((7, None)));
    assert_eq!(
        limit(&channels, &[("x-left", "7"), ("x-left", "2")], ""),
        Some((2, None)),
        "the least counts"
    );
    assert_eq!(limit(&channels, &[("x-left", "many")], ""), None);
    let (_, limits, _) = read(&channels, Host::Channels, &response(200, &[("x-left", "4")], ""));
    assert_eq!(limits[0].cushion, 4, "a request costs 2");
    assert!(limits[0].is_spent());
}

#[test]
fn the_ietf_fields_tell_of_their_policies() {
    let any = channels("limits: [{scope: account, ratelimit: any}]\n", "");
    let hour = channels("limits: [{scope: account, ratelimit: hour}]\n", "");
    let fields = [
        ("ratelimit", "\"default\";r=50;t=30, \"hour\";r=90"),
        ("ratelimit-policy", "\"default\";q=100;w=60, \"hour\";q=1000;w=3600"),
    ];
    assert_eq!(limit(&any, &fields, ""), Some((50, Some(30))), "the tightest");
    assert_eq!(limit(&hour, &fields, ""), Some((90, Some(3600))), "a whole window at the latest");
    assert_eq!(limit(&hour, &[("ratelimit", "hour;r=1;t=2")], ""), Some((1, Some(2))), "a token for a name");
    assert_eq!(
        limit(&any, &[("ratelimit", "\"a\";r=5;t=9"), ("ratelimit", "\"b\";r=4")], ""),
        Some((4, None))
    );
    assert_eq!(limit(&any, &[("ratelimit", "\"a\";r=-5;t=-1")], ""), Some((0, Some(0))));
    for nothing in
        ["limit=100, remaining=50, reset=5", "\"a\";r=x", "\"a", "50", "\"a\";r=99999999999999999999"]
    {
        assert_eq!(limit(&any, &[("ratelimit", nothing)], ""), None, "{nothing}");
    }
}

const USAGE: &str = "limits:\n  - {scope: account, cushion: 10, usage: {header: X-Usage, percents: [calls, time], wait: regain, wait_unit: minutes}}\n";

#[test]
fn usage_headers_count_in_percent_and_may_be_nested() {
    let channels = channels(USAGE, "");
    let usage = |value: &str| limit(&channels, &[("x-usage", value)], "");
    assert_eq!(usage(r#"{"calls":28,"time":25.5}"#), Some((72, None)));
    assert_eq!(usage(r#"{"calls":28,"time":99.2}"#), Some((0, None)), "nearly all is all");
    let nested = r#"{"123":[{"calls":1,"regain":0},{"calls":"91","regain":5}],"4":{"time":3}}"#;
    assert_eq!(usage(nested), Some((9, Some(300))));
    assert_eq!(usage(r#"{"calls":250}"#), Some((0, None)));
    for nothing in ["{}", "[]", "calls=3", r#"{"calls":null}"#, r#"{"a":{"b":{"calls":1}}}"#] {
        assert_eq!(usage(nothing), None, "{nothing}");
    }
    let spent = read(&channels, Host::Channels, &response(200, &[("x-usage", r#"{"calls":90}"#)], "")).1;
    assert_eq!((spent[0].cushion, spent[0].is_spent()), (10, true), "the cost of a request is no percentage");
}

#[test]
fn a_quota_may_stand_in_the_body() {
    let channels = channels(
        "limits: [{scope: account, body: {remaining: .quota_remaining, reset: .quota_reset, format: epoch_seconds}}]\n",
        "",
    );
    let body = format!(r#"{{"quota_remaining":12,"quota_reset":"{}"}}"#, NOW + 60);
    assert_eq!(limit(&channels, &[("date", DATE)], &body), Some((12, Some(60))));
    assert_eq!(
        limit(&channels, &[], r#"{"quota_remaining":1e99,"quota_reset":-1}"#),
        Some((u64::MAX, Some(0)))
    );
    for nothing in ["<html>", "{}", r#"{"quota_remaining":[1]}"#, r#"{"quota_remaining":1"#] {
        assert_eq!(limit(&channels, &[], nothing), None, "{nothing}");
    }
}

#[test]
fn several_limits_hold_at_once_each_with_its_scope() {
    let channels = channels(
        "limits:\n  - {scope: application, headers: {remaining: X-App}}\n  - {scope: host, headers: {remaining: X-Host}}\n  \
         - {scope: token, calls: 300, window_seconds: 900}\n",
        "    limits: [{scope: endpoint, headers: {remaining: X-Own}}]\n",
    );
    let headers = [("x-app", "9"), ("x-host", "8"), ("x-own", "0")];
    let scopes = |host| {
        let (outcome, limits, _) = read(&channels, host, &response(429, &headers, ""));
        let scopes: Vec<_> = limits.into_iter().map(|limit| limit.scope).collect();
        (outcome, scopes)
    };
    let of_host = Scope::Host("api.example.com".into());
    let (outcome, all) = scopes(Host::Channels);
    assert_eq!(all, [Scope::Endpoint, Scope::Application, of_host.clone()]);
    assert_eq!(
        outcome,
        Outcome::RateLimited { scope: Scope::Endpoint, reset_seconds: None },
        "the spent one"
    );
    let (_, all) = scopes(Host::Accounts);
    assert_eq!(all, [Scope::Account, Scope::Account, of_host], "an account's host speaks for nobody else");
}

#[test]
fn rules_go_by_status_class_body_and_scope_and_a_job_types_own_come_first() {
    let channels = channels(
        "errors:\n  - {status: [400, 403], body: .error.code == 190, outcome: unauthorized}\n  \
         - {status: 200, body: .ok == false, outcome: rate_limited, scope: application, wait: {body: .wait, unit: minutes}}\n  \
         - {status: 4xx, header: X-Slow, outcome: rate_limited}\n  - {status: 503, outcome: server_error, wait: {body: .again}}\n",
        "    errors: [{status: 404, body_contains: none yet, outcome: unchanged}]\n",
    );
    let outcome = |status, headers: &[(&str, &str)], body| {
        read(&channels, Host::Channels, &response(status, headers, body)).0
    };
    assert_eq!(outcome(400, &[], r#"{"error":{"code":190}}"#), Outcome::Unauthorized);
    assert_eq!(
        outcome(403, &[("retry-after", "5")], r#"{"error":{"code":1}}"#),
        Outcome::RateLimited { scope: Scope::Account, reset_seconds: Some(5) }
    );
    assert_eq!(
        outcome(200, &[("retry-after", "60")], r#"{"ok":false,"wait":"2"}"#),
        Outcome::RateLimited { scope: Scope::Application, reset_seconds: Some(120) }
    );
    assert!(matches!(outcome(418, &[("x-slow", "1")], ""), Outcome::RateLimited { .. }));
    assert_eq!(
        outcome(503, &[], r#"{"again":7}"#),
        Outcome::ServerError { status: 503, retry_after_seconds: Some(7) }
    );
    assert_eq!(outcome(404, &[], "none yet"), Outcome::Unchanged { context: None });
    assert_eq!(outcome(404, &[], "no"), Outcome::Gone);
    assert!(
        matches!(outcome(400, &[], "<html>"), Outcome::BadResponse { .. }),
        "no predicate fails on a page"
    );
}

#[test]
fn floors_come_from_headers_bodies_and_feeds() {
    let json = channels("", "    floor: [X-Poll-Interval, {body: .backoff}]\n");
    let floor = |channels, headers: &[(&str, &str)], body| {
        read(channels, Host::Channels, &response(200, headers, body)).2
    };
    assert_eq!(floor(&json, &[("x-poll-interval", "60")], r#"{"backoff":30}"#), Some(60));
    assert_eq!(floor(&json, &[], r#"{"backoff":"90"}"#), Some(90));
    assert_eq!(floor(&json, &[], "<html>"), None);
}

const EVERY_SOURCE: &str = "limits:\n  - {scope: account, headers: {remaining: X-A, reset: {name: X-B, format: epoch_millis}}}\n  \
     - {scope: account, ratelimit: any}\n  - {scope: account, usage: {header: X-A, percents: [a], wait: b}}\n  \
     - {scope: account, body: {remaining: .a, reset: .b, format: iso8601}}\n";

#[test]
fn r16_any_limit_from_outside_is_survived() {
    let job = "    floor: [X-A, Expires, Cache-Control, {body: .a}]\n    \
         errors: [{status: 4xx, outcome: rate_limited, wait: {body: .b, unit: minutes}}]\n";
    let channels = channels(EVERY_SOURCE, job);
    let parts = ("[ -~]{0,60}", "[ -~]{0,60}", any::<f64>(), 0_usize..4);
    proptest!(|((a, b, number, which) in parts)| {
        let values = [
            a.clone(),
            format!("\"p\";r={a};t={number}"),
            format!("{{\"a\":{number},\"b\":{number}}}"),
            number.to_string(),
        ];
        let value = values[which].as_str();
        let body = format!("{{\"a\":{number:?},\"b\":{b:?}}}");
        let headers = [
            ("x-a", value), ("x-b", &b), ("ratelimit", value), ("ratelimit-policy", value), ("retry-after", &b),
        ];
        for status in [200, 403, 429] {
            let (outcome, limits, _) = read(&channels, Host::Channels, &response(status, &headers, &body));
            prop_assert!(limits.len() <= 4);
            prop_assert_ne!(outcome, Outcome::Unchanged { context: None });
        }
    });
}

#[test]
fn r16_every_hostile_number_is_read_the_same_way_wherever_it_stands() {
    for (text, expected) in [
        ("0", 0),
        ("1", 1),
        ("-1", 0),
        ("9999999999", 9_999_999_999),
        ("18446744073709551616", u64::MAX),
        ("1e9", 1_000_000_000),
    ] {
        let in_header = channels(
            "limits: [{scope: account, headers: {remaining: X-Left, reset: {name: X-Reset, format: delta_seconds}}}]\n",
            "",
        );
        let read = limit(&in_header, &[("x-left", text), ("x-reset", text)], "");
        assert_eq!(read, Some((expected, Some(expected))), "{text} in a header");
        let in_body = channels("limits: [{scope: account, body: {remaining: .n, reset: .n}}]\n", "");
        let read = limit(&in_body, &[], &format!("{{\"n\":{text}}}"));
        assert_eq!(read, Some((expected, Some(expected))), "{text} in a body");
        let read = limit(&in_body, &[], &format!("{{\"n\":\"{text}\"}}"));
        assert_eq!(read, Some((expected, Some(expected))), "{text} in a string of a body");
    }
}
