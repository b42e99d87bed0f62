//! What the work of this process would be billed for on AWS.
//!
//! The wrappers of this module stand before the ports and count each operation in AWS's billing units, whatever adapter
//! does the work. What no port sees is told by the engine: ticks, and the messages that mappings receive. Those are
//! gathered into the batches of the deployment ([`pollwheel_core::meter::deployment`]), not into the engine's own, so
//! that a run is billed as if it had been on AWS: receives and deletes by ten, one invocation a batch, its time by the
//! polls as they were measured, one message of outcomes a batch.
//!
//! Not counted: storage, metrics and alarms, which cost by the month; answers that were lost or refused; the half minute
//! in which workers on AWS keep credentials in memory.

mod bus;
mod credentials;
mod poller;
mod queues;
mod store;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use pollwheel_core::meter::deployment::{
    COMPLETION_BATCH, COMPLETION_MB, COMPLETION_MS, DEAD_LETTER_BATCH, DISPATCH_NS, DRAIN_BATCH, LOG_BYTES,
    LONG_POLLS_A_MINUTE, OUTCOME_BYTES, POLL_MS, SCHEDULER_MB, TICK_MS, WINDOW_MS, WORKER_BATCH, WORKER_MB,
    mapped_queues, worker_ms,
};
use pollwheel_core::meter::units::{Read, read_half_units, send_requests};
use pollwheel_core::meter::{Gathered, Gathering, Metered, Usage};
use pollwheel_core::poll::MAX_OUTCOME_BYTES;
use pollwheel_core::ports::QueueName;
use pollwheel_core::time::Timestamp;

use crate::queue::QueueId;

pub use bus::MeteredBus;
pub use credentials::MeteredCredentials;
pub use poller::MeteredPoller;
pub use queues::MeteredQueues;
pub use store::MeteredStore;

/// Counts for one run. One thread uses it.
#[derive(Debug, Default)]
pub struct Meter {
    working: Cell<Usage>,
    standing: Cell<Usage>,
    gatherings: RefCell<BTreeMap<QueueId, Gathering>>,
    /// Polls made, and their time together.
    polls: Cell<u64>,
    polls_ms: Cell<u64>,
    /// Bytes of outcomes sent on.
    outcome_bytes: Cell<u64>,
    /// Shared scopes that a worker's batch last asked about.
    scopes: Cell<u64>,
    dispatch_ns: Cell<u64>,
}

impl Meter {
    /// A minute's tick of a deployment of so many job types: the schedule, the scheduler, and the waiting at queues. What
    /// had gathered for longer than its window is invoiced.
    pub fn tick(&self, job_types: usize, now: Timestamp) {
        self.standing(Usage {
            schedule_invocations: 1,
            queue_requests: LONG_POLLS_A_MINUTE * mapped_queues(job_types as u64),
            ..Usage::invocation(SCHEDULER_MB, TICK_MS, LOG_BYTES)
        });
        self.invoke_where(|gathering| gathering.close_by(now));
    }

    /// A mapping received messages of these sizes.
    pub fn received(&self, queue: &QueueId, now: Timestamp, sizes: impl IntoIterator<Item = usize>) {
        let Some(most) = batch_size(queue) else { return };
        let mut closed = Vec::new();
        {
            let mut gatherings = self.gatherings.borrow_mut();
            if !gatherings.contains_key(queue) {
                gatherings.insert(queue.clone(), Gathering::new(most, WINDOW_MS));
            }
            let Some(gathering) = gatherings.get_mut(queue) else { return };
            closed.extend(gathering.close_by(now));
            for bytes in sizes {
                closed.extend(gathering.add(now, bytes));
            }
        }
        for batch in closed {
            self.invoke(queue, batch);
        }
    }

    /// What was used so far. What is still gathering is not in it.
    #[must_use]
    pub fn metered(&self) -> Metered {
        let dispatch_ms = self.dispatch_ns.get() / 1_000_000;
        let dispatch = Usage { function_mb_ms: SCHEDULER_MB * dispatch_ms, ..Usage::default() };
        Metered { working: self.working.get() + dispatch, standing: self.standing.get() }
    }

    /// What was used in all, when nothing more comes: what is still gathering is invoiced too.
    #[must_use]
    pub fn finish(&self, now: Timestamp) -> Metered {
        // Workers' outcomes gather in turn.
        for _ in 0..2 {
            self.invoke_where(|gathering| gathering.close(now));
        }
        self.metered()
    }

    fn invoke_where(&self, mut close: impl FnMut(&mut Gathering) -> Option<Gathered>) {
        let mut closed = Vec::new();
        for (queue, gathering) in self.gatherings.borrow_mut().iter_mut() {
            closed.extend(close(gathering).map(|batch| (queue.clone(), batch)));
        }
        for (queue, batch) in closed {
            self.invoke(&queue, batch);
        }
    }

