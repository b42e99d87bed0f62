//! One invocation: a batch of jobs, and one poll pass of the core for it.

use std::time::Duration;

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, EventError, Metrics, QueueBatch};
use pollwheel_core::batch::BatchResponse;
use pollwheel_core::id::ChannelName;
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::{self, Limits, Worker};
use pollwheel_core::ports::{Bus, Clock, ControlStore, CredentialStore, Poller, Queues};

use crate::metrics;

/// Kept back at the end of an invocation for sending the outcomes: the longest operation, and a little for the answer.
const RESERVE: Duration = Duration::from_secs(11);

/// The function, on whatever ports it is given.
pub struct ChannelWorker<P, B, Q, S, K, C> {
    /// The channel that it polls.
    pub channel: ChannelName,
    /// The channel's job types.
    pub catalog: Catalog,
    /// The third party.
    pub poller: P,
    /// Where new items go.
    pub bus: B,
    /// Where outcomes go.
    pub queues: Q,
    /// Whether the channel is throttled.
    pub control: S,
    /// What accounts authenticate with.
    pub credentials: K,
    /// The time of the wheel.
    pub clock: C,
    /// Polls under way at once.
    pub concurrency: usize,
    /// Where metrics go.
    pub metrics: Metrics,
    /// What the ports on AWS used.
    pub meter: Meter,
}

/// Why an invocation failed. All of its messages come back.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The event cannot be handled.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl<P, B, Q, S, K, C> ChannelWorker<P, B, Q, S, K, C>
where
    P: Poller,
    B: Bus,
    Q: Queues,
    S: ControlStore,
    K: CredentialStore,
    C: Clock,
{
    /// Handles an event. A job of another channel is a record that failed: no job type of this one has it.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn handle(&self, event: &str, deadline: Deadline) -> Result<BatchResponse, WorkerError> {
        let batch = QueueBatch::read(event)?;
        let limits = self.limits(deadline);
        let worker = Worker {
            catalog: &self.catalog,
            poller: &self.poller,
            bus: &self.bus,
            queues: &self.queues,
            control: &self.control,
            credentials: &self.credentials,
            clock: &self.clock,
            time_left: &|| deadline.left(),
            limits,
        };
        let cut_off = deadline.earlier_by(limits.reserve).passed();
        let (result, report) = poll::poll(&batch.records, &worker, cut_off).await;
        let answer = batch.answer(&result);
        let failed = answer.batch_item_failures.len();
        metrics::pass(&self.metrics, self.clock.now(), &self.channel, &report, failed, self.meter.take());
        Ok(answer)
    }

    fn limits(&self, deadline: Deadline) -> Limits {
        Limits {
            concurrency: self.concurrency,
            // A short invocation keeps half of its time for polling.
            reserve: RESERVE.min(deadline.left() / 2),
            ..Limits::default()
        }
    }
}
