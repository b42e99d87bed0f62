//! Queues in the memory of the process, with the behaviour of SQS standard queues.
//!
//! Kept: delivery delays, visibility timeouts, receipts that grow stale, receive counts, redrive to dead-letter queues,
//! retention, the limits on what a message may hold. A message is delivered at least once and in no promised order, though
//! here the order repeats: it is the order in which messages became visible. Time is the wheel's, from a
//! [`Clock`], so the queues run as well in virtual time.
//!
//! Messages end with the process. That costs no job, because a queue never holds the only copy; and the store's cursor
//! trails behind [`LocalQueues::oldest_unconfirmed`], so that what was in flight is dispatched again.
//!
//! Not here: batches, mappings and functions (`mapping` and the engine), and faults.

mod messages;
mod name;
mod text;
mod unconfirmed;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use pollwheel_core::id::JobTypeId;
use pollwheel_core::ports::{Clock, Outgoing, PortError, QueueName, Queues, Retry};
use pollwheel_core::time::{EpochMinute, Timestamp};
use tokio::sync::Notify;

use messages::Messages;
use unconfirmed::{Due, Ledger};

pub use messages::{Delivery, Depth, QueueConfig, Receipt, Receipted, Totals};
pub use name::QueueId;
pub use text::{MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES, Refusal};

/// Seconds that dead letters are kept: 14 days, the longest that SQS allows.
pub const DEAD_LETTER_RETENTION_SECONDS: u32 = 14 * 24 * 3600;

/// All queues of the process. One thread uses it.
pub struct LocalQueues {
    clock: Rc<dyn Clock>,
    seed: u64,
    next_id: Cell<u64>,
    queues: RefCell<BTreeMap<QueueId, Messages>>,
    /// None when nobody asks what is unconfirmed.
    ledger: Option<RefCell<Ledger>>,
    arrived: Notify,
}

