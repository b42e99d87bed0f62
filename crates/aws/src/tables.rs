//! The tables on DynamoDB: rows, wake-ups and registrations ([`JobTables`]), cursors, pauses and throttles
//! ([`ControlTable`]), and both at once for the passes that need both ([`Store`]).
//!
//! Writes that concern one item are conditional puts; a transaction is used only where a row and its registration change
//! together (a new job, a move, a removal), because it costs twice the write units.
//!
//! Units are as DynamoDB reports them; the adapter asks for them with every call and they are counted by a [`Meter`](crate::Meter).
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>

mod change;
mod control;
mod item;
mod jobs;
mod listing;
#[cfg(test)]
mod sizes;

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{Applied, Change, ControlStore, Gate, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

pub use control::ControlTable;
pub use jobs::JobTables;

/// Rows and control state together.
#[derive(Debug, Clone)]
pub struct Store {
    /// Rows, wake-ups and registrations.
    pub jobs: JobTables,
    /// Cursors, pauses and throttles.
    pub control: ControlTable,
}

impl JobStore for Store {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        self.jobs.read_cohort(job_type, cohort, from, limit).await
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        self.jobs.read_wakes(job_type, minute, shard, from, limit).await
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        self.jobs.read_row(job, place).await
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        self.jobs.locate(job).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        self.jobs.apply(changes).await
    }
}

impl ControlStore for Store {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        self.control.gate(job_type).await
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        self.control.move_cursor(job_type, from, to).await
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        self.control.throttle(scope, until).await
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        self.control.throttled_until(scopes).await
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        self.control.reserve(slot, units, most).await
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        self.control.paces(of).await
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.control.set_pace(of, pace).await
    }
}
