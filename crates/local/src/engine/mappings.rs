//! The event source mappings: which queue feeds which function, in which batches, how many at once.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Clock, QueueName};
use pollwheel_core::time::Timestamp;
use tokio::time::Instant;

use super::EngineConfig;
use super::phase::Phase;
use super::surroundings::{Function, Surroundings};
use crate::clock::WheelClock;
use crate::meter::Meter;
use crate::queue::{Delivery, LocalQueues, QueueConfig, QueueId};

/// Seconds that a queue keeps a message: SQS's longest, fourteen days.
const RETENTION_SECONDS: u32 = 14 * 24 * 3600;
/// A message stays hidden for this many times the function's time-out, as AWS asks.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const VISIBILITY_TIMEOUTS: u32 = 6;
/// Messages of finished polls in one batch, and so in one commit.
const COMPLETION_BATCH: usize = 100;

struct Mapping {
    queue: QueueId,
    function: Function,
    batch_size: usize,
    at_once: usize,
    under_way: usize,
    gather: Duration,
    gathering_since: Option<Instant>,
    /// Set when the queue has changed.
    touched: Rc<Cell<bool>>,
    /// Unless it has: when its next message is to be received, if it has one.
    rests_until: Option<Timestamp>,
}

/// A batch on its way to a function.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) mapping: usize,
    pub(super) queue: QueueId,
    pub(super) function: Function,
    pub(super) deliveries: Vec<Delivery>,
}

impl Batch {
    /// Tells the meter what was received.
    pub(super) fn count(&self, meter: &Meter, now: Timestamp) {
        meter.received(&self.queue, now, self.deliveries.iter().map(|delivery| delivery.body.len()));
    }
}

/// All mappings of a process.
pub(super) struct Mappings(Vec<Mapping>);

impl Mappings {
    /// Makes the queues of a catalog and what they feed.
    pub(super) fn create(
        catalog: &Catalog,
        queues: &LocalQueues,
        clock: &WheelClock,
        config: &EngineConfig,
    ) -> Self {
        let visibility = clock.to_wheel(config.function_timeout * VISIBILITY_TIMEOUTS + config.gather);
        let queue_config = QueueConfig {
            visibility_seconds: u32::try_from(visibility.as_secs()).unwrap_or(u32::MAX).max(1),
            max_receive_count: Some(config.max_receive_count),
            retention_seconds: RETENTION_SECONDS,
        };
        let mut mappings = Vec::new();
        let mut map = |queue: QueueId, function: Function, batch_size: usize, at_once: usize| {
            let gather = match function {
                Function::Completion => config.gather,
                Function::Scheduler | Function::Worker | Function::Burial | Function::Drain => Duration::ZERO,
            };
            let touched = queues.touched(&queue);
            touched.set(true);
            mappings.push(Mapping {
                queue,
                function,
                batch_size,
                at_once,
                under_way: 0,
                gather,
                gathering_since: None,
                touched,
                rests_until: None,
            });
        };
        // Finished polls first: they free the others' work, and a stop waits for them.
        let completed = QueueName::Completed;
        queues.create(completed.clone(), queue_config);
        map(QueueId::Live(completed), Function::Completion, COMPLETION_BATCH, 1);
        queues.create(QueueName::Drains, queue_config);
        map(QueueId::Live(QueueName::Drains), Function::Drain, 1, config.batches_in_flight);
        for spec in catalog.iter() {
            let jobs = QueueName::Jobs(spec.id.clone());
            queues.create(jobs.clone(), queue_config);
            map(QueueId::Live(jobs.clone()), Function::Worker, config.batch_size, config.batches_in_flight);
            map(QueueId::DeadLetters(jobs), Function::Burial, 10, 1);
        }
        Self(mappings)
    }

