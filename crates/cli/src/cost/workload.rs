//! What a deployment has to do in a month.

use pollwheel_core::cadence::Cadence;
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Minutes of a month of 30 days.
pub(super) const MONTH_MINUTES: u64 = 30 * 24 * 60;
/// Hours of it.
pub(super) const MONTH_HOURS: f64 = 30.0 * 24.0;
/// Seconds over which a minute's jobs leave: what channels have unless they say otherwise.
const SPREAD_SECONDS: f64 = 50.0;
/// Rows of a cohort that one shard takes.
const SHARD_ROWS: u64 = 50_000;

/// Accounts, each polled for some job types of one channel, all at one cadence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Workload {
    pub(super) accounts: u64,
    pub(super) cadence: Cadence,
    /// The share of polls that bring an item, one each.
    pub(super) news_rate: f64,
    pub(super) job_types: u64,
}

impl Workload {
    pub(super) const fn jobs(&self) -> u64 {
        self.accounts * self.job_types
    }

    /// Polls of a month.
    pub(super) fn polls(&self) -> u64 {
        self.jobs() * (MONTH_MINUTES / u64::from(self.cadence.minutes()))
    }

    /// Jobs of one job type that come in a second while a minute's jobs leave.
    pub(super) fn jobs_a_second(&self) -> f64 {
        float(self.accounts) / f64::from(self.cadence.minutes()) / SPREAD_SECONDS
    }

    /// Rows of one cohort, all shards together.
    pub(super) fn cohort_rows(&self) -> u64 {
        (self.accounts / u64::from(self.cadence.minutes())).max(1)
    }

    /// Partitions of a cohort.
    pub(super) fn shards(&self) -> u64 {
        self.cohort_rows().div_ceil(SHARD_ROWS)
    }
}

impl Serialize for Workload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Workload", 6)?;
        fields.serialize_field("accounts", &self.accounts)?;
        fields.serialize_field("job_types", &self.job_types)?;
        fields.serialize_field("jobs", &self.jobs())?;
        fields.serialize_field("cadence_minutes", &self.cadence.minutes())?;
        fields.serialize_field("news_rate", &self.news_rate)?;
        fields.serialize_field("polls", &self.polls())?;
        fields.end()
    }
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "a bill needs no sixteen digits")]
pub(super) const fn float(number: u64) -> f64 {
    number as f64
}

/// A quantity as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation, and no quantity is negative"
)]
pub(super) fn whole(quantity: f64) -> u64 {
    quantity.round() as u64
}
