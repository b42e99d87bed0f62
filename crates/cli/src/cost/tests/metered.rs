//! The month's arithmetic against what the meter counts in a run of the engine under virtual time, and the figures that
//! were promised, by both.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::budget::Spend;
use pollwheel_core::cadence::CadenceRange;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::event::{Event, Item};
use pollwheel_core::id::{AccountId, ChannelName, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::meter::deployment::POLL_MS;
use pollwheel_core::meter::{Bill, Prices, Usage};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::poll::Limits;
use pollwheel_core::ports::{Bus, Clock, Credentials, Polled, Poller, PortError, Request, Secret};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Punctual, Ticks, Totals};
use pollwheel_local::queue::LocalQueues;
use pollwheel_local::store::Store;

use super::*;
use crate::cost::workload::{MONTH_MINUTES, float, whole};

/// Noon of a day in 2025.
const START: Timestamp = Timestamp::from_millis(1_740_052_800_000);

/// Millions of polls of a month: a million accounts at cadence 15.
const MILLIONS: f64 = 2_880.0;

/// A third party that takes its time, with one new item in every so many polls.
struct Upstream {
    polls: Cell<u32>,
    news_every: Option<u32>,
}

impl Poller for Upstream {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        assert!(request.credentials.is_some(), "every account here has credentials");
        tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        let number = self.polls.get();
        self.polls.set(number + 1);
        let is_new = self.news_every.is_some_and(|every| number.is_multiple_of(every));
        let outcome = if is_new {
            Outcome::New { items: 1, more: false, context: since(number) }
        } else {
            Outcome::Unchanged { context: None }
        };
        let items = if is_new { vec![item(number)] } else { Vec::new() };
        Polled { outcome, hints: Hints::default(), items, requests: 1 }
    }
}

/// Takes every event.
struct Taking;

impl Bus for Taking {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        events.iter().map(|_| Ok(())).collect()
    }
}

/// A context as a channel leaves it: an id and a validator.
fn since(number: u32) -> Context {
    let id = (115_598_234_098_234_599 + u64::from(number)).to_string();
    let etag = "W/\"5f2e1a9c0b3d4e6f7a8b9c0d1e2f3a4b\"";
    Context::new(&ContextMap::from_iter([("since".to_owned(), id.into()), ("etag".to_owned(), etag.into())]))
        .unwrap()
}

fn item(number: u32) -> Item {
    Item {
        id: number.to_string(),
        kind: "mastodon.status".to_owned(),
        time: None,
        subject: None,
        data: serde_json::value::to_raw_value(&"word ".repeat(300)).unwrap(),
        dedupe_version: 1,
    }
}

fn job_type() -> JobTypeId {
    JobTypeId::new("mastodon/statuses").unwrap()
}

fn new_job(number: u64) -> NewJob {
    let account = AccountId::new(format!("account-{number:05}")).unwrap();
    let base_url = Some("https://mastodon.example".to_owned());
    NewJob {
        job: JobId { job_type: job_type(), account, target: None },
        subject: Subject { external_id: format!("1093482340982{number:05}"), base_url },
        level: ServiceLevel::new("professional").unwrap(),
        range: None,
        context: since(0),
    }
}

/// Lets the engine do so many minutes of the work, and tells what was used.
async fn run(workload: &Workload, minutes: u64) -> Totals {
    let range = CadenceRange::new(workload.cadence, workload.cadence).unwrap();
    let catalog = Catalog::new([JobTypeSpec::new(job_type(), range)]);
    let clock = WheelClock::running(START, REAL_TICK);
    let store = Store::in_memory().unwrap();
    let queues = LocalQueues::new(Rc::new(clock), 1);
    let jobs: Vec<NewJob> = (0..workload.accounts).map(new_job).collect();
    register(clock.now(), &jobs, &catalog, &store).await.unwrap();
    let mut credentials = MemoryCredentials::default();
    for job in jobs {
        let token = Secret::new("0123456789abcdef0123456789abcdef01234567890");
        let channel = ChannelName::new("mastodon").unwrap();
        credentials.insert(channel, job.job.account, Credentials::of_token(token));
    }
    let news_every = (workload.news_rate > 0.0).then(|| whole(1.0 / workload.news_rate));
    let upstream =
        Upstream { polls: Cell::new(0), news_every: news_every.map(|n| u32::try_from(n).unwrap()) };
    let engine = Engine {
        catalog: &catalog,
        ports: Ports {
            store: &store,
            queues: &queues,
            bus: &Taking,
            poller: &upstream,
            credentials: &credentials,
        },
        trailing: Some(&store),
        surroundings: &Punctual,
        queues: &queues,
        clock: &clock,
        config: EngineConfig {
            // As on AWS, where no job waits for a worker.
            batch_size: 100,
            batches_in_flight: 20,
            limits: Limits { concurrency: 100, ..Limits::default() },
            ..EngineConfig::default()
        },
        before_completion: &|| Ok(()),
    };
    engine.run(Ticks::Count(minutes), std::future::pending(), |_| {}).await.unwrap()
}

