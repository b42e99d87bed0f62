//! Which minute it is for a job: the wall clock's, or a later one that an accelerated run has turned the wheel to.

use std::collections::BTreeMap;

use pollwheel_core::id::JobTypeId;
use pollwheel_core::ports::{ControlStore, Gate};
use pollwheel_core::time::EpochMinute;
use pollwheel_local::clock::WheelClock;
use pollwheel_local::store::Store;

use super::failed;
use crate::exit::Failure;

/// What stands in the way of each job type, and its next minute.
pub(crate) struct Moments<'a> {
    store: &'a Store,
    wall: EpochMinute,
    gates: BTreeMap<JobTypeId, Gate>,
}

impl<'a> Moments<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, wall: WheelClock::wall_now().minute(), gates: BTreeMap::new() }
    }

    /// What stands in the way of a job type.
    pub(crate) async fn gate(&mut self, job_type: &JobTypeId) -> Result<Gate, Failure> {
        if let Some(gate) = self.gates.get(job_type) {
            return Ok(*gate);
        }
        let gate = self.store.gate(job_type).await.map_err(|error| failed(&error))?;
        self.gates.insert(job_type.clone(), gate);
        Ok(gate)
    }

    /// The first minute that a tick is still to come for.
    pub(crate) async fn next(&mut self, job_type: &JobTypeId) -> Result<EpochMinute, Failure> {
        let gate = self.gate(job_type).await?;
        Ok(gate.cursor.map_or(self.wall, |cursor| cursor.plus(1).max(self.wall)))
    }
}
