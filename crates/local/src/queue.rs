//! Queues inside the process, with the behaviour of SQS standard queues.

mod name;

use std::rc::Rc;

use pollwheel_core::id::JobTypeId;
use pollwheel_core::ports::{Clock, Outgoing, PortError, QueueName, Queues};
use pollwheel_core::time::{EpochMinute, Timestamp};

pub use name::QueueId;

/// How a queue treats its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// Seconds that a received message stays hidden, unless it is deleted.
    pub visibility_seconds: u32,
    /// Deliveries before a message goes to the queue's dead-letter queue; none: no dead-letter queue, never.
    pub max_receive_count: Option<u32>,
    /// Seconds after which a message is dropped.
    pub retention_seconds: u32,
}

/// The right to delete a received message, until it is received again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    slot: u32,
    id: u64,
    receive: u32,
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id, as SQS calls it.
    pub message_id: String,
    /// Its text.
    pub body: Rc<str>,
    /// How to delete it.
    pub receipt: Receipt,
    /// Which delivery this is, from 1.
    pub receive_count: u32,
    /// When it was sent.
    pub sent: Timestamp,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// To be received now.
    pub visible: u64,
    /// Waiting for their delay.
    pub delayed: u64,
    /// Received, not deleted, not visible again yet.
    pub in_flight: u64,
}

/// What a queue has seen since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages accepted.
    pub sent: u64,
    /// Deliveries.
    pub received: u64,
    /// Messages deleted by a receipt.
    pub deleted: u64,
    /// Messages moved to the dead-letter queue.
    pub redriven: u64,
    /// Messages dropped for their age.
    pub expired: u64,
    /// Messages dropped by purges.
    pub purged: u64,
}

/// What became of a receipt's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipted {
    /// It was done.
    Done,
    /// The message is gone, or was received again since: nothing was done.
    Stale,
}

/// All queues of the process.
pub struct LocalQueues {
    _clock: Rc<dyn Clock>,
}

impl LocalQueues {
    /// No queues yet. Message ids come from `seed` and a counter, so that a run repeats.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>, _seed: u64) -> Self {
        Self { _clock: clock }
    }

    /// Makes a queue, and its dead-letter queue if it has one. A queue that is there keeps its messages.
    pub fn create(&self, _queue: QueueName, _config: QueueConfig) {
        todo!()
    }

    /// Receives up to `max` messages. Messages past their receive count go to the dead-letter queue instead.
    pub fn receive(&self, _queue: &QueueId, _max: usize) -> Vec<Delivery> {
        todo!()
    }

    /// Deletes a message.
    pub fn delete(&self, _queue: &QueueId, _receipt: Receipt) -> Receipted {
        todo!()
    }

    /// Makes a received message visible again `seconds` from now.
    pub fn change_visibility(&self, _queue: &QueueId, _receipt: Receipt, _seconds: u32) -> Receipted {
        todo!()
    }

    /// Drops every message of a queue, and says how many.
    pub fn purge(&self, _queue: &QueueId) -> u64 {
        todo!()
    }

    /// How many messages a queue holds.
    pub fn depth(&self, _queue: &QueueId) -> Depth {
        todo!()
    }

    /// What a queue has seen.
    pub fn totals(&self, _queue: &QueueId) -> Totals {
        todo!()
    }

    /// Every queue, in a fixed order.
    pub fn names(&self) -> Vec<QueueId> {
        todo!()
    }

    /// When the queue next has something to receive: now, if it has; none, if it holds nothing.
    pub fn next_visible(&self, _queue: &QueueId) -> Option<Timestamp> {
        todo!()
    }

    /// Completes when something was sent or redriven since the last call completed. For one waiter.
    pub async fn arrived(&self) {
        todo!()
    }

    /// The oldest due minute of a job type's messages that were sent and neither deleted nor given up: polls to make,
    /// finished polls and partitions to dispatch. Dead letters do not count.
    pub fn oldest_unconfirmed(&self, _job_type: &JobTypeId) -> Option<EpochMinute> {
        todo!()
    }
}

impl Queues for LocalQueues {
    async fn send(&self, _queue: &QueueName, _messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        todo!()
    }

    async fn backlog(&self, _queue: &QueueName) -> Result<u64, PortError> {
        todo!()
    }
}