    /// Receives every batch that is due and may run, and says how long to wait for the next.
    pub(super) fn receive(
        &mut self,
        queues: &LocalQueues,
        clock: &WheelClock,
        surroundings: &dyn Surroundings,
        phase: Phase,
    ) -> (Vec<Batch>, Option<Duration>) {
        let mut batches = Vec::new();
        let mut wait: Option<Duration> = None;
        let now = clock.now();
        for (index, mapping) in self.0.iter_mut().enumerate() {
            if !mapping.is_served(phase) {
                continue;
            }
            while mapping.under_way < mapping.at_once {
                match mapping.next(queues, clock, now, surroundings) {
                    Next::Batch(deliveries) => {
                        mapping.under_way += 1;
                        let (queue, function) = (mapping.queue.clone(), mapping.function);
                        batches.push(Batch { mapping: index, queue, function, deliveries });
                    }
                    Next::Wait(next) => {
                        wait = wait.into_iter().chain(next).min();
                        break;
                    }
                }
            }
        }
        (batches, wait)
    }

    /// A batch of a mapping has ended.
    pub(super) fn finished(&mut self, mapping: usize) {
        if let Some(mapping) = self.0.get_mut(mapping) {
            mapping.under_way = mapping.under_way.saturating_sub(1);
        }
    }

    /// Whether no message is left that the phase still serves.
    pub(super) fn has_nothing_left(&self, queues: &LocalQueues, phase: Phase) -> bool {
        self.0.iter().filter(|mapping| mapping.is_served(phase) && !mapping.is_burial()).all(|mapping| {
            let depth = queues.depth(&mapping.queue);
            depth.visible + depth.delayed + depth.in_flight == 0
        })
    }

    /// Messages about jobs that were dispatched and not confirmed: to be polled, finished, or to be buried, and finished
    /// polls that could not be applied however often it was tried.
    pub(super) fn pending(&self, queues: &LocalQueues) -> u64 {
        let workers = self.0.iter().filter(|mapping| mapping.function != Function::Drain);
        let unapplied = QueueId::DeadLetters(QueueName::Completed);
        workers
            .map(|mapping| &mapping.queue)
            .chain([&unapplied])
            .map(|queue| queues.depth(queue))
            .map(|depth| depth.visible + depth.delayed + depth.in_flight)
            .sum()
    }
}

enum Next {
    Batch(Vec<Delivery>),
    Wait(Option<Duration>),
}

impl Mapping {
    const fn is_burial(&self) -> bool {
        matches!(self.function, Function::Burial)
    }

    /// A stop polls nothing more; it only applies what is finished.
    const fn is_served(&self, phase: Phase) -> bool {
        !phase.is_stopping() || matches!(self.function, Function::Completion)
    }

    fn next(
        &mut self,
        queues: &LocalQueues,
        clock: &WheelClock,
        now: Timestamp,
        surroundings: &dyn Surroundings,
    ) -> Next {
        if self.touched.get() || self.rests_until.is_some_and(|until| until <= now) {
            let visible_at = queues.next_visible(&self.queue);
            self.rests_until = visible_at.map(|at| at.max(surroundings.served_from(&self.queue, now)));
            self.touched.set(false);
        }
        let Some(visible_at) = self.rests_until else { return Next::Wait(None) };
        if visible_at > now {
            return Next::Wait(Some(clock.real_until(visible_at)));
        }
        if !self.gather.is_zero() {
            let ready_at = *self.gathering_since.get_or_insert_with(Instant::now) + self.gather;
            let now = Instant::now();
            let full = queues.depth(&self.queue).visible >= self.batch_size as u64;
            if now < ready_at && !full {
                return Next::Wait(Some(ready_at - now));
            }
        }
        self.gathering_since = None;
        match queues.receive(&self.queue, self.batch_size) {
            // What was visible has gone to the dead-letter queue.
            deliveries if deliveries.is_empty() => Next::Wait(Some(Duration::ZERO)),
            deliveries => Next::Batch(deliveries),
        }
    }
}
