//! What a poll costs, counted at the wire: every request of the SDK as it leaves, in AWS's billing units.
//!
//! The requests that Lambda's mappings make for us (receive and delete) never pass here. They are added as the
//! documentation says that mappings poll: up to ten messages a receive and a delete.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use pollwheel_aws::{
    Connection, ControlTable, CredentialTable, CredentialVault, EventBridgeBus, Meter, SqsQueues, Usage,
};
use pollwheel_core::batch::Record;
use pollwheel_core::budget::Spend;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::complete::{Completion, complete};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::event::Item;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::meter::Metered;
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::poll::{Limits, Worker, poll};
use pollwheel_core::ports::{
    Applied, Change, Clock, ControlStore, Credentials, JobStore, Polled, Poller, QueueName, Request, Secret,
};
use pollwheel_core::tick::{Dispatch, FAN_OUT_ABOVE_PARTITIONS, tick};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_local::meter as billed;
use pollwheel_local::queue::QueueId;
use serde_json::value::RawValue;

use crate::fixture::{Aws, Call, QUEUES, job_type, row, settings, store, wait};

const NOW: EpochMinute = EpochMinute::new(29_397_840);
const JOBS: u32 = 10_000;
/// Messages of a worker's batch: the `BatchSize` of its mapping.
const BATCH: usize = 100;
const CHUNK: usize = 64 * 1024;

/// The time stands still at the start of a minute.
struct At(EpochMinute);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0.start()
    }
}

/// A third party with one new item for every so many jobs.
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
        let number = self.polls.get();
        self.polls.set(number + 1);
        let news = self.news_every.is_some_and(|every| number.is_multiple_of(every));
        let items: Vec<Item> = news.then(item).into_iter().collect();
        let outcome = if news {
            let mut members: ContextMap = request.row.context.members();
            members.insert("since".to_owned(), "115598234098234599".into());
            Outcome::New { items: 1, more: false, context: Context::new(&members).unwrap() }
        } else {
            Outcome::Unchanged { context: None }
        };
        Polled { outcome, hints: Hints::default(), items, requests: 1 }
    }
}

fn item() -> Item {
    let data = RawValue::from_string(format!("{{\"content\":\"{}\"}}", "word ".repeat(300))).unwrap();
    Item {
        id: "115598234098234599".to_owned(),
        kind: "mastodon.status".to_owned(),
        time: None,
        subject: None,
        data,
        dedupe_version: 1,
    }
}

/// What passed, a poll.
#[derive(Debug, Default)]
struct Bill {
    queue_requests: usize,
    dispatch_read_units: f64,
    credential_read_units: f64,
    write_units: f64,
    event_chunks: usize,
    key_requests: usize,
}

fn bill(calls: &[Call]) -> Bill {
    let mut bill = Bill::default();
    for call in calls {
        let units: f64 = capacity(call).values().sum();
        match call.target.as_str() {
            "AmazonSQS.SendMessageBatch" => bill.queue_requests += call.payload_bytes.div_ceil(CHUNK).max(1),
            "AmazonSQS.GetQueueAttributes" => bill.queue_requests += 1,
            "AWSEvents.PutEvents" => bill.event_chunks += events_of(call),
            "TrentService.Decrypt" | "TrentService.GenerateDataKey" => bill.key_requests += 1,
            "DynamoDB_20120810.BatchGetItem" if call.request["RequestItems"].get("credentials").is_some() => {
                bill.credential_read_units += units;
            }
            "DynamoDB_20120810.BatchGetItem" | "DynamoDB_20120810.GetItem" | "DynamoDB_20120810.Query" => {
                bill.dispatch_read_units += units;
            }
            "DynamoDB_20120810.PutItem"
            | "DynamoDB_20120810.UpdateItem"
            | "DynamoDB_20120810.TransactWriteItems" => {
                bill.write_units += units;
            }
            other => panic!("{other} is not priced"),
        }
    }
    bill
}

