//! Counters of billing units, which add up.

use std::ops::{Add, AddAssign, Sub};

use serde::Serialize;

use super::units;

/// Bytes of a GB, as AWS counts logs and storage.
const GB_BYTES: f64 = 1024.0 * 1024.0 * 1024.0;

/// What was used, in billing units. Whole numbers, so that the same work gives the same usage in every order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// DynamoDB read units, in halves.
    pub read_half_units: u64,
    /// DynamoDB write units.
    pub write_units: u64,
    /// SQS requests of 64 KB: to send, to receive, to delete, to look.
    pub queue_requests: u64,
    /// EventBridge custom events of 64 KB.
    pub events: u64,
    /// Invocations by EventBridge Scheduler.
    pub schedule_invocations: u64,
    /// Lambda requests.
    pub function_requests: u64,
    /// Lambda's time, in MB-milliseconds.
    pub function_mb_ms: u64,
    /// Bytes that functions log.
    pub log_bytes: u64,
    /// KMS requests.
    pub key_requests: u64,
}

impl Usage {
    /// One invocation of a function, and the lines that it logs.
    #[must_use]
    pub fn invocation(memory_mb: u64, billed_ms: u64, log_bytes: u64) -> Self {
        Self {
            function_requests: 1,
            function_mb_ms: units::function_mb_ms(memory_mb, billed_ms),
            log_bytes,
            ..Self::default()
        }
    }

    /// DynamoDB read units.
    #[must_use]
    pub fn read_units(&self) -> f64 {
        count(self.read_half_units) / 2.0
    }

    /// Lambda's time, in GB-seconds.
    #[must_use]
    pub fn function_gb_seconds(&self) -> f64 {
        count(self.function_mb_ms) / 1024.0 / 1000.0
    }

    /// What functions log, in GB.
    #[must_use]
    pub fn log_gb(&self) -> f64 {
        count(self.log_bytes) / GB_BYTES
    }
}

#[expect(clippy::cast_precision_loss, reason = "a float holds the size of a bill to fifteen digits")]
pub(super) const fn count(number: u64) -> f64 {
    number as f64
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usage {
    type Output = Self;

    /// What was used since `earlier`; none where less was used.
    fn sub(self, earlier: Self) -> Self {
        self.each(earlier, u64::saturating_sub)
    }
}

impl Usage {
    fn each(self, other: Self, by: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            read_half_units: by(self.read_half_units, other.read_half_units),
            write_units: by(self.write_units, other.write_units),
            queue_requests: by(self.queue_requests, other.queue_requests),
            events: by(self.events, other.events),
            schedule_invocations: by(self.schedule_invocations, other.schedule_invocations),
            function_requests: by(self.function_requests, other.function_requests),
            function_mb_ms: by(self.function_mb_ms, other.function_mb_ms),
            log_bytes: by(self.log_bytes, other.log_bytes),
            key_requests: by(self.key_requests, other.key_requests),
        }
    }
}

/// What was used for polls, and what a deployment uses at any rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Metered {
    /// In proportion to polls.
    pub working: Usage,
    /// In proportion to time: ticks, looking at empty partitions, cursors, waiting for messages.
    pub standing: Usage,
}

impl Metered {
    /// Both together.
    #[must_use]
    pub fn total(&self) -> Usage {
        self.working + self.standing
    }
}

impl Sub for Metered {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { working: self.working - earlier.working, standing: self.standing - earlier.standing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_adds_up_and_is_told_since_a_moment() {
        let one = Usage {
            read_half_units: 3,
            write_units: 2,
            queue_requests: 5,
            events: 1,
            schedule_invocations: 1,
            function_requests: 4,
            function_mb_ms: 1024 * 1500,
            log_bytes: 2048,
            key_requests: 6,
        };
        let two = one + one;
        assert_eq!(two - one, one);
        assert_eq!(one - two, Usage::default());
        assert!((one.read_units() - 1.5).abs() < 1e-12);
        assert!((one.function_gb_seconds() - 1.5).abs() < 1e-12);
        assert!((two.log_gb() - 4096.0 / 1_073_741_824.0).abs() < 1e-18);
    }

    #[test]
    fn standing_and_working_usage_make_the_total() {
        let working = Usage::invocation(512, 300, 2048);
        let standing = Usage { schedule_invocations: 1, ..Usage::invocation(1024, 300, 2048) };
        let metered = Metered { working, standing };
        assert_eq!(metered.total().function_requests, 2);
        assert_eq!(metered.total().function_mb_ms, 512 * 300 + 1024 * 300);
        assert_eq!(metered - metered, Metered::default());
    }
}
