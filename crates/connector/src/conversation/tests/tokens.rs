//! Cursors that are the API's own tokens: pages go forward, from old to new.

use pollwheel_core::outcome::Outcome;

use super::server::{Job, json};
use crate::exchange::{FetchError, Outbound, Response};

const ITEMS: &str = "    items: {list: .items, id: .id, type: test.item, data: .}\n";

fn job(limit: u32, first_poll: &str) -> Job {
    Job::declared(
        "{bearer: optional}",
        "",
        &format!(
            "    request: {{path: /t, query: {{after: \"{{{{ cursor }}}}\"}}}}\n{ITEMS}    cursor: {{token: {{from: .token}}}}\n    \
             pages: {{follow: token, more: .more, limit: {limit}}}\n    first_poll: {first_poll}\n"
        ),
    )
}

/// A log of so many items, two a page.
fn log(length: usize, out: &Outbound) -> Response {
    let after = out.uri.query().and_then(|query| query.strip_prefix("after=t"));
    let from: usize = after.map_or(0, |after| after.parse().unwrap());
    let to = length.min(from + 2);
    let items: Vec<_> = (from..to).map(|id| serde_json::json!({"id": format!("i{id}")})).collect();
    let body = serde_json::json!({"items": items, "token": format!("t{to}"), "more": to < length});
    json(200, &body.to_string())
}

fn ids(items: &[pollwheel_core::event::Item]) -> Vec<&str> {
    items.iter().map(|item| item.id.as_str()).collect()
}

#[test]
fn the_first_poll_goes_to_the_end_over_several_polls_and_publishes_nothing() {
    let mut job = job(2, "seed");
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let polled = job.poll(|out| Ok(log(9, out)));
        assert!(polled.items.is_empty());
        outcomes.push(polled.outcome);
    }
    assert!(matches!(outcomes[0], Outcome::New { items: 0, more: true, .. }), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[2], Outcome::Seeded { .. }), "{:?}", outcomes[2]);
    assert_eq!(job.row.context.as_json(), r#"{"poll":{"cursor":"t9"}}"#);
    assert_eq!(ids(&job.poll(|out| Ok(log(11, out))).items), ["i9", "i10"]);
}

#[test]
fn the_first_poll_may_publish_the_last_n() {
    let mut job = job(9, "{publish: 3}");
    assert_eq!(ids(&job.poll(|out| Ok(log(9, out))).items), ["i6", "i7", "i8"]);
}

#[test]
fn what_one_poll_cannot_bring_the_next_one_does() {
    let mut job = job(2, "seed");
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"t0"}}"#).unwrap();
    let polled = job.poll(|out| Ok(log(7, out)));
    assert_eq!(ids(&polled.items), ["i0", "i1", "i2", "i3"]);
    assert!(matches!(polled.outcome, Outcome::New { more: true, .. }));
    // A time-out keeps what came before it.
    let mut left = 1;
    let polled = job.poll(|out| {
        left -= 1;
        if left < 0 { Err(FetchError::Timeout) } else { Ok(log(7, out)) }
    });
    assert_eq!(ids(&polled.items), ["i4", "i5"]);
    let polled = job.poll(|out| Ok(log(7, out)));
    assert_eq!(ids(&polled.items), ["i6"]);
    assert!(matches!(polled.outcome, Outcome::New { more: false, .. }));
}

#[test]
fn r27_items_without_a_token_that_goes_on_are_a_bad_response() {
    for (body, reason) in [
        (r#"{"items":[{"id":1}]}"#, "there is none"),
        (r#"{"items":[{"id":1}],"token":""}"#, "there is none"),
        (r#"{"items":[{"id":1}],"token":"t0"}"#, "the same as before"),
        (r#"{"items":[],"token":"t0","more":true}"#, "the same again"),
    ] {
        let mut job = job(5, "seed");
        job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"t0"}}"#).unwrap();
        let before = job.row.context.clone();
        let polled = job.poll(|_| Ok(json(200, body)));
        let Outcome::BadResponse { reason: found } = &polled.outcome else { panic!("{:?}", polled.outcome) };
        assert!(found.contains(reason), "{found}");
        assert!(polled.items.is_empty() && job.row.context == before);
    }
}

#[test]
fn a_token_in_a_header_without_news_is_written_once_an_hour() {
    let fields = "    request: {path: /t, query: {after: \"{{ cursor }}\"}}\n    conditional: false\n";
    let cursor = "    cursor: {token: {from: {header: X-Next}}}\n";
    let mut job = Job::declared("{bearer: optional}", "", &format!("{fields}{ITEMS}{cursor}"));
    let poll = |job: &mut Job, token: &str| {
        job.minute += 20;
        job.poll(|_| Ok(json(200, r#"{"items":[]}"#).with("x-next", token))).outcome
    };
    assert!(matches!(poll(&mut job, "a"), Outcome::Seeded { .. }));
    let written = ["b", "c", "d", "e", "e"]
        .map(|token| matches!(poll(&mut job, token), Outcome::Unchanged { context: Some(_) }));
    assert_eq!(written, [true, false, false, true, false]);
}
