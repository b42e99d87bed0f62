//! A million due rows, part by part: read from the file, decoded, made into poll messages, sent into the queues in memory.
//!
//! `cargo bench -p pollwheel-local --bench store [-- ROWS]` prints the CPU seconds of each part. The figure to reach is 2
//! CPU seconds for the whole tick over 1,000,000 rows. CPU time is read from `/proc`, so it runs on Linux alone. Like every
//! bench it measures, and asserts nothing about time.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::fs;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::time::Instant;

use futures_util::FutureExt;
use pollwheel_core::activity::Price;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::decide::Terms;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{Message, PollMessage};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Change, Clock, JobStore, Outgoing, QueueName, Queues};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::tick::{Dispatch, PAGE_ROWS, tick};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::queue::{LocalQueues, QueueConfig, QueueId};
use pollwheel_local::store::Store;

const NOW: EpochMinute = EpochMinute::new(29_000_000);
const SHARDS: u16 = 16;
/// Rows of one transaction while the file is filled.
const CHUNK: u64 = 100_000;

type Failure = Box<dyn Error>;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW.start()
    }
}

/// CPU seconds of this thread so far.
fn cpu_seconds() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

fn measured<T>(what: &str, rows: u64, act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let (cpu, wall) = (cpu_seconds()?, Instant::now());
    let result = act()?;
    let cpu = cpu_seconds()? - cpu;
    let each = cpu * 1e9 / rows as f64;
    println!("{what:<40} {cpu:>7.3} CPU s  {each:>6.0} ns a row  {:>7.3} s", wall.elapsed().as_secs_f64());
    Ok(result)
}

fn wait<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    future.now_or_never().ok_or_else(|| "the store and the queues never wait".into())
}

fn cohort(shard: u16) -> Cohort {
    Cohort { cadence: Cadence::FASTEST, phase: 0, shard }
}

/// A row as it stands after some polls.
fn row(job_type: &JobTypeId, number: u64) -> Result<JobRow, Failure> {
    let account = AccountId::new(format!("account-{number:07}"))?;
    let job = JobId { job_type: job_type.clone(), account, target: None };
    let subject = Subject {
        external_id: (109_000_000_000_000_000 + number).to_string(),
        base_url: Some("https://mastodon.example".to_owned()),
    };
    let place = Place::Cohort(cohort(u16::try_from(number % u64::from(SHARDS))?));
    let level = ServiceLevel::new("professional")?;
    let mut row = JobRow::new(job, place, subject, level, Revision(1_740_052_800_000 + number), NOW);
    let since = (113_000_000_000_000_000 + number).to_string();
    row.context = Context::new(&ContextMap::from_iter([("since_id".to_owned(), since.into())]))?;
    row.applied = Some(NOW.minus(60));
    let at = NOW.minus(60);
    let activity = Cadence::FASTEST;
    row.terms = Some(Terms {
        at,
        activity,
        rate: 12_345,
        price: Price::USUAL,
        asked_seconds: 70,
        clamp: None,
        floor_seconds: None,
        hold: None,
        jitter_minutes: 0,
        wake: None,
    });
    Ok(row)
}

fn fill(store: &Store, job_type: &JobTypeId, rows: u64) -> Result<(), Failure> {
    for first in (0..rows).step_by(usize::try_from(CHUNK)?) {
        let numbers = first..(first + CHUNK).min(rows);
        let changes: Result<Vec<Change>, Failure> =
            numbers.map(|number| Ok(Change::Insert(Box::new(row(job_type, number)?)))).collect();
        for answer in wait(store.apply(changes?))? {
            answer?;
        }
    }
    Ok(())
}

/// Reads every row, page by page.
fn read_all(store: &Store, job_type: &JobTypeId, mut each: impl FnMut(JobRow)) -> Result<(), Failure> {
    for shard in 0..SHARDS {
        let mut from = None;
        loop {
            let page = wait(store.read_cohort(job_type, cohort(shard), from.as_deref(), PAGE_ROWS))??;
            page.items.into_iter().for_each(&mut each);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn encode(row: JobRow) -> String {
    PollMessage { due: NOW, missed: 0, spread: 7, hop: 1, price: Price::USUAL, row }.encode()
}

fn dispatch(store: &Store, queues: &LocalQueues, job_type: &JobTypeId) -> Result<u64, Failure> {
    let range = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST)?;
    let mut spec = JobTypeSpec::new(job_type.clone(), range);
    spec.shards = NonZeroU16::new(SHARDS).unwrap_or(NonZeroU16::MIN);
    spec.backlog_limit = u64::MAX;
    let catalog = Catalog::new([spec]);
    let deadline = Timestamp::from_millis(u64::MAX);
    let dispatch =
        Dispatch { catalog: &catalog, store, queues, clock: &Still, deadline, fan_out_above: 4096 };
    Ok(wait(tick(NOW, &dispatch))?.iter().map(|report| report.drained.dispatched).sum())
}

fn main() -> Result<(), Failure> {
    let rows: u64 = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let job_type = JobTypeId::new("mastodon/statuses")?;
    let store = Store::open(folder.path())?;
    measured("insert, 100,000 a commit", rows, || fill(&store, &job_type, rows))?;
    drop(store);
    println!(
        "{:<40} {:>7} MB",
        "file",
        fs::metadata(folder.path().join("pollwheel.redb"))?.len() / 1_000_000
    );
    let store = measured("open, which checks the whole file", rows, || Ok(Store::open(folder.path())?))?;

    measured("read and decode", rows, || read_all(&store, &job_type, drop))?;
    let mut bytes = 0;
    measured("read, decode, encode as messages", rows, || {
        read_all(&store, &job_type, |row| bytes += encode(row).len())
    })?;
    println!("{:<40} {:>7} bytes", "a message", bytes as u64 / rows.max(1));

    let queues = LocalQueues::new(Rc::new(Still), 1);
    let jobs = QueueName::Jobs(job_type.clone());
    queues.create(jobs.clone(), QueueConfig::default());
    let sent = measured("the tick: all of it, and sent", rows, || dispatch(&store, &queues, &job_type))?;
    println!("{:<40} {sent:>7}", "messages sent");

    let queue = QueueId::Live(jobs.clone());
    queues.purge(&queue);
    let body = encode(row(&job_type, 1)?);
    measured("queue alone: send, receive, delete", rows, || {
        for _ in 0..rows.div_ceil(1000) {
            let messages = vec![Outgoing { body: body.clone(), delay_seconds: 0 }; 1000];
            wait(queues.send(&jobs, messages))?;
            for delivery in queues.receive(&queue, 1000) {
                queues.delete(&queue, delivery.receipt);
            }
        }
        Ok(())
    })
}
