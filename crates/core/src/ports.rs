//! The ports: what the passes need from the outside, and what they may rely on.
//!
//! Every adapter keeps these contracts and passes one contract suite. Methods that take many things answer for each
//! of them, in order: partial success is the normal case, and an entry that the adapter cannot account for is an error.

mod credentials;
mod poller;

use std::error::Error;

use crate::budget::{Pace, PaceKey, SpendSlot};
use crate::event::Event;
use crate::id::{ChannelName, JobId, JobTypeId};
use crate::row::{JobRow, Place, Registration, Revision, WakeUp};
use crate::throttle::ThrottleScope;
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::Cohort;
pub use credentials::{
    Application, CredentialStore, Credentials, Holder, Lease, PoolToken, Saved, Secret, Secrets,
};
pub use poller::{Grant, Permits, Polled, Poller, Refresh, Refreshed, Renewal, Request};

/// What a caller may do about a failed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Too much at once: later, and more slowly.
    Throttled,
    /// Later, as it is. The operation may or may not have happened.
    Transient,
    /// Not without a change of code, data or permissions.
    Never,
}

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed")]
pub struct PortError {
    /// The operation and what it was on, without secrets.
    pub what: String,
    /// What to do about it.
    pub retry: Retry,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl PortError {
    /// A failure with its cause.
    pub fn new(
        what: impl Into<String>,
        retry: Retry,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), retry, source: Some(source.into()) }
    }

    /// The failure and its causes on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Part of a partition.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, in the order of their keys.
    pub items: Vec<T>,
    /// Items that could not be read (written by a newer build, or damaged). They stay where they are.
    pub unreadable: u32,
    /// Where the next page starts; none at the end.
    pub next: Option<String>,
}

/// One change to the store, atomic by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new row and its registration, if the job has none.
    Insert(Box<JobRow>),
    /// The row in its place, if the revision there is `expected`.
    Update {
        /// The whole new row.
        row: Box<JobRow>,
        /// The revision that it replaces.
        expected: Revision,
    },
    /// The row into another place, out of `from`, and its registration with it, if the revision at `from` is `expected`.
    Move {
        /// The whole new row, its place the new one.
        row: Box<JobRow>,
        /// Where it is now.
        from: Place,
        /// The revision that it replaces.
        expected: Revision,
    },
    /// The row and its registration away, if the revision at `place` is `expected`.
    Remove {
        /// Which job.
        job: JobId,
        /// Where its row is.
        place: Place,
        /// Its revision.
        expected: Revision,
    },
    /// A wake-up. Setting the same one again changes nothing.
    Wake(WakeUp),
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is durable.
    Done,
    /// Its condition did not hold; nothing was changed. The row that stands there now, if any (for an insert: the row
    /// that the job has, wherever it is).
    Conflict(Option<Box<JobRow>>),
}

/// Rows, registrations and wake-ups.
///
/// Contract: an answer of `Done` means durable. A change whose answer is an error may have happened. Changes of one call
/// are independent; their answers are in order, one each. Reads of rows by place are strongly consistent; partition reads
/// may lag a write by moments (a stale copy is fenced by its revision).
pub trait JobStore {
    /// A page of a cohort's rows, of at most `limit`, from where an earlier page ended.
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError>;

    /// A page of the wake-ups set for a minute in one shard: never those of another day.
    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError>;

    /// The row of a job at a place.
    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError>;

    /// Where a job's row is; none when the job is not registered.
    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError>;

    /// Applies changes.
    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>>;
}

/// What the tick asks before it dispatches a job type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gate {
    /// The last minute whose work is durably enqueued.
    pub cursor: Option<EpochMinute>,
    /// Whether an operator paused the job type or its channel.
    pub paused: bool,
    /// Until when a limit of the whole application is spent: the channel's or the job type's, whichever is later.
    pub throttled_until: Option<Timestamp>,
}

/// Cursors, pauses and throttles.
pub trait ControlStore {
    /// What stands in the way of dispatching a job type.
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError>;

    /// Moves a cursor, if it still is where it was read. `Ok(false)`: another tick moved it.
    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError>;

    /// Stops a scope until an instant; an earlier end does not shorten a later one.
    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError>;

    /// Until when scopes are stopped, or were last: one answer a scope, in order. None for one that never was, or whose
    /// throttle ended long ago.
    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError>;

    /// Reserves up to `units` of a slot that has `most`. Gives how many: those, or what is left. All reservations of a slot
    /// together never come to more than `most`. One whose answer is lost may have been made: its units are nobody's.
    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError>;

    /// What is known of shared limits: one answer each, in order; the default for one that nothing is known of.
    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError>;

    /// Keeps what is known of a shared limit. Of two at once, either stays.
    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError>;
}

/// What an operator's pause stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseScope {
    /// Every job type of a channel.
    Channel(ChannelName),
    /// One job type.
    JobType(JobTypeId),
}

/// A queue that the passes send to. Dead-letter queues are only ever read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// The jobs of a job type.
    Jobs(JobTypeId),
    /// Finished polls.
    Completed,
    /// Partitions of a large tick.
    Drains,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its text.
    pub body: String,
    /// Seconds before it becomes visible: at most 900.
    pub delay_seconds: u16,
}

/// The queues.
///
/// Contract: `Ok` for a message means durably accepted. Delivery is at least once, in any order. The adapter cuts batches
/// by count and bytes and keeps many in flight; it answers for each message, in order.
pub trait Queues {
    /// Sends messages.
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>>;

    /// About how many messages wait in a queue, visible or delayed.
    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError>;
}

/// The event bus.
///
/// Contract: `Ok` for an event means that the bus has accepted it. One answer an event, in order.
pub trait Bus {
    /// Publishes events.
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>>;
}

/// Time, for the passes that take long enough to need it more than once.
pub trait Clock {
    /// The time of the wheel.
    fn now(&self) -> Timestamp;
}
