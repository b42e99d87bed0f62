//! The embedded store: rows, registrations, wake-ups, cursors, pauses and throttles in one file, or in memory.
//!
//! **Why redb.** It is one file written in Rust alone, with nothing to build or install beside it: a copy-on-write
//! B-tree whose commit is one atomic switch of the root, so a `kill -9` at any moment leaves the last commit, and
//! whose readers see a snapshot while a writer works. Every page has a checksum. SQLite does all that too, but brings
//! a C compiler, and SQL between us and a range scan of a million rows; fjall and sled are log-structured, many files
//! each, with compaction threads of their own, which pays for far more writes than a wheel makes that mostly reads.
//!
//! **Durability.** All changes of one [`apply`](JobStore::apply) go into one transaction with one durable commit, each
//! judged by itself. Commits have two phases (two syncs), so that a damaged page is always an error and never a quiet
//! return to the commit before. Opening reads the whole file once and checks it.
//!
//! **The cursor trails.** Queues in this process are in memory: after a crash the messages of the last minutes are gone,
//! while the cursor has moved on. So [`move_cursor`](ControlStore::move_cursor) moves the cursor that ticks see, and
//! persists it only up to the minute before the oldest unconfirmed message ([`Store::set_unconfirmed`]). What was in
//! flight is dispatched once more after a restart.
//!
//! **Blocking.** redb blocks, most of all while a commit is synced. The methods are `async` because the ports are, but
//! they run to their end where they are called: the engine is one thread by design, and a page or a commit is short.
//!
//! Not here: what the rows mean. The passes decide; this module only compares revisions.

mod apply;
mod browse;
mod budget;
mod control;
mod error;
mod file;
mod jobs;
mod layout;
mod stats;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use pollwheel_core::id::JobTypeId;
#[cfg(doc)]
use pollwheel_core::ports::{ControlStore, JobStore};
use pollwheel_core::time::EpochMinute;

use control::Cursor;
use file::Backing;

pub use browse::PlaceCount;
pub use control::WAKE_MARGIN_MINUTES;
pub use error::StoreError;
pub use file::STORE_FILE;
pub use layout::FORMAT;
pub use stats::StoreStats;

/// The embedded store. One thread uses it.
pub struct Store {
    backing: Backing,
    cursors: RefCell<BTreeMap<JobTypeId, Cursor>>,
    /// The oldest minute of each job type that has unconfirmed work.
    unconfirmed: RefCell<BTreeMap<JobTypeId, EpochMinute>>,
    stats: Cell<StoreStats>,
}

impl Store {
    /// Opens the store of a state folder. A folder or store that is missing is made, for its owner alone.
    ///
    /// # Errors
    /// [`StoreError`]. Whatever it is, the store is as it was.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Backing::open(folder).map(Self::on)
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn in_memory() -> Result<Self, StoreError> {
        Backing::in_memory().map(Self::on)
    }

    fn on(backing: Backing) -> Self {
        Self { backing, cursors: RefCell::default(), unconfirmed: RefCell::default(), stats: Cell::default() }
    }

    /// What the store has read and written since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.stats.get()
    }

    fn count(&self, more: StoreStats) {
        self.stats.set(self.stats.get().plus(more));
    }
}
