//! CPU of one poll inside the connector, from the row to the items out, the response in memory.
//!
//! Figures to reach: 40 microseconds for 20 items in 4 KB of JSON, 5 for a 304. Counted is the thread's CPU time, which a
//! busy machine does not lengthen; it comes from Linux.

#![expect(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may stop; criterion's macros make public functions"
)]

use std::hint::black_box;
use std::num::NonZeroU16;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use pollwheel_connector::{ChannelSet, replay};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Credentials, Polled, Request, Secret};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

/// As the worker has it, and the command line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANNEL: &str = r#"
channel: toy
about: A toy.
base_url: https://api.example.com
base_url_per_account: allowed
auth: {bearer: optional}
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

fn channels() -> ChannelSet {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("toy");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("channel.yml"), CHANNEL).unwrap();
    ChannelSet::load(folder.path()).unwrap()
}

fn row(poll: &str) -> JobRow {
    let job = JobId {
        job_type: JobTypeId::new("toy/posts").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: None,
    };
    let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
    let subject =
        Subject { external_id: "42".to_owned(), base_url: Some("http://127.0.0.1:8080".to_owned()) };
    let level = ServiceLevel::new("professional").unwrap();
    let mut row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(0));
    row.context = serde_json::from_str(&format!(r#"{{"poll":{poll}}}"#)).unwrap();
    row
}

/// 20 items, about 4 KB.
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

/// CPU time of this thread so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// `POLLS=1000 valgrind --tool=callgrind <this bench> 304` counts instructions, of which a poll has as many on any machine:
/// those of 2,000 polls less those of 1,000.
fn counted(name: &str, poll: &impl Fn() -> Polled) -> bool {
    let Some(times) = std::env::var("POLLS").ok().and_then(|times| times.parse::<u64>().ok()) else {
        return false;
    };
    if std::env::args().any(|argument| argument == name) {
        for _ in 0..times {
            black_box(poll());
        }
    }
    true
}

fn measure(criterion: &mut Criterion, name: &str, poll: impl Fn() -> Polled) {
    if counted(name, &poll) {
        return;
    }
    let mut group = criterion.benchmark_group("poll");
    // Linux counts a thread's time in ticks of some milliseconds: few and long samples.
    group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let start = cpu_time();
            for _ in 0..times {
                black_box(poll());
            }
            cpu_time().saturating_sub(start).max(Duration::from_nanos(1))
        });
    });
}

fn polls(criterion: &mut Criterion) {
    let channels = channels();
    let credentials = Credentials::of_token(Secret::new("t0ken"));
    let body = body();
    assert!((3_500..5_000).contains(&body.len()), "{} bytes", body.len());
    let poll = |row: &JobRow, response: &http::Response<Bytes>| -> Polled {
        let request = Request {
            row,
            credentials: Some(&credentials),
            application: None,
            token: None,
            permits: None,
            budget: Duration::from_secs(30),
        };
        replay(&channels, black_box(request), SystemTime::now(), |_| black_box(response).clone())
    };
    let ok = response(200, &body);

    let new = row(r#"{"cursor":"1"}"#);
    assert!(matches!(poll(&new, &ok).outcome, Outcome::New { items: 20, .. }));
    measure(criterion, "20 new items in 4 KB", || poll(&new, &ok));

    let Outcome::New { context, .. } = poll(&new, &ok).outcome else { unreachable!() };
    let mut old = new.clone();
    old.context = context;
    assert_eq!(poll(&old, &ok).outcome, Outcome::Unchanged { context: None });
    measure(criterion, "20 old items in 4 KB", || poll(&old, &ok));

    let not_modified = response(304, &Bytes::new());
    assert_eq!(poll(&old, &not_modified).outcome, Outcome::Unchanged { context: None });
    measure(criterion, "304", || poll(&old, &not_modified));
}

criterion_group!(benches, polls);
criterion_main!(benches);
