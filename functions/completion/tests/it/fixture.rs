//! The function on the embedded store, with one job and a bus in memory.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Metrics};
use pollwheel_completion::{Completer, seed_of};
use pollwheel_core::activity::Price;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::event::Event;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{Completed, CompletedMessage, Message, PollMessage};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Bus, Clock, PortError};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::{JobRow, Subject};
use pollwheel_core::time::Timestamp;
use pollwheel_local::store::Store;
use serde_json::Value;

/// 2026-11-23T07:45:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_419_920_000);

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A bus that keeps what it is given.
#[derive(Debug, Default)]
pub(crate) struct MemoryBus(pub(crate) RefCell<Vec<Event>>);

impl Bus for MemoryBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let answers = events.iter().map(|_| Ok(())).collect();
        self.0.borrow_mut().extend(events);
        answers
    }
}

pub(crate) struct Deployment {
    pub(crate) function: Completer<Store, MemoryBus, Still>,
    lines: Rc<RefCell<Vec<Value>>>,
}

pub(crate) fn job() -> JobId {
    JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: None,
    }
}

impl Deployment {
    pub(crate) async fn new() -> Self {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&lines);
        let write = move |line: &pollwheel_aws::lambda::Line| {
            written.borrow_mut().push(serde_json::from_str(&line.to_string()).unwrap());
        };
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap();
        let function = Completer {
            catalog: Catalog::new([JobTypeSpec::new(job().job_type, range)]),
            store: Store::in_memory().unwrap(),
            bus: MemoryBus::default(),
            clock: Still,
            seed: seed_of("pollwheel-test-jobs"),
            metrics: Metrics::to("pollwheel-test", write),
            meter: Meter::default(),
        };
        let new = NewJob {
            job: job(),
            subject: Subject { external_id: "42".to_owned(), base_url: None },
            level: ServiceLevel::new("free").unwrap(),
            range: None,
            context: Context::empty(),
        };
        register(NOW, &[new], &function.catalog, &function.store).await.unwrap();
        Self { function, lines }
    }

    pub(crate) async fn row(&self) -> JobRow {
        self.function.store.find_row(&job()).await.unwrap().expect("the job is registered")
    }

    /// The message of a finished poll of the job.
    pub(crate) async fn completed(&self, outcome: Outcome) -> String {
        let poll = Completed {
            due: NOW.minute(),
            at: NOW,
            price: Price::USUAL,
            row: self.row().await,
            outcome,
            hints: Hints::default(),
        };
        CompletedMessage { hop: 3, polls: vec![poll] }.encode()
    }

    /// The message of the job on its way to a worker.
    pub(crate) async fn dispatched(&self) -> String {
        PollMessage {
            due: NOW.minute(),
            missed: 0,
            spread: 0,
            hop: 2,
            price: Price::USUAL,
            row: self.row().await,
        }
        .encode()
    }

    pub(crate) async fn invoke(&self, event: &str) -> Result<String, String> {
        let deadline = Deadline::new(NOW.plus(Duration::from_secs(30)).millis(), NOW);
        let answer = self.function.handle(event, deadline).await;
        answer.map(|answer| answer.to_json()).map_err(|error| error.to_string())
    }

    /// A metric of the lines so far, added up.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.lines.borrow().iter().filter_map(|line| line[name].as_f64()).sum()
    }
}

/// The event of a queue of ours with these messages: ids and bodies.
pub(crate) fn queue_event(queue: &str, messages: &[(&str, &str)]) -> String {
    let records: Vec<Value> = messages
        .iter()
        .map(|(id, body)| {
            serde_json::json!({
                "messageId": id,
                "body": body,
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:eu-west-1:123456789012:pollwheel-test-{queue}"),
            })
        })
        .collect();
    serde_json::json!({ "Records": records }).to_string()
}
