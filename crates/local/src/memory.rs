//! A plain store in the memory of the process: for simulation, where a day of a million jobs must pass in minutes.
//!
//! It keeps the ports' contracts and passes their suite, and encodes nothing: a page of rows is a page of clones. Nothing
//! outlives it, and nothing it holds can be unreadable. Maps whose order shows are ordered, so that a run repeats.
//!
//! Not here: durability and trailing cursors ([`crate::store`]), and faults.

mod control;
mod rows;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::row::{JobRow, Place, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};

use crate::store::StoreStats;
use control::Paused;
use rows::Partition;

/// The store. One thread uses it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: RefCell<BTreeMap<JobTypeId, BTreeMap<Place, Partition>>>,
    /// Where each job's row is. Looked up, never listed.
    registrations: RefCell<HashMap<JobId, Place>>,
    wakes: RefCell<BTreeMap<JobTypeId, BTreeMap<EpochMinute, Shards>>>,
    cursors: RefCell<BTreeMap<JobTypeId, EpochMinute>>,
    paused: RefCell<Paused>,
    throttles: RefCell<BTreeMap<ThrottleScope, Timestamp>>,
    /// Units reserved, by limit and slot.
    spent: RefCell<BTreeMap<PaceKey, BTreeMap<u64, u64>>>,
    paces: RefCell<BTreeMap<PaceKey, Pace>>,
    stats: Cell<StoreStats>,
}

/// The wake-ups of a minute, by shard and key.
type Shards = BTreeMap<u16, BTreeMap<Box<str>, WakeUp>>;

impl MemoryStore {
    /// What the store has read and written.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.stats.get()
    }

    /// Calls `look` with every row, in the order of job types, places and keys.
    pub fn each_row(&self, mut look: impl FnMut(&JobRow)) {
        let rows = self.rows.borrow();
        rows.values().flat_map(BTreeMap::values).flat_map(Partition::rows).for_each(&mut look);
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> usize {
        let rows = self.rows.borrow();
        rows.values().flat_map(BTreeMap::values).map(Partition::len).sum()
    }

    /// Writes a row as it is, past every condition and registration: what a broken adapter would do. For a bug planted
    /// on purpose.
    pub fn put_unchecked(&self, row: JobRow) {
        self.rows
            .borrow_mut()
            .entry(row.job.job_type.clone())
            .or_default()
            .entry(row.place)
            .or_default()
            .put(row);
    }

    fn count(&self, more: StoreStats) {
        self.stats.set(self.stats.get().plus(more));
    }
}
