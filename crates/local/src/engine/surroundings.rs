//! What surrounds a run: when ticks arrive, what the functions' clocks show, which queues are served.
//!
//! A run of the command line has [`Punctual`] surroundings. A simulation has others, and sees through them what the engine
//! does.

use std::time::Duration;

use pollwheel_core::ports::Clock;
use pollwheel_core::time::{EpochMinute, Timestamp};

use crate::clock::WheelClock;
use crate::mapping::Verdict;
use crate::queue::QueueId;

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The tick.
    Scheduler,
    /// Dispatches partitions of a large tick.
    Drain,
    /// Polls jobs.
    Worker,
    /// Applies finished polls.
    Completion,
    /// Takes the jobs that come back from a dead-letter queue.
    Burial,
}

/// One run of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation {
    /// Of which function.
    pub function: Function,
    /// Tells it from the others that are under way.
    pub number: u64,
    /// How far its clock is ahead of the wheel, in milliseconds.
    pub ahead_millis: i64,
}

/// What surrounds a run.
pub trait Surroundings {
    /// A minute of the wheel begins: how long after it its tick arrives, once for each time that it does.
    fn minute(&self, minute: EpochMinute) -> Vec<Duration>;

    /// A function is invoked.
    fn invoked(&self, function: Function) -> Invocation;

    /// From when on a queue is handed to its function: now, unless its mapping is off.
    fn served_from(&self, queue: &QueueId, now: Timestamp) -> Timestamp;

    /// An invocation is about to run until it next waits.
    fn runs(&self, invocation: Invocation);

    /// What a mapping makes of a function's answer, which may be lost on its way.
    fn judged(&self, _queue: &QueueId, verdict: Verdict) -> Verdict {
        verdict
    }

    /// A message is deleted, because its function, invoked at `invoked`, was done with it.
    fn deletes(&self, queue: &QueueId, body: &str, invoked: Timestamp);
}

/// Ticks that arrive on time, clocks that are right, mappings that are on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Punctual;

impl Surroundings for Punctual {
    fn minute(&self, _minute: EpochMinute) -> Vec<Duration> {
        vec![Duration::ZERO]
    }

    fn invoked(&self, function: Function) -> Invocation {
        Invocation { function, number: 0, ahead_millis: 0 }
    }

    fn served_from(&self, _queue: &QueueId, now: Timestamp) -> Timestamp {
        now
    }

    fn runs(&self, _invocation: Invocation) {}

    fn deletes(&self, _queue: &QueueId, _body: &str, _invoked: Timestamp) {}
}

/// The clock of one invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct FunctionClock {
    wheel: WheelClock,
    ahead_millis: i64,
}

impl FunctionClock {
    pub(super) const fn new(wheel: WheelClock, invocation: Invocation) -> Self {
        Self { wheel, ahead_millis: invocation.ahead_millis }
    }
}

impl Clock for FunctionClock {
    fn now(&self) -> Timestamp {
        let now = self.wheel.now();
        match self.ahead_millis {
            0 => now,
            ahead => Timestamp::from_millis(now.millis().saturating_add_signed(ahead)),
        }
    }
}
