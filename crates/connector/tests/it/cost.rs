//! What a poll costs inside the connector, counted and not timed: allocations are the same on every machine. The figures
//! in microseconds are in `benches/poll.rs`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use pollwheel_connector::{ChannelSet, replay};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Polled, Request};
use pollwheel_core::row::JobRow;

use crate::setup;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts what this thread asks it for.
struct Counting;

#[expect(
    unsafe_code,
    reason = "the only way to count allocations; it hands everything on to the system's allocator"
)]
// SAFETY: every call goes to `System` unchanged, and the counter neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the pointer came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CHANNEL: &str = r#"
channel: toy
about: A toy.
base_url: https://api.example.com
auth: none
headers: {Accept: application/json}
limits: [{scope: account, headers: {remaining: X-RateLimit-Remaining, reset: {name: X-RateLimit-Reset, format: epoch_seconds}}}]
service_levels: {professional: {fastest: 1, slowest: 60}}
job_types:
  posts:
    request: {path: "/users/{{ account.external_id }}/posts", query: {limit: 20}}
    items:
      list: .
      id: .id
      time: .created_at
      type: toy.post
      data: "{id, text: .content, lang: .language, author: .account.acct, url}"
    cursor: {greatest_id: numeric}
    pages: {follow: link_header}
    floor: [X-Poll-Interval]
"#;

const SEEN_ONE: &str = r#"{"poll":{"cursor":"1"}}"#;

fn row(context: &str) -> JobRow {
    let mut row = setup::row("http://unused.example");
    row.subject.base_url = None;
    row.context = serde_json::from_str(context).unwrap();
    row
}

fn body() -> Bytes {
    let item = |n: u64| {
        format!(
            r#"{{"id":"{}","created_at":"2026-11-23T07:45:00.000Z","language":"en","url":"https://example.com/@ada/{n}","content":"<p>Post number {n}, of some words.</p>","account":{{"id":"7","acct":"ada"}}}}"#,
            115_570_000_000_000_000 + n
        )
    };
    let items: Vec<_> = (0..20).rev().map(item).collect();
    format!("[{}]", items.join(",")).into()
}

fn response(status: u16, body: &Bytes) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("date", "Mon, 23 Nov 2026 07:45:00 GMT")
        .header("etag", "W/\"0b36cc2fa2a2d2ce1a94aab6fb7d6b5a\"")
        .header("x-ratelimit-remaining", "299")
        .header("x-ratelimit-reset", "1795423500")
        .header("x-poll-interval", "60")
        .body(body.clone())
        .unwrap()
}

fn poll(channels: &ChannelSet, row: &JobRow, response: &http::Response<Bytes>) -> Polled {
    let request = Request {
        row,
        credentials: None,
        application: None,
        token: None,
        budget: Duration::from_secs(30),
        permits: None,
    };
    replay(channels, request, SystemTime::UNIX_EPOCH, |_| response.clone())
}

/// The allocations of one poll, its answer's copy among them.
fn allocations(channels: &ChannelSet, row: &JobRow, response: &http::Response<Bytes>) -> u64 {
    // What is made once is made before.
    drop(poll(channels, row, response));
    let before = ALLOCATIONS.get();
    drop(poll(channels, row, response));
    ALLOCATIONS.get() - before
}

#[test]
fn a_poll_allocates_no_more_than_it_did() {
    let channels = setup::channels(CHANNEL);
    let (ok, not_modified) = (response(200, &body()), response(304, &Bytes::new()));
    let new = row(SEEN_ONE);
    let Outcome::New { items: 20, context, .. } = poll(&channels, &new, &ok).outcome else {
        panic!("not new")
    };
    let old = row(context.as_json());
    assert_eq!(poll(&channels, &old, &not_modified).outcome, Outcome::Unchanged { context: None });
    for (name, row, response, most) in
        [("20 new items", &new, &ok, 170), ("20 old items", &old, &ok, 35), ("304", &old, &not_modified, 25)]
    {
        let count = allocations(&channels, row, response);
        assert!(count <= most, "{name}: {count} allocations, at most {most} are expected");
    }
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// `just bench-memory`.
#[test]
#[ignore = "a minute in release, many in debug"]
fn memory_stays_flat_over_a_million_polls() {
    const POLLS: u64 = 1_000_000;
    const MOST_GROWTH_KIB: u64 = 4 * 1024;
    let channels = setup::channels(CHANNEL);
    let (ok, not_modified, error) =
        (response(200, &body()), response(304, &Bytes::new()), response(200, &Bytes::from_static(b"<html>")));
    let mut settled = 0;
    let mut job = row(SEEN_ONE);
    for number in 0..POLLS {
        let answer = match number % 8 {
            0 => &ok,
            1 => &error,
            _ => &not_modified,
        };
        let polled = poll(&channels, &job, answer);
        assert!(!matches!(polled.outcome, Outcome::Timeout | Outcome::Network { .. }));
        if let Outcome::New { context, .. } = polled.outcome {
            job.context = context;
        }
        if number % 100 == 0 {
            // Everything is new again.
            job.context = row(SEEN_ONE).context;
        }
        if number == POLLS / 100 {
            settled = resident_kib();
        }
    }
    let grown = resident_kib().saturating_sub(settled);
    assert!(grown < MOST_GROWTH_KIB, "{settled} KiB at first, {grown} KiB more after {POLLS} polls");
}
