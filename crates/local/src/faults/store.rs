//! A store that fails, forgets to answer, or kills its caller.

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{Applied, Change, ControlStore, Gate, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

use super::kills::Edge;
use super::{Faults, injected};

/// A store behind faults.
#[derive(Debug)]
pub struct FaultyStore<'a, S> {
    /// The store itself.
    pub inner: &'a S,
    /// What goes wrong.
    pub faults: &'a Faults,
}

impl<S> FaultyStore<'_, S> {
    async fn read<T>(&self, read: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        self.faults.edge(Edge::Read).await;
        self.faults.fails()?;
        read.await
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        self.faults.edge(Edge::Write).await;
        self.faults.fails()?;
        let answer = write.await?;
        self.faults.edge(Edge::Write).await;
        self.faults.answer(answer)
    }
}

const fn place_of(change: &Change) -> Place {
    match change {
        Change::Insert(row) | Change::Update { row, .. } | Change::Move { row, .. } => row.place,
        Change::Remove { place, .. } => *place,
        Change::Wake(wake) => wake.place,
    }
}

impl<S: JobStore> JobStore for FaultyStore<'_, S> {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        self.faults.key(Place::Cohort(cohort))?;
        self.read(self.inner.read_cohort(job_type, cohort, from, limit)).await
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        self.read(self.inner.read_wakes(job_type, minute, shard, from, limit)).await
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        self.faults.key(place)?;
        self.read(self.inner.read_row(job, place)).await
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        self.read(self.inner.locate(job)).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        if self.faults.is_calm() {
            return self.inner.apply(changes).await;
        }
        self.faults.edge(Edge::Write).await;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            if self.faults.refuses_entry() {
                answers.push(Err(injected("was refused")));
                continue;
            }
            if let Err(error) = self.faults.key(place_of(&change)) {
                answers.push(Err(error));
                continue;
            }
            let applied = self.inner.apply(vec![change]).await.pop();
            let applied = applied.unwrap_or_else(|| Err(injected("was not answered for")));
            answers.push(applied.and_then(|applied| self.faults.answer(applied)));
        }
        self.faults.edge(Edge::Write).await;
        self.faults.forget_entries(&mut answers);
        answers
    }
}

impl<S: ControlStore> ControlStore for FaultyStore<'_, S> {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        self.read(self.inner.gate(job_type)).await
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        self.write(self.inner.move_cursor(job_type, from, to)).await
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        self.write(self.inner.throttle(scope, until)).await
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        self.read(self.inner.throttled_until(scopes)).await
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        self.write(self.inner.reserve(slot, units, most)).await
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        self.read(self.inner.paces(of)).await
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.write(self.inner.set_pace(of, pace)).await
    }
}
