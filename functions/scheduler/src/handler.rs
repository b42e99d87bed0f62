//! One invocation: a tick, or messages of the drains queue, and one pass of the core for it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Metrics, QueueBatch};
use pollwheel_core::batch::{BatchResponse, BatchResult, Record};
use pollwheel_core::message::{DrainMessage, Message};
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Clock, ControlStore, JobStore, Queues};
use pollwheel_core::tick::{
    self, CursorMove, Dispatch, DrainReport, JobTypeTick, PARTITIONS_IN_FLIGHT, TickEnd, drain_messages,
};
use pollwheel_core::time::{EpochMinute, Timestamp};
use serde::Serialize;

use crate::event::{Event, EventError, TickTime};
use crate::metrics;

/// Kept back at the end of an invocation: the longest operation that may be under way, and what follows it.
const RESERVE: Duration = Duration::from_secs(12);
/// The queue whose messages are partitions.
const DRAINS: &str = "-drains";

/// The function, on whatever ports it is given.
pub struct Scheduler<S, Q, C> {
    /// Every job type of the deployment.
    pub catalog: Catalog,
    /// Rows, wake-ups, cursors.
    pub store: S,
    /// Where the copies go.
    pub queues: Q,
    /// The time of the wheel.
    pub clock: C,
    /// Partitions above which a tick fans out.
    pub fan_out_above: usize,
    /// Where metrics go.
    pub metrics: Metrics,
    /// What the store and the queues used.
    pub meter: Meter,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a tick. Nobody reads it but a person who invokes the function.
    Ticked {
        /// The minute.
        minute: String,
        /// Copies of rows that were sent.
        dispatched: u64,
    },
    /// To messages.
    Drained(BatchResponse),
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The event is not ours.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Messages of a queue that the function does not serve.
    #[error("queue `{0}` is not the drains queue: its messages come back")]
    Queue(String),
    /// No job type of the tick was dispatched whole.
    #[error("none of {job_types} job types was dispatched for {minute}, the first because {reason}")]
    NothingDispatched {
        /// The minute.
        minute: EpochMinute,
        /// How many there are.
        job_types: usize,
        /// What went wrong with the first.
        reason: String,
    },
}

impl<S, Q, C> Scheduler<S, Q, C>
where
    S: JobStore + ControlStore,
    Q: Queues,
    C: Clock,
{
    /// Handles an event.
    ///
    /// # Errors
    /// [`SchedulerError`]. Nothing is lost by it: cursors stay, messages come back.
    pub async fn handle(&self, event: &str, deadline: Deadline) -> Result<Answer, SchedulerError> {
        let dispatch = self.dispatch(deadline);
        match Event::read(event)? {
            Event::Tick(time) => self.tick(&time, &dispatch).await,
            Event::Drains(batch) => self.drain(batch, &dispatch).await.map(Answer::Drained),
        }
    }

    fn dispatch(&self, deadline: Deadline) -> Dispatch<'_, S, Q, C> {
        // A short invocation keeps half of its time for dispatching.
        let reserve = RESERVE.min(deadline.left() / 2);
        Dispatch {
            catalog: &self.catalog,
            store: &self.store,
            queues: &self.queues,
            clock: &self.clock,
            deadline: deadline.earlier_by(reserve).on_clock(self.clock.now()),
            fan_out_above: self.fan_out_above,
        }
    }

    async fn tick(
        &self,
        time: &TickTime,
        dispatch: &Dispatch<'_, S, Q, C>,
    ) -> Result<Answer, SchedulerError> {
        let (minute, fallback) = time.minute(self.clock.now());
        if let Some(reason) = fallback {
            tracing::warn!(reason, %minute, "the time of the tick cannot be used, the clock stands in");
        }
        let reports = tick::tick(minute, dispatch).await;
        metrics::tick(&self.metrics, self.now(), minute, &reports, fallback, self.meter.take());
        match failure(&reports) {
            Some(reason) => {
                Err(SchedulerError::NothingDispatched { minute, job_types: reports.len(), reason })
            }
            None => {
                let dispatched = reports.iter().map(|report| report.drained.dispatched).sum();
                Ok(Answer::Ticked { minute: minute.to_string(), dispatched })
            }
        }
    }

    /// Several partitions at once; each record still stands alone.
    async fn drain(
        &self,
        batch: QueueBatch,
        dispatch: &Dispatch<'_, S, Q, C>,
    ) -> Result<BatchResponse, SchedulerError> {
        if !batch.queue.ends_with(DRAINS) {
            return Err(SchedulerError::Queue(batch.queue));
        }
        let drain_one = async |record: &Record| {
            let job_type = DrainMessage::decode(&record.body).ok().map(|message| message.job_type);
            let (result, report) = drain_messages(std::slice::from_ref(record), dispatch).await;
            (job_type, result, report)
        };
        let mut drains =
            stream::iter(batch.records.iter().map(drain_one)).buffer_unordered(PARTITIONS_IN_FLIGHT);
        let mut result = BatchResult::default();
        let mut reports = BTreeMap::<_, DrainReport>::new();
        while let Some((job_type, one, report)) = drains.next().await {
            result.failed.extend(one.failed);
            *reports.entry(job_type).or_default() += report;
        }
        let answer = batch.answer(&result);
        let failed = answer.batch_item_failures.len();
        metrics::drains(&self.metrics, self.now(), &reports, failed, self.meter.take());
        Ok(answer)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Why the tick as a whole failed: every job type did. One that was paused, throttled or done already did not.
fn failure(reports: &[JobTypeTick]) -> Option<String> {
    let reasons = reports.iter().map(|report| match &report.end {
        TickEnd::Failed(error) => Some(error.chain()),
        TickEnd::Dispatched(CursorMove::Kept) => Some("not everything could be enqueued".to_owned()),
        TickEnd::Dispatched(CursorMove::Moved | CursorMove::Lost) | TickEnd::Skipped(_) => None,
    });
    let reasons: Vec<String> = reasons.collect::<Option<_>>()?;
    reasons.into_iter().next()
}