/// Units by table, as the answer reports them. An answer without any is a hole in the bill.
fn capacity(call: &Call) -> BTreeMap<String, f64> {
    if !call.target.starts_with("DynamoDB") {
        return BTreeMap::new();
    }
    let reported = &call.response.as_ref().unwrap()["ConsumedCapacity"];
    let list = reported.as_array().cloned().unwrap_or_else(|| vec![reported.clone()]);
    let units = |one: &serde_json::Value| {
        (one["TableName"].as_str().unwrap().to_owned(), one["CapacityUnits"].as_f64().unwrap())
    };
    list.iter().map(units).collect()
}

/// An event counts once for each started 64 KB.
fn events_of(call: &Call) -> usize {
    let entries = call.request["Entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["Detail"].as_str().unwrap().len().div_ceil(CHUNK)).sum()
}

/// Receives and deletes of a mapping for these messages: ten a request, in chunks of 64 KB.
fn mapping_requests(bodies: &[String]) -> usize {
    let requests = |ten: &[String]| {
        let bytes: usize = ten.iter().map(String::len).sum();
        bytes.div_ceil(CHUNK).max(1) + 1
    };
    bodies.chunks(10).map(requests).sum()
}

fn records(bodies: &[String]) -> Vec<Record> {
    bodies.iter().enumerate().map(|(id, body)| Record { id: id.to_string(), body: body.clone() }).collect()
}

/// Jobs have settled: at their level's one cadence neither news nor silence moves them.
fn catalog() -> Catalog {
    let cadence = Cadence::new(15).unwrap();
    Catalog::new([JobTypeSpec::new(job_type(), CadenceRange::new(cadence, cadence).unwrap())])
}

/// Rows of one minute, with credentials.
async fn register(connection: &Connection, jobs: u32) {
    let unmetered = Meter::default();
    let store = store(connection, &unmetered);
    let vault = CredentialVault::new(connection, "credentials", "key-arn", &unmetered);
    let rows: Vec<_> =
        (0..jobs).map(|n| row(&format!("account-{n:05}"), Cadence::new(15).unwrap(), NOW)).collect();
    let inserts = rows.iter().map(|row| Change::Insert(Box::new(row.clone()))).collect();
    assert!(store.apply(inserts).await.into_iter().all(|applied| applied.unwrap() == Applied::Done));
    let credentials = Credentials::of_token(Secret::new("0123456789abcdef0123456789abcdef01234567890"));
    for row in &rows {
        vault.put(&channel(), &row.job.account, &credentials).await.unwrap();
    }
}

fn channel() -> ChannelName {
    ChannelName::new("mastodon").unwrap()
}

/// One round of polls of all jobs: tick, workers, completions. The bill, what the adapters' own meter says, and what the
/// meter before the ports does.
fn round(aws: &Aws, minute: EpochMinute, news_every: Option<u32>) -> (Bill, Usage, Metered) {
    let connection = aws.connection();
    let (meter, before) = (Meter::default(), billed::Meter::default());
    wait(async {
        let clock = At(minute);
        let catalog = catalog();
        let store = store(&connection, &meter);
        let store = billed::MeteredStore { inner: &store, meter: &before };
        let queues = SqsQueues::new(&connection, QUEUES, &meter);
        let queues = billed::MeteredQueues { inner: &queues, meter: &before };
        let dispatch = Dispatch {
            catalog: &catalog,
            store: &store,
            queues: &queues,
            clock: &clock,
            deadline: minute.plus(1).start(),
            fan_out_above: FAN_OUT_ABOVE_PARTITIONS,
        };
        let report = tick(minute, &dispatch).await.remove(0);
        assert_eq!(report.drained.dispatched, u64::from(JOBS), "{report:?}");

        let jobs = format!("{QUEUES}jobs-mastodon-statuses");
        let mut bodies = aws.receive(&jobs);
        bodies.extend(aws.receive_delayed(&jobs));
        let mut by_mappings = mapping_requests(&bodies);

        let upstream = Upstream { polls: Cell::new(0), news_every };
        let bus = EventBridgeBus::new(&connection, "pollwheel-test", &meter);
        let bus = billed::MeteredBus { inner: &bus, meter: &before };
        let control = ControlTable::new(&connection, "control", &meter);
        let control = billed::MeteredStore { inner: &control, meter: &before };
        let credentials = CredentialTable::new(&connection, "credentials", &meter);
        let credentials = billed::MeteredCredentials { inner: &credentials, meter: &before };
        let upstream = billed::MeteredPoller { inner: &upstream, meter: &before };
        let worker = Worker {
            catalog: &catalog,
            poller: &upstream,
            bus: &bus,
            queues: &queues,
            control: &control,
            credentials: &credentials,
            clock: &clock,
            time_left: &|| Duration::from_secs(50),
            limits: Limits::default(),
        };
        for batch in bodies.chunks(BATCH) {
            let (result, _) = poll(&records(batch), &worker, std::future::pending()).await;
            assert!(result.failed.is_empty(), "{result:?}");
        }

        let outcomes = aws.receive(&format!("{QUEUES}completed"));
        assert_eq!(outcomes.len(), JOBS as usize / BATCH, "one completion message a batch");
        by_mappings += mapping_requests(&outcomes);
        let completion = Completion { catalog: &catalog, store: &store, bus: &bus, seed: 7 };
        for batch in outcomes.chunks(10) {
            let (result, report) = complete(minute.start(), &records(batch), &completion).await;
            assert!(result.failed.is_empty() && report.stale == 0, "{result:?} {report:?}");
        }
        let mut bill = bill(&aws.take_calls());
        let usage = meter.take();
        assert_eq!(usage.queue_requests, bill.queue_requests as u64, "the meter counts as the wire does");
        bill.queue_requests += by_mappings;
        let of_job_type = QueueId::Live(QueueName::Jobs(job_type()));
        before.received(&of_job_type, clock.now(), bodies.iter().map(String::len));
        (bill, usage, before.finish(clock.now()))
    })
}

fn a_poll(count: usize) -> f64 {
    float(count) / f64::from(JOBS)
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

#[test]
fn a_quiet_poll_costs_a_third_of_a_queue_request_and_news_in_a_twentieth_a_twentieth_of_a_write() {
    let aws = Aws::new();
    wait(register(&aws.connection(), JOBS));
    aws.take_calls();
    a_quiet_round(&aws);
    // As if the minutes in between had passed, so that the next round is an ordinary one too.
    let control = store(&aws.connection(), &Meter::default()).control;
    assert!(wait(control.move_cursor(&job_type(), Some(NOW), NOW.plus(14))).unwrap());
    aws.take_calls();
    a_round_with_news(&aws);
}

/// The meter that stands before the ports, in the simulator and in a run, counts what passes on the wire.
fn agrees(bill: &Bill, metered: &Metered) {
    let usage = metered.total();
    let jobs = u64::from(JOBS);
    let pairs = [
        ("queue requests", float(bill.queue_requests), float(usize::try_from(usage.queue_requests).unwrap())),
        ("read units", bill.dispatch_read_units + bill.credential_read_units, usage.read_units()),
        ("write units", bill.write_units, float(usize::try_from(usage.write_units).unwrap())),
        ("events", float(bill.event_chunks), float(usize::try_from(usage.events).unwrap())),
    ];
    for (what, wire, metered) in pairs {
        println!("{what}: {wire} on the wire, {metered} by the meter");
        assert!((wire - metered).abs() <= 0.05 * wire, "{what}: {wire} on the wire, {metered} by the meter");
    }
    let batches = jobs / BATCH as u64;
    assert_eq!(usage.function_requests, batches + batches / 10, "{usage:?}");
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn a_quiet_round(aws: &Aws) {
    let (bill, usage, metered) = round(aws, NOW, None);
    agrees(&bill, &metered);
    let jobs = f64::from(JOBS);
    println!(
        "a quiet poll: {:.4} SQS requests, {:.4} read units to dispatch, {:.4} for credentials, {:.4} write units; \
         {} KMS requests in all",
        a_poll(bill.queue_requests),
        bill.dispatch_read_units / jobs,
        bill.credential_read_units / jobs,
        bill.write_units / jobs,
        bill.key_requests,
    );
    assert!(a_poll(bill.queue_requests) <= 0.35, "{bill:?}");
    assert!(bill.dispatch_read_units / jobs <= 0.06, "{bill:?}");
    assert!(bill.credential_read_units / jobs <= 0.5, "{bill:?}");
    // The cursor of the minute, and nothing for a job.
    assert!(bill.write_units <= 1.0, "{bill:?}");
    assert_eq!(bill.event_chunks, 0);
    assert_eq!(bill.key_requests, 1, "one data key is decrypted, once");
    assert!(
        near(usage.read_units, bill.dispatch_read_units + bill.credential_read_units),
        "{usage:?} {bill:?}"
    );
    assert!(near(usage.write_units, bill.write_units), "{usage:?} {bill:?}");
}

fn a_round_with_news(aws: &Aws) {
    let (bill, usage, metered) = round(aws, NOW.plus(15), Some(20));
    agrees(&bill, &metered);
    println!(
        "a poll, one in twenty with news: {:.4} SQS requests, {:.4} write units, {:.4} events",
        a_poll(bill.queue_requests),
        bill.write_units / f64::from(JOBS),
        a_poll(bill.event_chunks),
    );
    assert!(a_poll(bill.queue_requests) <= 0.35, "{bill:?}");
    assert!(near(bill.write_units - 1.0, f64::from(JOBS) / 20.0), "one unit for each new context: {bill:?}");
    assert_eq!(bill.event_chunks, JOBS as usize / 20, "{bill:?}");
    assert_eq!(usage.events, bill.event_chunks as u64);
}

/// Answers as the AWS below it, a moment later, and counts how many calls wait for their answer at once.
#[derive(Debug, Clone)]
struct Slow {
    aws: Aws,
    waiting: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl HttpConnector for Slow {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sending = request.headers().get("x-amz-target") == Some("AmazonSQS.SendMessageBatch");
        let answer = self.aws.call(request);
        if !sending {
            return answer;
        }
        let waiting = Arc::clone(&self.waiting);
        self.most.fetch_max(waiting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            waiting.fetch_sub(1, Ordering::SeqCst);
            answer.await
        })
    }
}

#[test]
fn a_tick_keeps_at_least_64_sends_in_flight() {
    let aws = Aws::new();
    let slow = Slow { aws: aws.clone(), waiting: Arc::default(), most: Arc::default() };
    let connector = SharedHttpConnector::new(slow.clone());
    let connection = Connection::over(&settings(), http_client_fn(move |_, _| connector.clone()));
    wait(async {
        register(&aws.connection(), 2000).await;
        let (catalog, meter) = (catalog(), Meter::default());
        let dispatch = Dispatch {
            catalog: &catalog,
            store: &store(&connection, &meter),
            queues: &SqsQueues::new(&connection, QUEUES, &meter),
            clock: &At(NOW),
            deadline: NOW.plus(1).start(),
            fan_out_above: FAN_OUT_ABOVE_PARTITIONS,
        };
        let report = tick(NOW, &dispatch).await.remove(0);
        assert_eq!(report.drained.dispatched, 2000);
    });
    let most = slow.most.load(Ordering::SeqCst);
    assert!((64..=128).contains(&most), "{most} calls in flight");
}

#[test]
fn an_empty_batch_costs_nothing() {
    let aws = Aws::new();
    let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
    let none: &[AccountId] = &[];
    assert!(wait(pollwheel_core::ports::CredentialStore::credentials(&table, &channel(), none)).is_empty());
    assert!(aws.take_calls().is_empty());
}