impl LocalQueues {
    /// No queues yet. Message ids come from `seed` and a counter, so that a run repeats.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>, seed: u64) -> Self {
        Self {
            clock,
            seed,
            next_id: Cell::new(1),
            queues: RefCell::default(),
            ledger: Some(RefCell::default()),
            arrived: Notify::new(),
        }
    }

    /// Queues that outlive the process: no cursor trails behind them, and no message is looked into.
    #[must_use]
    pub fn lasting(clock: Rc<dyn Clock>, seed: u64) -> Self {
        Self { ledger: None, ..Self::new(clock, seed) }
    }

    fn settle<'d>(&self, dues: impl Iterator<Item = &'d Due>) {
        if let Some(ledger) = &self.ledger {
            let mut ledger = ledger.borrow_mut();
            dues.for_each(|due| ledger.settle(due));
        }
    }

    /// Makes a queue, and its dead-letter queue when it has one. Queues that are there keep their messages and take the
    /// new configuration.
    pub fn create(&self, queue: QueueName, config: QueueConfig) {
        let mut queues = self.queues.borrow_mut();
        if config.max_receive_count.is_some() {
            let dead = QueueConfig {
                max_receive_count: None,
                retention_seconds: DEAD_LETTER_RETENTION_SECONDS,
                ..config
            };
            queues.entry(QueueId::DeadLetters(queue.clone())).or_default().configure(dead);
        }
        queues.entry(QueueId::Live(queue)).or_default().configure(config);
    }

    /// Set whenever a message of a queue comes, goes or changes its state; whoever watches resets it.
    pub(crate) fn touched(&self, queue: &QueueId) -> Rc<Cell<bool>> {
        self.queues.borrow_mut().entry(queue.clone()).or_default().touched()
    }

    /// Receives up to `max` messages; none from a queue that does not exist. A message that was delivered as often as its
    /// queue allows goes to the dead-letter queue instead.
    pub fn receive(&self, queue: &QueueId, max: usize) -> Vec<Delivery> {
        let now = self.clock.now();
        let mut queues = self.queues.borrow_mut();
        let Some(messages) = queues.get_mut(queue) else { return Vec::new() };
        let received = messages.receive(max, now, self.seed);
        self.settle(received.expired.iter().chain(received.dead.iter().map(|message| &message.due)));
        if let (QueueId::Live(name), false) = (queue, received.dead.is_empty()) {
            let dead_letters = queues.entry(QueueId::DeadLetters(name.clone())).or_default();
            for message in received.dead {
                dead_letters.take_in(message);
            }
            self.arrived.notify_one();
        }
        received.deliveries
    }

    /// Deletes a received message.
    pub fn delete(&self, queue: &QueueId, receipt: Receipt) -> Receipted {
        let mut queues = self.queues.borrow_mut();
        match queues.get_mut(queue).and_then(|messages| messages.delete(receipt)) {
            Some(due) => {
                self.settle(std::iter::once(&due));
                Receipted::Done
            }
            None => Receipted::Stale,
        }
    }

    /// Makes a received message visible again `seconds` from now, instead of when its visibility timeout ends.
    pub fn change_visibility(&self, queue: &QueueId, receipt: Receipt, seconds: u32) -> Receipted {
        let now = self.clock.now();
        let mut queues = self.queues.borrow_mut();
        let Some(messages) = queues.get_mut(queue) else { return Receipted::Stale };
        let changed = messages.change_visibility(receipt, now, seconds);
        if changed == Receipted::Done {
            self.arrived.notify_one();
        }
        changed
    }

    /// Drops every message of a queue, and says how many.
    pub fn purge(&self, queue: &QueueId) -> u64 {
        let mut queues = self.queues.borrow_mut();
        let dues = queues.get_mut(queue).map(Messages::purge).unwrap_or_default();
        self.settle(dues.iter());
        dues.len() as u64
    }

    /// How many messages a queue holds.
    #[must_use]
    pub fn depth(&self, queue: &QueueId) -> Depth {
        let now = self.clock.now();
        self.queues.borrow_mut().get_mut(queue).map(|messages| messages.depth(now)).unwrap_or_default()
    }

    /// What a queue has seen.
    #[must_use]
    pub fn totals(&self, queue: &QueueId) -> Totals {
        self.queues.borrow().get(queue).map(Messages::totals).unwrap_or_default()
    }

    /// Every queue, in a fixed order.
    #[must_use]
    pub fn names(&self) -> Vec<QueueId> {
        self.queues.borrow().keys().cloned().collect()
    }

    /// When the queue next has something to receive: now, if it has; never, if it holds nothing.
    #[must_use]
    pub fn next_visible(&self, queue: &QueueId) -> Option<Timestamp> {
        let now = self.clock.now();
        self.queues.borrow_mut().get_mut(queue).and_then(|messages| messages.next_visible(now))
    }

    /// Completes when a message arrived since it last completed: sent, redriven, or given back early. For one waiter.
    /// Messages whose delay or timeout ends do not wake it: see [`LocalQueues::next_visible`].
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// The oldest due minute of a job type that messages are under way for: polls to make, finished polls and partitions
    /// to dispatch, sent and neither deleted nor given up. Dead letters do not count.
    #[must_use]
    pub fn oldest_unconfirmed(&self, job_type: &JobTypeId) -> Option<EpochMinute> {
        self.ledger.as_ref()?.borrow().oldest(job_type)
    }

    fn accept(
        &self,
        queue: &QueueName,
        messages: &mut Messages,
        message: Outgoing,
        now: Timestamp,
    ) -> Result<(), PortError> {
        text::check(&message).map_err(|refusal| PortError::new(send(queue), Retry::Never, refusal))?;
        let due = match &self.ledger {
            Some(ledger) => {
                let due = unconfirmed::of(queue, &message.body);
                ledger.borrow_mut().add(&due);
                due
            }
            None => Due::Nothing,
        };
        let id = self.next_id.replace(self.next_id.get() + 1);
        messages.send(id, message, due, now);
        Ok(())
    }
}

fn send(queue: &QueueName) -> String {
    format!("sending to `{}`", QueueId::Live(queue.clone()))
}

fn missing(what: String) -> PortError {
    PortError::new(what, Retry::Never, Refusal::NoSuchQueue)
}

impl Queues for LocalQueues {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let now = self.clock.now();
        let mut queues = self.queues.borrow_mut();
        let Some(to) = queues.get_mut(&QueueId::Live(queue.clone())) else {
            return messages.iter().map(|_| Err(missing(send(queue)))).collect();
        };
        let answers = messages.into_iter().map(|message| self.accept(queue, to, message, now)).collect();
        self.arrived.notify_one();
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let id = QueueId::Live(queue.clone());
        if !self.queues.borrow().contains_key(&id) {
            return Err(missing(format!("reading the backlog of `{id}`")));
        }
        let depth = self.depth(&id);
        Ok(depth.visible + depth.delayed)
    }
}
