//! The queues and their dead-letter queues.
//!
//! A queue is only ever a conveyor: the jobs' rows are in the table, so what is lost here is polled again in its next
//! minute.

use serde_json::json;

use crate::deployment::{Deployment, dead};
use crate::functions::{COMPLETION_TIMEOUT_SECONDS, SCHEDULER_TIMEOUT_SECONDS, WORKER_TIMEOUT_SECONDS};
use crate::template::{Named, Resource, arn, named};

/// Deliveries before a message goes to the dead-letter queue. Fewer than five would take throttled deliveries for
/// poison. <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const MAX_RECEIVE_COUNT: u32 = 5;
/// Four days: longer than any outage that somebody sleeps through, shorter than the dead-letter queue's, which counts
/// from the first sending.
const RETENTION_SECONDS: u32 = 4 * 86_400;
/// Fourteen days, SQS's longest.
const DEAD_RETENTION_SECONDS: u32 = 14 * 86_400;
/// A message stays with its consumer for six times the consumer's time-out, and the time in which a batch is gathered.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const VISIBILITY_TIMEOUTS: u32 = 6;

/// What happens to a queue's dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeadLetters {
    /// The completion reads them: the job backs off, and is quarantined in the end.
    Completed,
    /// They wait for an operator.
    Kept,
}

/// A queue that a function reads, and its dead-letter queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Its name after the stack's.
    pub(crate) name: String,
    /// Its logical id, without `Queue`.
    pub(crate) id: String,
    /// Most messages in a batch.
    pub(crate) batch_size: u32,
    /// Seconds in which a batch is gathered.
    pub(crate) window_seconds: u32,
    /// What happens to its dead letters.
    pub(crate) dead_letters: DeadLetters,
    consumer_timeout_seconds: u32,
}

/// Seconds in which batches of jobs, outcomes and dead letters are gathered.
pub(crate) const WINDOW_SECONDS: u32 = 1;

impl Queue {
    /// The queue's logical id.
    pub(crate) fn logical(&self) -> String {
        format!("{}Queue", self.id)
    }

    /// Its dead-letter queue's logical id.
    pub(crate) fn dead_logical(&self) -> String {
        format!("{}DeadQueue", self.id)
    }

    /// How long a message stays with its consumer.
    pub(crate) const fn visibility_seconds(&self) -> u32 {
        VISIBILITY_TIMEOUTS * self.consumer_timeout_seconds + self.window_seconds
    }

    /// The queue of a job type.
    pub(crate) fn of_jobs(name: &str, logical: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: format!("Jobs{logical}"),
            // Ten is the most without a window, and a poll would cost ten times the requests.
            batch_size: 100,
            window_seconds: WINDOW_SECONDS,
            dead_letters: DeadLetters::Completed,
            consumer_timeout_seconds: WORKER_TIMEOUT_SECONDS,
        }
    }

    /// Outcomes, on the way to the completion.
    pub(crate) fn of_outcomes() -> Self {
        Self {
            name: "completed".to_owned(),
            id: "Completed".to_owned(),
            // A message holds the outcomes of a whole batch of polls.
            batch_size: 10,
            window_seconds: WINDOW_SECONDS,
            dead_letters: DeadLetters::Kept,
            consumer_timeout_seconds: COMPLETION_TIMEOUT_SECONDS,
        }
    }

    /// Partitions that a tick hands to further schedulers.
    pub(crate) fn of_drains() -> Self {
        Self {
            name: "drains".to_owned(),
            id: "Drains".to_owned(),
            // One partition may take a whole invocation.
            batch_size: 1,
            window_seconds: 0,
            dead_letters: DeadLetters::Kept,
            consumer_timeout_seconds: SCHEDULER_TIMEOUT_SECONDS,
        }
    }

    fn add(&self, resources: &mut Named<Resource>) {
        resources.add(
            self.logical(),
            Resource::new(
                "AWS::SQS::Queue",
                json!({
                    "QueueName": named(&self.name),
                    "SqsManagedSseEnabled": true,
                    "VisibilityTimeout": self.visibility_seconds(),
                    "MessageRetentionPeriod": RETENTION_SECONDS,
                    "RedrivePolicy": {
                        "deadLetterTargetArn": arn(&self.dead_logical()),
                        "maxReceiveCount": MAX_RECEIVE_COUNT,
                    },
                }),
            ),
        );
        // The completion, if any, reads it as it reads its own queue.
        let visibility = VISIBILITY_TIMEOUTS * COMPLETION_TIMEOUT_SECONDS + WINDOW_SECONDS;
        resources.add(self.dead_logical(), dead_queue(&dead(&self.name), visibility));
    }
}

/// Ticks that could not be delivered, and invocations of the scheduler that failed.
pub(crate) const TICK_DEAD: Park = Park { name: "tick-dead", logical: "TickDeadQueue" };
/// Commands from the bus that the control function could not carry out.
pub(crate) const CONTROL_DEAD: Park = Park { name: "control-dead", logical: "ControlDeadQueue" };

/// A dead-letter queue without a queue before it: a failed invocation ends there.
#[derive(Debug)]
pub(crate) struct Park {
    /// Its name after the stack's.
    pub(crate) name: &'static str,
    /// Its logical id.
    pub(crate) logical: &'static str,
}

/// Every queue that a function reads: the job types' first.
pub(crate) fn all(deployment: &Deployment) -> Vec<Queue> {
    let mut queues: Vec<Queue> = deployment
        .job_types()
        .map(|(_, job_type)| Queue::of_jobs(&job_type.queue, &job_type.logical))
        .collect();
    queues.extend([Queue::of_outcomes(), Queue::of_drains()]);
    queues
}

/// All of them.
pub(crate) fn add(queues: &[Queue], resources: &mut Named<Resource>) {
    for queue in queues {
        queue.add(resources);
    }
    for park in [TICK_DEAD, CONTROL_DEAD] {
        resources.add(park.logical, dead_queue(park.name, DEFAULT_VISIBILITY_SECONDS));
    }
}

/// No function reads these; SQS's own default is enough for an operator's look.
const DEFAULT_VISIBILITY_SECONDS: u32 = 30;

fn dead_queue(name: &str, visibility_seconds: u32) -> Resource {
    Resource::new(
        "AWS::SQS::Queue",
        json!({
            "QueueName": named(name),
            "SqsManagedSseEnabled": true,
            "VisibilityTimeout": visibility_seconds,
            "MessageRetentionPeriod": DEAD_RETENTION_SECONDS,
        }),
    )
}
