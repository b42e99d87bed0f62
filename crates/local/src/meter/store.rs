//! Reads and writes of the tables, as the AWS adapter does them: partitions and throttles without consistency, all else
//! with it; a transaction where a row and its registration change together.

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::meter::Usage;
use pollwheel_core::meter::items::{CONTROL_BYTES, registration_bytes, row_bytes, wake_bytes};
use pollwheel_core::meter::units::{Read, Write, read_half_units, write_units};
use pollwheel_core::ports::{Applied, Change, ControlStore, Gate, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

use super::Meter;

/// Items that a gate is made of: cursor, two throttles, two pauses.
const GATE_ITEMS: u64 = 5;

/// A store before a meter.
#[derive(Debug)]
pub struct MeteredStore<'a, S> {
    /// The store itself.
    pub inner: &'a S,
    /// What counts.
    pub meter: &'a Meter,
}

impl<S> MeteredStore<'_, S> {
    /// A page of a partition. Looking into an empty one is what a tick costs at any rate.
    fn read_page<T>(&self, page: Page<T>, bytes: impl Fn(&T) -> usize) -> Page<T> {
        let bytes = page.items.iter().map(bytes).sum();
        let usage = reads(Read::Eventual, bytes);
        if page.items.is_empty() {
            self.meter.standing(usage)
        } else {
            self.meter.working(usage)
        }
        page
    }
}

fn reads(read: Read, bytes: usize) -> Usage {
    Usage { read_half_units: read_half_units(read, bytes), ..Usage::default() }
}

fn writes(units: u64) -> Usage {
    Usage { write_units: units, ..Usage::default() }
}

/// Write units of a change, whether its condition holds or not.
fn change_units(change: &Change) -> u64 {
    let transacted = |bytes| write_units(Write::Transactional, bytes);
    match change {
        Change::Update { row, .. } => write_units(Write::Single, row_bytes(row)),
        Change::Wake(wake) => write_units(Write::Single, wake_bytes(wake)),
        Change::Insert(row) => {
            transacted(row_bytes(row)) + transacted(registration_bytes(&Registration::from(row.as_ref())))
        }
        Change::Move { row, .. } => {
            // The old row is about as large as the new one.
            2 * transacted(row_bytes(row)) + transacted(registration_bytes(&Registration::from(row.as_ref())))
        }
        Change::Remove { .. } => 2 * transacted(0),
    }
}

impl<S: JobStore> JobStore for MeteredStore<'_, S> {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let page = self.inner.read_cohort(job_type, cohort, from, limit).await?;
        Ok(self.read_page(page, row_bytes))
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        let page = self.inner.read_wakes(job_type, minute, shard, from, limit).await?;
        Ok(self.read_page(page, wake_bytes))
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        let row = self.inner.read_row(job, place).await?;
        self.meter.working(reads(Read::Strong, row.as_ref().map_or(0, row_bytes)));
        Ok(row)
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        let registration = self.inner.locate(job).await?;
        self.meter.working(reads(Read::Strong, registration.as_ref().map_or(0, registration_bytes)));
        Ok(registration)
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        let units: Vec<u64> = changes.iter().map(change_units).collect();
        let answers = self.inner.apply(changes).await;
        let answered = units.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        self.meter.working(writes(answered.map(|(units, _)| units).sum()));
        answers
    }
}

impl<S: ControlStore> ControlStore for MeteredStore<'_, S> {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        let gate = self.inner.gate(job_type).await?;
        let each = read_half_units(Read::Strong, CONTROL_BYTES);
        self.meter.standing(Usage { read_half_units: GATE_ITEMS * each, ..Usage::default() });
        Ok(gate)
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let moved = self.inner.move_cursor(job_type, from, to).await?;
        self.meter.standing(writes(write_units(Write::Single, CONTROL_BYTES)));
        Ok(moved)
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        self.inner.throttle(scope, until).await?;
        self.meter.working(writes(write_units(Write::Single, CONTROL_BYTES)));
        Ok(())
    }

    /// Workers ask once a batch; the meter counts it with the batches of the deployment.
    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        self.meter.scopes.set(scopes.len() as u64);
        self.inner.throttled_until(scopes).await
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        let granted = self.inner.reserve(slot, units, most).await?;
        // A reservation that is refused is billed as well.
        self.meter.working(writes(write_units(Write::Single, CONTROL_BYTES)));
        Ok(granted)
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        let paces = self.inner.paces(of).await?;
        let each = read_half_units(Read::Eventual, CONTROL_BYTES);
        self.meter.standing(Usage { read_half_units: of.len() as u64 * each, ..Usage::default() });
        Ok(paces)
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.inner.set_pace(of, pace).await?;
        self.meter.standing(writes(write_units(Write::Single, CONTROL_BYTES)));
        Ok(())
    }
}
