//! The embedded store.

mod stats;

use std::path::Path;

use pollwheel_core::id::{ChannelName, JobId, JobTypeId};
use pollwheel_core::ports::{Applied, Change, ControlStore, Gate, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

pub use stats::StoreStats;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("placeholder")]
pub struct StoreError;

/// What a pause stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseScope {
    /// Every job type of a channel.
    Channel(ChannelName),
    /// One job type.
    JobType(JobTypeId),
}

/// The embedded store.
pub struct Store {}

#[expect(unused_variables, reason = "skeleton")]
impl Store {
    /// Opens the store of a state folder, and makes both when they are missing.
    ///
    /// # Errors
    /// [`StoreError`]: in use by another process, damaged, newer than this build, or not accessible.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        todo!()
    }

    /// What the store has read and written since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        todo!()
    }

    /// Tells how far back messages of a job type are unconfirmed: the persisted cursor stays before that minute.
    pub fn set_unconfirmed(&self, job_type: &JobTypeId, oldest: Option<EpochMinute>) {
        todo!()
    }

    /// Persists every cursor as far as `set_unconfirmed` allows: for a shutdown, after the queues have drained.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn persist_cursors(&self) -> Result<(), PortError> {
        todo!()
    }

    /// Pauses dispatch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn pause(&self, scope: &PauseScope) -> Result<(), PortError> {
        todo!()
    }

    /// Resumes dispatch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn resume(&self, scope: &PauseScope) -> Result<(), PortError> {
        todo!()
    }

    /// A page of all registrations, by account.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn registrations(&self, from: Option<&str>, limit: usize) -> Result<Page<Registration>, PortError> {
        todo!()
    }

    /// A job's row, wherever it is.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find_row(&self, job: &JobId) -> Result<Option<JobRow>, PortError> {
        todo!()
    }

    /// How many rows each place of each job type holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn row_counts(&self) -> Result<Vec<(JobTypeId, Place, u64)>, PortError> {
        todo!()
    }

    /// The wake-ups set for a job, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn wakes_of(&self, job: &JobId) -> Result<Vec<WakeUp>, PortError> {
        todo!()
    }
}

#[expect(unused_variables, reason = "skeleton")]
impl JobStore for Store {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        todo!()
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        todo!()
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        todo!()
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        todo!()
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        todo!()
    }
}

#[expect(unused_variables, reason = "skeleton")]
impl ControlStore for Store {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        todo!()
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        todo!()
    }

    async fn throttle(&self, channel: &ChannelName, until: Timestamp) -> Result<(), PortError> {
        todo!()
    }

    async fn throttled_until(&self, channel: &ChannelName) -> Result<Option<Timestamp>, PortError> {
        todo!()
    }
}
