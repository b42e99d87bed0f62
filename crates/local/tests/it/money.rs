//! What a million polls cost, by the engine's meter and the price table.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::event::Item;
use pollwheel_core::id::{AccountId, ChannelName, JobId, ServiceLevel};
use pollwheel_core::meter::{Bill, Metered, Prices};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Clock, Credentials, Polled, Poller, Request, Secret};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Ticks, Totals};
use pollwheel_local::queue::LocalQueues;
use pollwheel_local::store::Store;

use crate::fixture::job_type;
use crate::sim::{MemoryBus, START, under_virtual_time};

/// Enough in a minute for full batches.
const JOBS: u32 = 25_000;
const TICKS: u64 = 8;

/// A third party that takes its time, with one new item in every so many polls.
struct Upstream {
    polls: Cell<u32>,
    news_every: Option<u32>,
}

impl Poller for Upstream {
    async fn poll(&self, request: Request<'_>) -> Polled {
        assert!(request.credentials.is_some(), "every account here has credentials");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let number = self.polls.get();
        self.polls.set(number + 1);
        let is_new = self.news_every.is_some_and(|every| number.is_multiple_of(every));
        let outcome = if is_new {
            Outcome::New { items: 1, more: false, context: since(u64::from(number)) }
        } else {
            Outcome::Unchanged { context: None }
        };
        let items = if is_new { vec![item(number)] } else { Vec::new() };
        Polled { outcome, hints: Hints::default(), items, requests: 1 }
    }
}

fn since(number: u64) -> Context {
    let id = (115_598_234_098_234_599 + number).to_string();
    Context::new(&ContextMap::from_iter([("since".to_owned(), id.into())])).unwrap()
}

fn item(number: u32) -> Item {
    let content = "word ".repeat(300);
    Item {
        id: number.to_string(),
        kind: "mastodon.status".to_owned(),
        time: None,
        subject: None,
        data: serde_json::value::to_raw_value(&content).unwrap(),
        dedupe_version: 1,
    }
}

fn new_job(number: u32) -> NewJob {
    let account = AccountId::new(format!("account-{number:05}")).unwrap();
    NewJob {
        job: JobId { job_type: job_type(), account, target: None },
        subject: Subject {
            external_id: number.to_string(),
            base_url: Some("https://mastodon.example".to_owned()),
        },
        level: ServiceLevel::new("professional").unwrap(),
        context: since(0),
    }
}

/// Polls so many jobs in every minute, and tells what was used.
async fn run(count: u32, ticks: u64, news_every: Option<u32>) -> Totals {
    let range = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap();
    let catalog = Catalog::new([JobTypeSpec::new(job_type(), range)]);
    let clock = WheelClock::running(START, REAL_TICK);
    let store = Store::in_memory().unwrap();
    let queues = LocalQueues::new(Rc::new(clock), 1);
    let jobs: Vec<NewJob> = (0..count).map(new_job).collect();
    register(clock.now(), &jobs, &catalog, &store).await.unwrap();
    let mut credentials = MemoryCredentials::default();
    for job in jobs {
        let token = Secret::new("0123456789abcdef0123456789abcdef01234567890");
        let channel = ChannelName::new("mastodon").unwrap();
        credentials.insert(channel, job.job.account, Credentials::of_token(token));
    }
    let bus = MemoryBus::default();
    let upstream = Upstream { polls: Cell::new(0), news_every };
    let engine = Engine {
        catalog: &catalog,
        ports: Ports {
            store: &store,
            queues: &queues,
            bus: &bus,
            poller: &upstream,
            credentials: &credentials,
        },
        store: &store,
        queues: &queues,
        clock: &clock,
        config: EngineConfig::default(),
        before_completion: &|| Ok(()),
    };
    engine.run(Ticks::Count(ticks), std::future::pending(), |_| {}).await.unwrap()
}

fn prices() -> Prices {
    #[derive(serde::Deserialize)]
    struct Table {
        regions: BTreeMap<String, Prices>,
    }
    let mut table: Table = toml::from_str(include_str!("../../../../infra/prices.toml")).unwrap();
    table.regions.remove("us-east-1").unwrap()
}

/// Dollars a million polls.
fn a_million(totals: &Totals) -> (Bill, f64) {
    let bill = prices().bill(&totals.usage.total());
    let polls = f64::from(u32::try_from(totals.polled).unwrap());
    (bill, bill.total() / polls * 1e6)
}

#[test]
fn a_million_quiet_polls_cost_at_most_a_quarter_of_a_dollar_all_in() {
    let totals = under_virtual_time(run(JOBS, TICKS, None));
    assert_eq!(totals.polled, u64::from(JOBS) * TICKS, "{totals:?}");
    let (bill, usd) = a_million(&totals);
    assert!(usd <= 0.25, "{usd}: {bill:?}");
    assert!(bill.dynamodb_writes < bill.total() / 1000.0, "only cursors: {bill:?}");
    let Metered { working, standing } = totals.usage;
    assert_eq!(standing.schedule_invocations, TICKS);
    // The spread is 50 s: 500 messages a second, by chance a little more or less, are five batches and a small one.
    let per_batch = totals.polled / working.function_requests;
    assert!((70..=100).contains(&per_batch), "{per_batch} polls an invocation: {working:?}");
}

#[test]
fn with_an_item_in_a_poll_of_twenty_they_cost_at_most_30_cents_and_the_events() {
    let totals = under_virtual_time(run(JOBS, TICKS, Some(20)));
    let (bill, usd) = a_million(&totals);
    let polls = f64::from(u32::try_from(totals.polled).unwrap());
    assert_eq!(totals.events, totals.polled / 20);
    assert_eq!(totals.usage.working.events, totals.events, "each is below 64 KB");
    assert_eq!(totals.usage.working.write_units, totals.events, "a unit for each new context");
    let without_events = usd - bill.eventbridge / polls * 1e6;
    assert!(without_events <= 0.30, "{without_events}: {bill:?}");
}

#[test]
fn the_same_work_gives_the_same_usage() {
    let [one, other] = [1, 2].map(|_| under_virtual_time(run(1000, 3, Some(7))).usage);
    assert_eq!(one, other);
}
