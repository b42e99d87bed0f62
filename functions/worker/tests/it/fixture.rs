//! The function on the embedded store and queues, and a third party that does what an account's name says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Line, Metrics};
use pollwheel_core::activity::Price;
use pollwheel_core::budget::Spend;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::event::{Event, Item};
use pollwheel_core::id::{AccountId, ChannelName, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{CompletedMessage, Message, PollMessage};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Bus, Clock, Credentials, Polled, Poller, PortError, QueueName, Request, Secret};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::Timestamp;
use pollwheel_core::wheel::Cohort;
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::queue::{LocalQueues, QueueConfig, QueueId};
use pollwheel_local::store::Store;
use pollwheel_worker::ChannelWorker;
use serde_json::Value;

/// 2026-11-23T07:45:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_419_920_000);
pub(crate) const TOKEN: &str = "planted-s3cret-t0ken";

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Polls as an account's name says: `panic`, `hang`, `network`, or one new item.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) polled: RefCell<Vec<String>>,
}

impl Poller for Scripted {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        let account = request.row.job.account.as_str();
        self.polled.borrow_mut().push(account.to_owned());
        let token = request.credentials.map_or("", |credentials| credentials.token().unwrap().expose());
        let (outcome, items) = match account {
            "panic" => panic!("a parser choked on {token}"),
            "hang" => std::future::pending().await,
            "network" => (Outcome::Network { reason: "the connection was reset".to_owned() }, Vec::new()),
            _ => {
                let context =
                    Context::new(&[("since".to_owned(), "1".into())].into_iter().collect()).unwrap();
                let item = Item {
                    id: "1".to_owned(),
                    time: None,
                    subject: None,
                    kind: "mastodon.status".to_owned(),
                    data: serde_json::value::to_raw_value(&serde_json::json!({"id": "1"})).unwrap(),
                    dedupe_version: 1,
                };
                (Outcome::New { items: 1, more: false, context }, vec![item])
            }
        };
        Polled { outcome, hints: Hints::default(), items, requests: 1 }
    }
}

/// A bus that keeps what it is given, unless it is down.
#[derive(Debug, Default)]
pub(crate) struct MemoryBus {
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) is_down: bool,
}

impl Bus for MemoryBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let answer = |_: &Event| match self.is_down {
            true => Err(PortError::new("publishing", pollwheel_core::ports::Retry::Throttled, "too many")),
            false => Ok(()),
        };
        let answers = events.iter().map(answer).collect();
        self.events.borrow_mut().extend(events);
        answers
    }
}

pub(crate) struct Deployment {
    pub(crate) function: ChannelWorker<Scripted, MemoryBus, LocalQueues, Store, MemoryCredentials, Still>,
    pub(crate) lines: Rc<RefCell<Vec<String>>>,
}

fn job_type() -> JobTypeId {
    JobTypeId::new("mastodon/statuses").unwrap()
}

impl Deployment {
    pub(crate) fn new() -> Self {
        crate::log::take();
        let lines = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&lines);
        let write = move |line: &Line| written.borrow_mut().push(line.to_string());
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap();
        let channel = ChannelName::new("mastodon").unwrap();
        let mut credentials = MemoryCredentials::default();
        for account in ["good", "panic"] {
            let token = Credentials::of_token(Secret::new(TOKEN));
            credentials.insert(channel.clone(), AccountId::new(account).unwrap(), token);
        }
        let queues = LocalQueues::new(Rc::new(Still), 1);
        queues.create(QueueName::Completed, QueueConfig::default());
        let function = ChannelWorker {
            channel,
            catalog: Catalog::new([JobTypeSpec::new(job_type(), range)]),
            poller: Scripted::default(),
            bus: MemoryBus::default(),
            queues,
            control: Store::in_memory().unwrap(),
            credentials,
            clock: Still,
            concurrency: 8,
            metrics: Metrics::to("pollwheel-test", write),
            meter: Meter::default(),
        };
        Self { function, lines }
    }

    /// What the function answers when it has this long.
    pub(crate) async fn invoke_for(&self, event: &str, time: Duration) -> Result<String, String> {
        let deadline = Deadline::new(NOW.plus(time).millis(), NOW);
        let answer = self.function.handle(event, deadline).await;
        answer.map(|answer| answer.to_json()).map_err(|error| error.to_string())
    }

    pub(crate) async fn invoke(&self, event: &str) -> Result<String, String> {
        self.invoke_for(event, Duration::from_secs(60)).await
    }

    /// The finished polls that were sent on, by account and outcome.
    pub(crate) fn completed(&self) -> Vec<(String, &'static str)> {
        let received = self.function.queues.receive(&QueueId::Live(QueueName::Completed), usize::MAX);
        let messages = received.iter().map(|delivery| CompletedMessage::decode(&delivery.body).unwrap());
        let polls = messages.flat_map(|message| message.polls);
        polls.map(|poll| (poll.row.job.account.to_string(), poll.outcome.name())).collect()
    }

    /// A metric of the lines so far, added up.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let lines = self.lines.borrow();
        let parsed = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        parsed.filter_map(|line| line[name].as_f64()).sum()
    }
}

/// The message of an account's job on its way to a worker.
pub(crate) fn dispatched(account: &str) -> String {
    let job = JobId { job_type: job_type(), account: AccountId::new(account).unwrap(), target: None };
    let place = Place::Cohort(Cohort { cadence: Cadence::FASTEST, phase: 0, shard: 0 });
    let subject = Subject { external_id: "42".to_owned(), base_url: None };
    let row = JobRow::new(job, place, subject, ServiceLevel::new("free").unwrap(), Revision(1), NOW.minute());
    PollMessage { due: NOW.minute(), missed: 0, spread: 0, hop: 2, price: Price::USUAL, row }.encode()
}

/// The event of the job queue with these messages: ids and bodies.
pub(crate) fn queue_event(messages: &[(&str, String)]) -> String {
    let records: Vec<Value> = messages
        .iter()
        .map(|(id, body)| {
            serde_json::json!({
                "messageId": id,
                "body": body,
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:pollwheel-test-jobs-mastodon-statuses",
            })
        })
        .collect();
    serde_json::json!({ "Records": records }).to_string()
}
