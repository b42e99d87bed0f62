//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use pollwheel_core::ports::Clock;
use pollwheel_core::time::Timestamp;

/// The time of the wheel is the time of the day: it is accelerated nowhere on AWS.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is broken: the epoch makes every row look due later, and polls nothing early.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