fn metered(workload: &Workload, minutes: u64) -> Totals {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let totals = runtime.block_on(run(workload, minutes));
    let turns = minutes / u64::from(workload.cadence.minutes());
    assert_eq!(totals.polled, workload.accounts * turns, "{totals:?}");
    totals
}

fn prices() -> Prices {
    let table = PriceTable::built_in().unwrap();
    table.region(USUAL_REGION).unwrap().clone()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 0.05 * one
}

/// The arithmetic is within five percent of the meter, in all and by every component of some weight.
fn agree(workload: Workload, minutes: u64) {
    let (totals, prices) = (metered(&workload, minutes), prices());
    let share = float(minutes) / float(MONTH_MINUTES);
    let usage = month::usage(&workload).into_iter().fold(Usage::default(), |sum, (_, usage, _)| sum + usage);
    let events = Usage { events: totals.events, ..Usage::default() };
    let (arithmetic, meter) = (prices.bill(&usage), prices.bill(&(totals.usage.working - events)));
    let mut pairs: Vec<(&str, f64, f64)> = arithmetic
        .components()
        .into_iter()
        .zip(meter.components())
        .map(|((name, by_arithmetic), (_, by_meter))| (name, by_arithmetic * share, by_meter))
        .collect();
    let sum = arithmetic.total() * share;
    pairs.retain(|(_, by_arithmetic, by_meter)| by_arithmetic.max(*by_meter) >= sum / 100.0);
    pairs.push(("all", sum, meter.total()));
    let month = month(&workload);
    let standing = ["waiting for messages", "ticks", "looking at partitions"];
    let standing = standing.iter().map(|name| component(&month, name) * share).sum();
    pairs.push(("standing", standing, prices.bill(&totals.usage.standing).total()));
    assert!(
        pairs.iter().all(|(_, by_arithmetic, by_meter)| near(*by_arithmetic, *by_meter)),
        "{workload:?}: name, by arithmetic, by the meter: {pairs:#?}, {:?} {:?}",
        totals.usage,
        usage
    );
}

#[test]
fn the_arithmetic_agrees_with_the_meter_where_batches_are_small() {
    // Two jobs a second.
    agree(workload(1_500, 15, 0.05, 1), 30);
}

#[test]
fn the_arithmetic_agrees_with_the_meter_where_batches_are_middling() {
    // Fifty a second.
    agree(workload(2_500, 1, 0.05, 1), 10);
}

#[test]
fn the_arithmetic_agrees_with_the_meter_where_batches_are_full() {
    // Five hundred a second.
    agree(workload(25_000, 1, 0.0, 1), 8);
}

/// What a million polls cost all in, a million accounts at cadence 15: in proportion to polls what the meter counts in
/// three minutes of as many jobs; for the rest what the month does.
fn a_million(news_rate: f64) -> (f64, Bill) {
    let totals = metered(&workload(1_000_000 / 15, 1, news_rate, 1), 3);
    let millions = float(totals.polled) / 1e6;
    let month = month(&workload(1_000_000, 15, news_rate, 1));
    let events = Usage { events: totals.events, ..Usage::default() };
    let bill = prices().bill(&(totals.usage.working - events));
    let by_month = (month.usd_standing + component(&month, "storage and recovery")) / MILLIONS;
    (bill.total() / millions + by_month, bill)
}

#[test]
fn a_million_quiet_polls_cost_at_most_a_quarter_of_a_dollar_by_the_meter_too() {
    let (usd, bill) = a_million(0.0);
    assert!(usd <= 0.25, "{usd}: {bill:?}");
    assert!(bill.dynamodb_writes.abs() < 1e-12, "nothing is written for a quiet poll: {bill:?}");
}

#[test]
fn with_an_item_in_a_poll_of_twenty_they_cost_at_most_30_cents_by_the_meter_too() {
    let (usd, bill) = a_million(0.05);
    assert!(usd <= 0.30, "{usd}: {bill:?}");
}

#[test]
fn the_same_work_gives_the_same_usage() {
    let workload = workload(1_000, 1, 0.2, 1);
    let [one, other] = [1, 2].map(|_| metered(&workload, 3).usage);
    assert_eq!(one, other);
}
