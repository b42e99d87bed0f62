//! What single answers come to.

use http::header;
use pollwheel_core::outcome::{Outcome, Scope};

use super::server::{Job, json};

const REQUEST: &str = "    request: {path: /t}\n    floor: [X-Poll-Interval, Cache-Control]\n";
const LIMITS: &str = "limits: [{scope: account, scope_without_token: application, headers: {remaining: X-Left, reset: {name: X-Reset, format: delta_seconds}}, cushion: 1}]";

fn seeded(fields: &str, job_fields: &str) -> Job {
    let mut job = Job::new(fields, job_fields);
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"5"}}"#).unwrap();
    job
}

#[test]
fn the_first_poll_seeds_and_an_empty_list_seeds_too() {
    let mut job = Job::new("", REQUEST);
    let polled = job.poll(|_| Ok(json(200, "[]")));
    assert!(matches!(polled.outcome, Outcome::Seeded { .. }));
    assert_eq!(job.row.context.as_json(), r#"{"poll":{}}"#);
    // From here on everything is new.
    let polled = job.poll(|_| Ok(json(200, r#"[{"id":1}]"#)));
    assert!(matches!(polled.outcome, Outcome::New { items: 1, more: false, .. }));
}

#[test]
fn the_first_poll_publishes_the_last_n_when_asked_to() {
    let mut job = Job::new("", &format!("{REQUEST}    first_poll: {{publish: 2}}\n"));
    let polled = job.poll(|_| Ok(json(200, r#"[{"id":1},{"id":3},{"id":2}]"#)));
    assert_eq!(polled.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
    assert!(matches!(polled.outcome, Outcome::New { items: 2, more: false, .. }));
    assert_eq!(job.poll(|_| Ok(json(200, r#"[{"id":3}]"#))).outcome, Outcome::Unchanged { context: None });
}

#[test]
fn validators_are_sent_back_verbatim_to_the_same_request_only() {
    let mut job = seeded("", REQUEST);
    job.poll(|out| {
        assert!(!out.headers.contains_key(header::IF_NONE_MATCH));
        Ok(json(200, r#"[{"id":6}]"#).with("etag", "W/\"odd one").with("last-modified", "yesterday"))
    });
    let polled = job.poll(|out| {
        assert_eq!(out.headers[header::IF_NONE_MATCH], "W/\"odd one");
        assert_eq!(out.headers[header::IF_MODIFIED_SINCE], "yesterday");
        Ok(json(304, ""))
    });
    assert_eq!((polled.outcome, polled.requests), (Outcome::Unchanged { context: None }, 1));
    job.row.subject.external_id = "43".to_owned();
    let mut elsewhere = seeded("", "    request: {path: /t2}\n");
    elsewhere.row.context = job.row.context.clone();
    elsewhere.poll(|out| {
        assert!(!out.headers.contains_key(header::IF_NONE_MATCH));
        Ok(json(200, "[]"))
    });
}

#[test]
fn validators_of_a_request_that_moves_with_the_cursor_are_dropped_with_it() {
    let mut job = seeded("", "    request: {path: /t, query: {since: \"{{ cursor }}\"}}\n");
    job.poll(|_| Ok(json(200, "[]").with("etag", "\"a\"")));
    assert!(job.row.context.as_json().contains("\\\"a\\\""));
    job.poll(|_| Ok(json(200, r#"[{"id":6}]"#).with("etag", "\"b\"")));
    assert!(!job.row.context.as_json().contains("etag"), "{:?}", job.row.context);
}

#[test]
fn a_quiet_response_is_written_for_its_validators_once_an_hour() {
    let mut job = seeded("", REQUEST);
    let quiet = |job: &mut Job, etag: &str| {
        job.minute += 20;
        let polled = job.poll(|_| Ok(json(200, "[]").with("etag", etag)));
        matches!(polled.outcome, Outcome::Unchanged { context: Some(_) })
    };
    let written = ["a", "a", "b", "c", "c", "c", "d"].map(|etag| quiet(&mut job, etag));
    assert_eq!(written, [true, false, false, true, false, false, true]);
}

#[test]
fn r27_what_is_not_the_declared_list_moves_nothing() {
    for body in
        ["<html>error</html>", r#"{"error":"x"}"#, r#"[{"id":6},"#, "", "null", r#"[{"id":6},{"name":"x"}]"#]
    {
        let mut job = seeded("", REQUEST);
        let before = job.row.context.clone();
        let polled = job.poll(|_| Ok(json(200, body)));
        assert!(matches!(polled.outcome, Outcome::BadResponse { .. }), "{body}: {:?}", polled.outcome);
        assert!(polled.items.is_empty() && job.row.context == before);
    }
    // An empty list where there were thousands.
    assert_eq!(
        seeded("", REQUEST).poll(|_| Ok(json(200, "[]"))).outcome,
        Outcome::Unchanged { context: None }
    );
    // A 304 to a question that was not asked.
    assert!(matches!(seeded("", REQUEST).poll(|_| Ok(json(304, ""))).outcome, Outcome::BadResponse { .. }));
}

#[test]
fn r25_json_5000_deep_is_a_bad_response() {
    let deep = format!("[{{\"id\":6,\"x\":{}{}}}]", "[".repeat(5_000), "]".repeat(5_000));
    let polled = seeded("", REQUEST).poll(|_| Ok(json(200, &deep)));
    let reason = "`items.data` of an element: it is nested more than 128 deep".to_owned();
    assert_eq!(polled.outcome, Outcome::BadResponse { reason });
}

#[test]
fn statuses_become_outcomes() {
    let outcome = |status: u16| seeded(LIMITS, REQUEST).poll(|_| Ok(json(status, "{}"))).outcome;
    assert_eq!(outcome(401), Outcome::Unauthorized);
    assert_eq!(outcome(403), Outcome::Unauthorized);
    assert_eq!(outcome(404), Outcome::Gone);
    assert_eq!(outcome(410), Outcome::Gone);
    assert_eq!(outcome(408), Outcome::Timeout);
    assert_eq!(outcome(429), Outcome::RateLimited { scope: Scope::Account, reset_seconds: None });
    assert_eq!(outcome(500), Outcome::ServerError { status: 500, retry_after_seconds: None });
    for status in [201, 204, 400, 422] {
        assert!(matches!(outcome(status), Outcome::BadResponse { .. }), "{status}");
    }
}

#[test]
fn a_403_is_a_throttle_when_something_says_so() {
    let limited = |reset_seconds| Outcome::RateLimited { scope: Scope::Account, reset_seconds };
    let mut job = seeded(LIMITS, REQUEST);
    let spent = json(403, "{}").with("x-left", "0").with("x-reset", "40").with("retry-after", "30");
    assert_eq!(job.poll(|_| Ok(spent.clone())).outcome, limited(Some(40)));
    assert_eq!(job.poll(|_| Ok(json(403, "{}").with("retry-after", "30"))).outcome, limited(Some(30)));
    let rules = "errors: [{status: 403, body_contains: slow down, outcome: rate_limited}, {status: 404, header: x-soon, outcome: server_error}]";
    let mut job = seeded(rules, REQUEST);
    assert_eq!(job.poll(|_| Ok(json(403, "please slow down"))).outcome, limited(None));
    assert_eq!(job.poll(|_| Ok(json(403, "no"))).outcome, Outcome::Unauthorized);
    let soon = job.poll(|_| Ok(json(404, "").with("x-soon", "1").with("retry-after", "9"))).outcome;
    assert_eq!(soon, Outcome::ServerError { status: 404, retry_after_seconds: Some(9) });
}

#[test]
fn limits_and_floors_are_read_from_every_answer_in_seconds_of_the_wheel() {
    let mut job = seeded(LIMITS, REQUEST);
    (job.scale, job.token) = (300.0, None);
    let answer = json(200, "[]")
        .with("x-left", "7")
        .with("x-reset", "2")
        .with("x-poll-interval", "60")
        .with("cache-control", "max-age=30");
    let polled = job.poll(|_| Ok(answer.clone()));
    let limit = &polled.hints.limits[0];
    assert_eq!(
        (limit.scope.clone(), limit.remaining, limit.cushion, limit.reset_seconds),
        (Scope::Application, 7, 1, Some(600))
    );
    assert_eq!(polled.hints.floor_seconds, Some(18_000));
    let polled = job.poll(|_| Ok(json(503, "").with("retry-after", "1")));
    assert_eq!(polled.outcome, Outcome::ServerError { status: 503, retry_after_seconds: Some(300) });
}

#[test]
fn r16_hostile_numbers_never_panic_and_never_shorten() {
    for value in [
        "0",
        "1",
        "-1",
        "9999999999",
        "18446744073709551616",
        "1e9",
        "NaN",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let mut job = seeded(LIMITS, REQUEST);
        job.scale = 1e9;
        let answer = |status| {
            json(status, "[]")
                .with("x-left", value)
                .with("x-reset", value)
                .with("retry-after", value)
                .with("x-poll-interval", value)
        };
        for status in [200, 403, 429, 503] {
            let polled = job.poll(|_| Ok(answer(status)));
            if let Outcome::RateLimited { reset_seconds: Some(seconds), .. } = polled.outcome {
                let asked = value.parse::<f64>().unwrap_or(0.0);
                assert!(seconds as f64 >= asked.min(1e18), "{value}: {seconds}");
            }
        }
    }
}

#[test]
fn a_job_that_cannot_be_polled_says_why_without_a_request() {
    let mut job = seeded("", "    request: {path: \"/t/{{ context.list }}\"}\n");
    let polled = job.poll(|_| panic!("asked"));
    assert_eq!(polled.requests, 0);
    assert_eq!(
        polled.outcome,
        Outcome::BadResponse {
            reason: "the request needs `context.list`, which the job does not have, in `request.path`"
                .to_owned()
        }
    );
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":7}}"#).unwrap();
    assert!(matches!(job.poll(|_| panic!("asked")).outcome, Outcome::BadResponse { .. }));
    job.row.subject.base_url = Some("https://elsewhere.example".to_owned());
    assert!(matches!(job.poll(|_| panic!("asked")).outcome, Outcome::BadResponse { .. }));
}

#[test]
fn r28_the_token_goes_into_its_header_and_nowhere_else() {
    let mut job = seeded("", REQUEST);
    let polled = job.poll(|out| {
        assert_eq!(out.headers[header::AUTHORIZATION], "Bearer s3cret");
        assert!(!format!("{out:?}").contains("s3cret"));
        Ok(json(400, "s3cret"))
    });
    assert!(!format!("{polled:?}").contains("s3cret"));
    job.token = Some("s3cret\nx");
    assert_eq!(job.poll(|_| panic!("asked")).outcome, Outcome::Unauthorized);
}
