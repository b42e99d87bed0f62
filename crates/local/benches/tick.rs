//! The tick pass alone: due rows read from the store and dispatched into in-process queues, in CPU time of this thread.
//!
//! `cargo bench -p pollwheel-local --bench tick [-- ROWS]`. Not run as a test: it measures, it asserts nothing about time.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench: it prints its figure, or stops")]

use std::rc::Rc;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::QueueName;
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::tick::{Dispatch, FAN_OUT_ABOVE_PARTITIONS, tick};
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::queue::{LocalQueues, QueueConfig};
use pollwheel_local::store::Store;

/// As the command line has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: Timestamp = Timestamp::from_millis(1_740_052_800_000);

fn main() {
    let rows = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(measure(rows));
}

async fn measure(rows: u32) {
    let id = JobTypeId::new("bench/items").unwrap();
    let every_minute = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap();
    let catalog = Catalog::new([JobTypeSpec::new(id.clone(), every_minute)]);
    let clock = WheelClock::running(START, REAL_TICK);
    let store = Store::in_memory().unwrap();
    let queues = LocalQueues::new(Rc::new(clock), 1);
    let config =
        QueueConfig { visibility_seconds: 180, max_receive_count: Some(5), retention_seconds: 1_209_600 };
    for queue in [QueueName::Jobs(id.clone()), QueueName::Drains] {
        queues.create(queue, config);
    }

    let jobs: Vec<NewJob> = (0..rows).map(|number| job(&id, number)).collect();
    register(START, &jobs, &catalog, &store).await.unwrap();
    drop(jobs);
    eprintln!("{rows} rows of about {} bytes registered", row_bytes(&store));

    let dispatch = Dispatch {
        catalog: &catalog,
        store: &store,
        queues: &queues,
        clock: &clock,
        deadline: Timestamp::from_millis(u64::MAX),
        fan_out_above: FAN_OUT_ABOVE_PARTITIONS,
    };
    let before = cpu_seconds();
    let report = tick(START.minute(), &dispatch).await;
    let spent = cpu_seconds() - before;
    let dispatched = report[0].drained.dispatched;
    println!(
        "{{\"dispatched\":{dispatched},\"cpu_seconds\":{spent:.3},\"microseconds_per_row\":{:.3}}}",
        spent * 1e6 / f64::from(u32::try_from(dispatched).unwrap().max(1))
    );
}

fn job(id: &JobTypeId, number: u32) -> NewJob {
    let account = AccountId::new(format!("account-{number:07}")).unwrap();
    let members = ContextMap::from_iter([
        ("cursor".to_owned(), format!("1100{number:014}").into()),
        ("etag".to_owned(), format!("W/\"{number:032x}\"").into()),
    ]);
    NewJob {
        job: JobId { job_type: id.clone(), account, target: None },
        subject: Subject {
            external_id: format!("1093{number:014}"),
            base_url: Some("https://mastodon.example".to_owned()),
        },
        level: ServiceLevel::new("professional").unwrap(),
        range: None,
        context: Context::new(&members).unwrap(),
    }
}

fn row_bytes(store: &Store) -> usize {
    let page = store.rows(None, 1).unwrap();
    page.items.first().map_or(0, |row| serde_json::to_string(row).unwrap().len())
}

/// CPU time of this thread. Linux only, as the figure is.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
