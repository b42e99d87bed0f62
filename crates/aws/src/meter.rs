//! What a function's calls cost, counted in AWS's billing units as the answers report them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use pollwheel_core::meter::units::chunks;

/// Units of a read or write capacity are halves and quarters; thousandths hold them exactly enough.
const THOUSANDTHS: f64 = 1000.0;

/// Counters shared by the clients of a function.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    read_thousandths: AtomicU64,
    write_thousandths: AtomicU64,
    queue_requests: AtomicU64,
    events: AtomicU64,
    key_requests: AtomicU64,
}

/// What was used up to a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// DynamoDB read request units.
    pub read_units: f64,
    /// DynamoDB write request units.
    pub write_units: f64,
    /// SQS requests of 64 KB.
    pub queue_requests: u64,
    /// EventBridge custom events of 64 KB.
    pub events: u64,
    /// KMS requests.
    pub key_requests: u64,
}

impl Meter {
    /// What was used since the last time this was asked.
    #[must_use]
    pub fn take(&self) -> Usage {
        let taken = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Usage {
            read_units: units(taken(&self.0.read_thousandths)),
            write_units: units(taken(&self.0.write_thousandths)),
            queue_requests: taken(&self.0.queue_requests),
            events: taken(&self.0.events),
            key_requests: taken(&self.0.key_requests),
        }
    }

    /// Counts what an answer of DynamoDB reports of a read.
    pub(crate) fn count_read(&self, capacity: Option<&ConsumedCapacity>) {
        self.read(capacity.and_then(ConsumedCapacity::capacity_units));
    }

    /// Counts what an answer of DynamoDB reports of a write.
    pub(crate) fn count_write(&self, capacity: Option<&ConsumedCapacity>) {
        self.wrote(capacity.and_then(ConsumedCapacity::capacity_units));
    }

    fn read(&self, units: Option<f64>) {
        self.0.read_thousandths.fetch_add(thousandths(units), Ordering::Relaxed);
    }

    fn wrote(&self, units: Option<f64>) {
        self.0.write_thousandths.fetch_add(thousandths(units), Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.0.queue_requests.fetch_add(chunks(bytes), Ordering::Relaxed);
    }

    pub(crate) fn published(&self, bytes: usize) {
        self.0.events.fetch_add(chunks(bytes), Ordering::Relaxed);
    }

    pub(crate) fn asked_for_key(&self) {
        self.0.key_requests.fetch_add(1, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of one invocation is far below 2^53")]
fn units(thousandths: u64) -> f64 {
    thousandths as f64 / THOUSANDTHS
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation, and a bill is never negative"
)]
fn thousandths(units: Option<f64>) -> u64 {
    (units.unwrap_or_default() * THOUSANDTHS).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_and_are_taken_once() {
        let meter = Meter::default();
        for units in [Some(0.5), Some(7.5), None] {
            meter.read(units);
        }
        meter.wrote(Some(2.0));
        for bytes in [0, 1, 64 * 1024, 64 * 1024 + 1] {
            meter.sent(bytes);
        }
        meter.published(200 * 1024);
        meter.asked_for_key();
        let usage =
            Usage { read_units: 8.0, write_units: 2.0, queue_requests: 5, events: 4, key_requests: 1 };
        assert_eq!(meter.take(), usage);
        assert_eq!(meter.take(), Usage::default());
    }
}
