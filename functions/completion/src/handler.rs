//! One invocation: a batch of finished polls, or of dead letters, and one pass of the core for it.

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, EventError, Metrics, QueueBatch};
use pollwheel_core::batch::BatchResponse;
use pollwheel_core::complete::{Completion, bury, complete};
use pollwheel_core::hash::digest_id;
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Bus, Clock, ControlStore, JobStore};

use crate::metrics;

/// The queue of finished polls.
const COMPLETED: &str = "-completed";
/// What the names of dead-letter queues end with.
const DEAD: &str = "-dead";
/// What stands in the names of the queues of jobs.
const JOBS: &str = "-jobs-";

/// The function, on whatever ports it is given.
pub struct Completer<S, B, C> {
    /// Every job type of the deployment.
    pub catalog: Catalog,
    /// Rows, wake-ups, throttles.
    pub store: S,
    /// Where notices go.
    pub bus: B,
    /// The time of the wheel.
    pub clock: C,
    /// The deployment's seed of jitter.
    pub seed: u64,
    /// Where metrics go.
    pub metrics: Metrics,
    /// What the store and the bus used.
    pub meter: Meter,
}

/// Why an invocation failed. All of its messages come back.
#[derive(Debug, thiserror::Error)]
pub enum CompletionError {
    /// The event cannot be handled.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Messages of a queue that the function does not serve.
    #[error(
        "queue `{0}` is neither `...-completed` nor `...-jobs-...-dead`: its messages come back (redrive other dead letters to their own queue)"
    )]
    Queue(String),
}

impl<S, B, C> Completer<S, B, C>
where
    S: JobStore + ControlStore,
    B: Bus,
    C: Clock,
{
    /// Handles an event. A time-out costs nothing but the work: completions that come again are no-ops.
    ///
    /// # Errors
    /// [`CompletionError`].
    pub async fn handle(&self, event: &str, _: Deadline) -> Result<BatchResponse, CompletionError> {
        let batch = QueueBatch::read(event)?;
        let (now, records) = (self.clock.now(), &batch.records);
        let completion =
            Completion { catalog: &self.catalog, store: &self.store, bus: &self.bus, seed: self.seed };
        let is_burial = batch.queue.ends_with(DEAD) && batch.queue.contains(JOBS);
        let (result, report) = if is_burial {
            bury(now, records, &completion).await
        } else if batch.queue.ends_with(COMPLETED) {
            complete(now, records, &completion).await
        } else {
            return Err(CompletionError::Queue(batch.queue));
        };
        let answer = batch.answer(&result);
        let failed = answer.batch_item_failures.len();
        metrics::pass(&self.metrics, self.clock.now(), &report, failed, self.meter.take());
        Ok(answer)
    }
}

/// The seed of a deployment's jitter: its own, and the same in every process. Its jobs table's name is both.
#[must_use]
pub fn seed_of(jobs_table: &str) -> u64 {
    let digest = digest_id(&["seed", jobs_table]);
    digest.get(..16).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default()
}
