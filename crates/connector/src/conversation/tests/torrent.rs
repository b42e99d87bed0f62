//! Bursts beyond a page: everything comes out, once, oldest first.

use pollwheel_core::outcome::Outcome;
use proptest::prelude::*;

use super::server::{Job, Paging, Timeline};
use crate::exchange::FetchError;

fn job(paging: Paging, size: usize, limit: u32) -> Job {
    let (query, follow) = match paging {
        Paging::Ids => ("{since_id: \"{{ cursor }}\"}", "{max_id: max_id}"),
        Paging::Links => ("{}", "link_header"),
    };
    let size = if paging == Paging::Ids { format!("size: {size}, ") } else { String::new() };
    Job::new(
        "",
        &format!(
            "    request: {{path: /t, query: {query}}}\n    pages: {{follow: {follow}, {size}limit: {limit}}}\n"
        ),
    )
}

fn ids(items: &[pollwheel_core::event::Item]) -> Vec<u64> {
    items.iter().map(|item| item.id.parse().unwrap()).collect()
}

#[test]
fn a_burst_beyond_the_page_limit_is_delivered_over_several_polls() {
    for paging in [Paging::Ids, Paging::Links] {
        let mut job = job(paging, 2, 2);
        let mut timeline = Timeline { ids: vec![1], page_size: 2, paging };
        assert!(matches!(job.poll(|out| Ok(timeline.answer(&out.uri))).outcome, Outcome::Seeded { .. }));
        timeline.ids.extend(2..=9);
        let first = job.poll(|out| Ok(timeline.answer(&out.uri)));
        assert_eq!(ids(&first.items), [6, 7, 8, 9], "{paging:?}");
        assert!(matches!(first.outcome, Outcome::New { more: true, items: 4, .. }));
        let kept = job.row.context.as_json();
        assert!(
            kept.contains(r#""cursor":"1","gap":{"newest":"9""#) && kept.contains(r#""oldest":"6""#),
            "{kept}"
        );
        // Meanwhile more is posted: it waits until the gap is closed.
        timeline.ids.push(10);
        let mut rest = Vec::new();
        for _ in 0..4 {
            rest.extend(ids(&job.poll(|out| Ok(timeline.answer(&out.uri))).items));
        }
        // Numbered pages shift as items are posted, so one of the follow-ups meets items that it has seen.
        rest.sort_unstable();
        assert_eq!(rest, [2, 3, 4, 5, 10], "{paging:?}");
        assert!(job.row.context.as_json().starts_with(r#"{"poll":{"cursor":"10""#));
    }
}

#[test]
fn a_server_that_fails_halfway_delays_and_does_not_drop() {
    let mut job = job(Paging::Ids, 2, 5);
    let mut timeline = Timeline { ids: vec![1], page_size: 2, paging: Paging::Ids };
    job.poll(|out| Ok(timeline.answer(&out.uri)));
    timeline.ids.extend(2..=7);
    let mut left = 2;
    let half = job.poll(|out| {
        left -= 1;
        if left < 0 { Err(FetchError::Timeout) } else { Ok(timeline.answer(&out.uri)) }
    });
    assert_eq!(ids(&half.items), [4, 5, 6, 7]);
    assert!(matches!(half.outcome, Outcome::New { more: true, .. }));
    // Failing at once moves nothing.
    let before = job.row.context.clone();
    assert_eq!(job.poll(|_| Err(FetchError::Timeout)).outcome, Outcome::Timeout);
    assert_eq!(job.row.context, before);
    assert_eq!(ids(&job.poll(|out| Ok(timeline.answer(&out.uri))).items), [2, 3]);
}

#[test]
fn a_limit_that_is_nearly_spent_stops_the_walk() {
    let mut job = Job::new(
        "limits: [{scope: account, headers: {remaining: X-Left, reset: {name: X-Reset, format: delta_seconds}}, cushion: 3}]",
        "    request: {path: /t, query: {since_id: \"{{ cursor }}\"}}\n    pages: {follow: {max_id: max_id}, size: 2, limit: 9}\n",
    );
    let mut timeline = Timeline { ids: vec![1], page_size: 2, paging: Paging::Ids };
    job.poll(|out| Ok(timeline.answer(&out.uri)));
    timeline.ids.extend(2..=9);
    let mut left = 5;
    let polled = job.poll(|out| {
        left -= 1;
        Ok(timeline.answer(&out.uri).with("x-left", &left.to_string()).with("x-reset", "60"))
    });
    assert_eq!((polled.requests, left), (2, 3));
    assert!(matches!(polled.outcome, Outcome::New { items: 4, more: true, .. }));
    assert!(polled.hints.limits[0].is_spent());
}

#[test]
fn r27_the_same_page_twice_stops_the_loop_and_moves_nothing() {
    let mut job = job(Paging::Links, 2, 9);
    let mut timeline = Timeline { ids: vec![1], page_size: 2, paging: Paging::Links };
    job.poll(|out| Ok(timeline.answer(&out.uri)));
    timeline.ids.extend(2..=9);
    let before = job.row.context.clone();
    let polled = job.poll(|out| {
        let response = timeline.answer(&out.uri);
        Ok(if out.uri.query().is_some() { response.with("link", "</t?page=2>; rel=next") } else { response })
    });
    let Outcome::BadResponse { reason } = &polled.outcome else { panic!("{:?}", polled.outcome) };
    assert!(reason.contains("already seen"), "{reason}");
    assert!(polled.items.is_empty() && polled.requests == 2 && job.row.context == before);

    let mut job = self::job(Paging::Ids, 2, 9);
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"1"}}"#).unwrap();
    // A server that knows no `max_id`.
    let polled = job.poll(|_| Ok(timeline.answer(&"https://api.example.com/t".parse().unwrap())));
    let Outcome::BadResponse { reason } = &polled.outcome else { panic!("{:?}", polled.outcome) };
    assert!(reason.contains("has no effect") && polled.requests == 2, "{reason}");
}

#[test]
fn r23_a_next_page_elsewhere_is_not_asked() {
    let mut job = job(Paging::Links, 2, 9);
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"1"}}"#).unwrap();
    let timeline = Timeline { ids: vec![1, 2, 3], page_size: 2, paging: Paging::Links };
    for elsewhere in ["<https://evil.example/t?page=2>; rel=next", "<http://api.example.com/t>; rel=next"] {
        let polled = job.poll(|out| Ok(timeline.answer(&out.uri).with("link", elsewhere)));
        let Outcome::BadResponse { reason } = &polled.outcome else { panic!("{:?}", polled.outcome) };
        assert_eq!(reason, "the link to the next page leads to another origin");
        assert_eq!(polled.requests, 1);
    }
}

