//! The function on the embedded store and queues, with a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Metrics};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Clock, QueueName};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::time::Timestamp;
use pollwheel_local::queue::{Delivery, LocalQueues, QueueConfig, QueueId};
use pollwheel_local::store::Store;
use pollwheel_scheduler::Scheduler;
use serde_json::Value;

/// 2026-11-23T07:45:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_419_920_000);
pub(crate) const TICK: &str = r#"{"time":"2026-11-23T07:45:00Z"}"#;

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub(crate) struct HandClock(Rc<Cell<Timestamp>>);

impl HandClock {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.set(self.0.get().plus(time));
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }
}

pub(crate) struct Deployment {
    pub(crate) function: Scheduler<Store, LocalQueues, HandClock>,
    lines: Rc<RefCell<Vec<Value>>>,
}

pub(crate) fn job_type(name: &str) -> JobTypeId {
    JobTypeId::new(format!("mastodon/{name}")).unwrap()
}

fn spec(name: &str) -> JobTypeSpec {
    JobTypeSpec::new(job_type(name), CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap())
}

impl Deployment {
    /// Two job types, `statuses` with this many jobs that are due every minute. Only the queues named are there.
    pub(crate) async fn with(jobs: u32, queues: &[QueueName]) -> Self {
        let clock = HandClock(Rc::new(Cell::new(NOW)));
        let lines = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&lines);
        let write = move |line: &pollwheel_aws::lambda::Line| {
            written.borrow_mut().push(serde_json::from_str(&line.to_string()).unwrap());
        };
        let function = Scheduler {
            catalog: Catalog::new([spec("statuses"), spec("notifications")]),
            store: Store::in_memory().unwrap(),
            queues: LocalQueues::new(Rc::new(clock.clone()), 1),
            clock,
            fan_out_above: usize::MAX,
            metrics: Metrics::to("pollwheel-test", write),
            meter: Meter::default(),
        };
        for queue in queues {
            function.queues.create(queue.clone(), QueueConfig::default());
        }
        let jobs: Vec<NewJob> = (0..jobs)
            .map(|number| NewJob {
                job: JobId {
                    job_type: job_type("statuses"),
                    account: AccountId::new(format!("a{number}")).unwrap(),
                    target: None,
                },
                subject: Subject { external_id: number.to_string(), base_url: None },
                level: ServiceLevel::new("free").unwrap(),
                range: None,
                context: Context::empty(),
            })
            .collect();
        register(NOW, &jobs, &function.catalog, &function.store).await.unwrap();
        Self { function, lines }
    }

    pub(crate) async fn whole(jobs: u32) -> Self {
        let queues = [jobs_queue("statuses"), jobs_queue("notifications"), QueueName::Drains];
        Self::with(jobs, &queues).await
    }

    /// What the function answers, or fails with, when it has this long.
    pub(crate) async fn invoke_for(&self, event: &str, time: Duration) -> Result<String, String> {
        let now = self.function.clock.now();
        let deadline = Deadline::new(now.plus(time).millis(), now);
        let answer = self.function.handle(event, deadline).await;
        answer.map(|answer| serde_json::to_string(&answer).unwrap()).map_err(|error| error.to_string())
    }

    pub(crate) async fn invoke(&self, event: &str) -> Result<String, String> {
        self.invoke_for(event, Duration::from_secs(60)).await
    }

    /// Messages that a queue was ever sent.
    pub(crate) fn sent(&self, queue: QueueName) -> u64 {
        self.function.queues.totals(&QueueId::Live(queue)).sent
    }

    pub(crate) fn receive(&self, queue: QueueName) -> Vec<Delivery> {
        self.function.queues.receive(&QueueId::Live(queue), usize::MAX)
    }

    /// A metric of the lines so far, added up: of the function itself, or of a job type.
    pub(crate) fn metric(&self, name: &str, of: (&str, &str)) -> f64 {
        let lines = self.lines.borrow();
        let of_this = lines.iter().filter(|line| line[of.0] == of.1);
        of_this.filter_map(|line| line[name].as_f64()).sum()
    }
}

pub(crate) const OF_FUNCTION: (&str, &str) = ("Function", "scheduler");

pub(crate) fn jobs_queue(name: &str) -> QueueName {
    QueueName::Jobs(job_type(name))
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