    /// A batch comes to its function.
    fn invoke(&self, queue: &QueueId, batch: Gathered) {
        let invocation = match queue {
            QueueId::Live(QueueName::Jobs(_)) => {
                let poll_ms = self.a_poll(&self.polls_ms).unwrap_or(POLL_MS);
                let throttles = self.scopes.get() * read_half_units(Read::Eventual, 0);
                let invocation = Usage::invocation(WORKER_MB, worker_ms(batch.messages, poll_ms), LOG_BYTES);
                self.completed(batch, poll_ms);
                Usage { read_half_units: throttles, ..invocation }
            }
            QueueId::Live(QueueName::Drains) => Usage::invocation(SCHEDULER_MB, TICK_MS, LOG_BYTES),
            QueueId::Live(QueueName::Completed) | QueueId::DeadLetters(_) => {
                Usage::invocation(COMPLETION_MB, COMPLETION_MS, LOG_BYTES)
            }
        };
        self.working(Usage { queue_requests: batch.requests, ..invocation });
    }

    /// A worker's batch sends its outcomes: one message, or a few when they are large.
    fn completed(&self, batch: Gathered, poll_ms: u64) {
        let one = self.a_poll(&self.outcome_bytes).filter(|bytes| *bytes > 0).unwrap_or(OUTCOME_BYTES);
        let bytes = usize::try_from(one * batch.messages).unwrap_or(usize::MAX);
        let messages = bytes.div_ceil(MAX_OUTCOME_BYTES).max(1);
        let sizes = std::iter::repeat_n(bytes / messages, messages);
        self.working(Usage { queue_requests: send_requests(sizes.clone()), ..Usage::default() });
        let at = batch.at.plus(Duration::from_millis(poll_ms));
        self.received(&QueueId::Live(QueueName::Completed), at, sizes);
    }

    fn working(&self, usage: Usage) {
        self.working.set(self.working.get() + usage);
    }

    fn standing(&self, usage: Usage) {
        self.standing.set(self.standing.get() + usage);
    }

    /// Job messages were sent to a queue by the scheduler.
    fn dispatched(&self, messages: usize) {
        self.dispatch_ns.set(self.dispatch_ns.get() + DISPATCH_NS * messages as u64);
    }

    fn polled(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.polls.set(self.polls.get() + 1);
        self.polls_ms.set(self.polls_ms.get().saturating_add(millis));
    }

    fn sent_outcomes(&self, bytes: usize) {
        self.outcome_bytes.set(self.outcome_bytes.get() + bytes as u64);
    }

    /// How much of something there was a poll, rounded.
    fn a_poll(&self, sum: &Cell<u64>) -> Option<u64> {
        let polls = self.polls.get();
        (polls > 0).then(|| sum.get().saturating_add(polls / 2) / polls)
    }
}

/// Most messages of a mapping's batch. None for dead letters that nobody reads.
const fn batch_size(queue: &QueueId) -> Option<u64> {
    match queue {
        QueueId::Live(QueueName::Jobs(_)) => Some(WORKER_BATCH),
        QueueId::Live(QueueName::Completed) => Some(COMPLETION_BATCH),
        QueueId::Live(QueueName::Drains) => Some(DRAIN_BATCH),
        QueueId::DeadLetters(QueueName::Jobs(_)) => Some(DEAD_LETTER_BATCH),
        QueueId::DeadLetters(QueueName::Completed | QueueName::Drains) => None,
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::id::JobTypeId;

    use super::*;

    fn jobs() -> QueueId {
        QueueId::Live(QueueName::Jobs(JobTypeId::new("mastodon/statuses").unwrap()))
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_batch_is_a_worker_and_ten_batches_are_a_completion() {
        let meter = Meter::default();
        meter.polled(Duration::from_millis(300));
        meter.sent_outcomes(500);
        meter.received(&jobs(), at(0), [450; 1000]);
        let Metered { working, standing } = meter.finish(at(5000));
        assert_eq!(standing, Usage::default());
        assert_eq!(working.function_requests, 10 + 1);
        assert_eq!(working.function_mb_ms, 10 * 512 * 330 + 256 * 100);
        // Received and deleted by ten; a message of outcomes a batch; ten of them received (8 chunks) and deleted.
        assert_eq!(working.queue_requests, 200 + 10 + 9);
    }

    #[test]
    fn what_is_received_outside_of_a_window_is_another_batch() {
        let meter = Meter::default();
        for millis in [0, 999, 1000, 1999, 2500] {
            meter.received(&jobs(), at(millis), [450]);
        }
        // The last has not gathered yet, nor have the outcomes of the second.
        assert_eq!(meter.metered().working.function_requests, 2 + 1);
        meter.tick(1, at(60_000));
        assert_eq!(meter.finish(at(60_000)).working.function_requests, 3 + 3, "workers and completions");
    }

    #[test]
    fn a_tick_costs_the_same_whatever_it_dispatches() {
        let meter = Meter::default();
        meter.tick(2, at(0));
        let Metered { working, standing } = meter.metered();
        assert_eq!(working, Usage::default());
        assert_eq!((standing.schedule_invocations, standing.queue_requests), (1, 15 * 6));
        assert_eq!((standing.function_requests, standing.function_mb_ms), (1, 1024 * 300));
    }
}