#[test]
fn a_stored_page_that_is_no_more_is_found_again_from_the_first() {
    let mut job = job(Paging::Links, 2, 4);
    job.row.context = serde_json::from_str(
        r#"{"poll":{"cursor":"1","gap":{"newest":"9","oldest":"6","next":"https://api.example.com/t?page=7"}}}"#,
    )
    .unwrap();
    let timeline = Timeline { ids: (1..=9).collect(), page_size: 2, paging: Paging::Links };
    let answer = |out: &crate::exchange::Outbound| {
        Ok(if out.uri.query() == Some("page=7") {
            super::server::json(422, "{}")
        } else {
            timeline.answer(&out.uri)
        })
    };
    let mut found = Vec::new();
    for _ in 0..3 {
        found.extend(ids(&job.poll(answer).items));
    }
    found.sort_unstable();
    assert_eq!(found, [2, 3, 4, 5]);
}

proptest! {
    /// Between polls, and between the pages of a poll, the timeline grows.
    #[test]
    fn every_item_posted_after_the_seed_comes_out_exactly_once(
        links: bool,
        page_size in 3_usize..7,
        limit in 1_u32..5,
        seed in 0_usize..8,
        bursts in prop::collection::vec((0_usize..25, 0_usize..3), 1..8),
    ) {
        let paging = if links { Paging::Links } else { Paging::Ids };
        let mut job = job(paging, page_size, limit);
        let mut timeline = Timeline { ids: (1..=seed as u64).collect(), page_size, paging };
        let mut next = 1_000_u64;
        let mut post = |timeline: &mut Timeline, count: usize| {
            for _ in 0..count {
                next += 1 + next % 3;
                timeline.ids.push(next);
            }
        };
        let outcome = job.poll(|out| Ok(timeline.answer(&out.uri))).outcome;
        prop_assert!(matches!(outcome, Outcome::Seeded { .. }), "{:?}", outcome);
        let mut published = Vec::new();
        let mut quiet = 0;
        let mut bursts = bursts.into_iter();
        while quiet < 2 {
            let (burst, meanwhile) = bursts.next().unwrap_or((0, 0));
            post(&mut timeline, burst);
            let polled = job.poll(|out| {
                let response = timeline.answer(&out.uri);
                post(&mut timeline, meanwhile);
                Ok(response)
            });
            let new = ids(&polled.items);
            prop_assert!(new.is_sorted());
            let told = if let Outcome::New { items, .. } = polled.outcome { items as usize } else { 0 };
            let is_fine = matches!(polled.outcome, Outcome::New { .. } | Outcome::Unchanged { .. });
            prop_assert!(is_fine, "{:?}", polled.outcome);
            prop_assert_eq!(told, new.len());
            let has_gap = matches!(polled.outcome, Outcome::New { more: true, .. });
            let is_done = burst == 0 && meanwhile == 0 && new.is_empty() && !has_gap;
            quiet = if is_done { quiet + 1 } else { 0 };
            published.extend(new);
            prop_assert!(published.len() < 1_000, "no end");
        }
        published.sort_unstable();
        let posted: Vec<u64> = timeline.ids.iter().copied().filter(|&id| id > 1_000).collect();
        prop_assert_eq!(published, posted);
    }
}
