//! Cursors, pauses and throttles: the `ControlStore` port.

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::outcome::Scope;
use pollwheel_core::ports::{ControlStore, Gate, PauseScope, PortError};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::MAX_CATCH_UP_MINUTES;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::error::Failure;
use super::file::Ending;
use super::stats::StoreStats;
use super::{Store, layout};

/// Minutes behind the persisted cursor at which wake-ups are purged. A late tick moves the cursor, and what it hands out is
/// read within the hour after it.
pub const WAKE_MARGIN_MINUTES: u32 = MAX_CATCH_UP_MINUTES + 60;

/// The cursor of a job type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// What ticks see.
    now: Option<EpochMinute>,
    /// What is in the file: where ticks continue after a restart.
    persisted: Option<EpochMinute>,
}

impl Cursor {
    /// How far it may be persisted. It never goes back.
    fn safe(self, unconfirmed: Option<EpochMinute>) -> Option<EpochMinute> {
        let now = self.now?;
        let safe = unconfirmed.map_or(now, |oldest| now.min(oldest.minus(1)));
        Some(self.persisted.map_or(safe, |persisted| persisted.max(safe)))
    }
}

fn pause_key(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Channel(channel) => layout::pause(channel.as_str()),
        PauseScope::JobType(job_type) => layout::pause(job_type.as_str()),
    }
}

impl Store {
    /// Tells the oldest minute of a job type that has unconfirmed work, if any: the persisted cursor stays before it. To be
    /// told before the cursor moves, with the window that is about to be dispatched. Costs nothing.
    pub fn set_unconfirmed(&self, job_type: &JobTypeId, oldest: Option<EpochMinute>) {
        let mut unconfirmed = self.unconfirmed.borrow_mut();
        match oldest {
            Some(oldest) => unconfirmed.insert(job_type.clone(), oldest),
            None => unconfirmed.remove(job_type),
        };
    }

    /// Persists every cursor as far as unconfirmed work allows: at a shutdown, after the queues have drained.
    ///
    /// # Errors
    /// When the disk refuses. What was not persisted is dispatched once more after a restart.
    pub fn persist_cursors(&self) -> Result<(), PortError> {
        let job_types: Vec<JobTypeId> = self.cursors.borrow().keys().cloned().collect();
        job_types.iter().try_for_each(|job_type| self.persist_cursor(job_type))
    }

    /// Stops dispatch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn pause(&self, scope: &PauseScope) -> Result<(), PortError> {
        self.control(&pause_key(scope), |_| Some(1))
            .map_err(|failure| failure.of(format!("pausing {scope:?}")))
    }

    /// Lets dispatch go on. What was missed meanwhile is made up once a job.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn resume(&self, scope: &PauseScope) -> Result<(), PortError> {
        self.control(&pause_key(scope), |_| None).map_err(|failure| failure.of(format!("resuming {scope:?}")))
    }

    /// Whether dispatch is stopped.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_paused(&self, scope: &PauseScope) -> Result<bool, PortError> {
        self.backing
            .read(|transaction| Ok(read(transaction, &pause_key(scope))?.is_some()))
            .map_err(|failure: Failure| failure.of(format!("reading the pause of {scope:?}")))
    }

    fn cursor(&self, job_type: &JobTypeId) -> Result<Cursor, Failure> {
        if let Some(cursor) = self.cursors.borrow().get(job_type) {
            return Ok(*cursor);
        }
        let persisted = self.backing.read(|transaction| read(transaction, &layout::cursor(job_type)))?;
        let persisted = persisted.map(|minute| EpochMinute::new(u32::try_from(minute).unwrap_or(u32::MAX)));
        let cursor = Cursor { now: persisted, persisted };
        self.cursors.borrow_mut().insert(job_type.clone(), cursor);
        Ok(cursor)
    }

    fn persist_cursor(&self, job_type: &JobTypeId) -> Result<(), PortError> {
        let what = || format!("persisting the cursor of `{job_type}`");
        let mut cursor = self.cursor(job_type).map_err(|failure| failure.of(what()))?;
        let unconfirmed = self.unconfirmed.borrow().get(job_type).copied();
        let Some(safe) = cursor.safe(unconfirmed).filter(|safe| cursor.persisted != Some(*safe)) else {
            return Ok(());
        };
        let counts = self
            .backing
            .write(|transaction| Ok((write_cursor(transaction, job_type, safe)?, Ending::Commit)))
            .map_err(|failure| failure.of(what()))?;
        self.count(counts);
        cursor.persisted = Some(safe);
        self.cursors.borrow_mut().insert(job_type.clone(), cursor);
        Ok(())
    }

    /// Makes of what stands under a key what shall stand there; commits only when that is something else.
    fn control(&self, key: &str, change: impl FnOnce(Option<u64>) -> Option<u64>) -> Result<(), Failure> {
        let ending = self.backing.write(|transaction| {
            let mut table = transaction.open_table(layout::CONTROL)?;
            let found = table.get(key)?.map(|value| value.value());
            let wanted = change(found);
            if found == wanted {
                return Ok((Ending::Abort, Ending::Abort));
            }
            match wanted {
                Some(value) => table.insert(key, value)?,
                None => table.remove(key)?,
            };
            Ok((Ending::Commit, Ending::Commit))
        })?;
        let writes = u64::from(ending == Ending::Commit);
        self.count(StoreStats { control_writes: writes, commits: writes, ..StoreStats::default() });
        Ok(())
    }
}

fn read(transaction: &ReadTransaction, key: &str) -> Result<Option<u64>, Failure> {
    Ok(transaction.open_table(layout::CONTROL)?.get(key)?.map(|value| value.value()))
}

/// Writes a cursor, and purges the wake-ups far behind it in the same transaction.
fn write_cursor(
    transaction: &WriteTransaction,
    job_type: &JobTypeId,
    to: EpochMinute,
) -> Result<StoreStats, Failure> {
    transaction.open_table(layout::CONTROL)?.insert(&*layout::cursor(job_type), u64::from(to.get()))?;
    let (start, end) = layout::wakes_before(job_type, to.minus(WAKE_MARGIN_MINUTES));
    let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
    let mut purged = 0;
    transaction.open_table(layout::WAKES)?.retain_in::<&[u8], _>(bounds, |_, _| {
        purged += 1;
        false
    })?;
    Ok(StoreStats { cursor_writes: 1, wakes_purged: purged, commits: 1, ..StoreStats::default() })
}

impl ControlStore for Store {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        let channel = job_type.channel();
        let scopes = [Scope::Application, Scope::Endpoint].map(|scope| ThrottleScope::of(job_type, &scope));
        let read_all = || {
            let cursor = self.cursor(job_type)?.now;
            self.backing.read(|transaction| {
                let paused = read(transaction, &layout::pause(job_type.as_str()))?.is_some()
                    || read(transaction, &layout::pause(channel))?.is_some();
                let mut throttled_until = None;
                for scope in scopes.iter().flatten() {
                    let until = read(transaction, &layout::throttle(scope))?;
                    throttled_until = throttled_until.max(until.map(Timestamp::from_millis));
                }
                Ok(Gate { cursor, paused, throttled_until })
            })
        };
        read_all().map_err(|failure: Failure| failure.of(format!("reading the gate of `{job_type}`")))
    }

    /// Moves the cursor that ticks see, and persists what is safe of it. After an error the cursor has moved, but is not
    /// persisted: had it stayed, every tick to come would dispatch the same window again.
    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let mut cursor = self
            .cursor(job_type)
            .map_err(|failure| failure.of(format!("reading the cursor of `{job_type}`")))?;
        if cursor.now != from {
            return Ok(false);
        }
        cursor.now = Some(to);
        self.cursors.borrow_mut().insert(job_type.clone(), cursor);
        self.persist_cursor(job_type)?;
        Ok(true)
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        self.control(&layout::throttle(scope), |found| found.max(Some(until.millis())))
            .map_err(|failure| failure.of(format!("throttling `{scope}`")))
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        let until = |transaction: &ReadTransaction, scope: &ThrottleScope| {
            Ok(read(transaction, &layout::throttle(scope))?.map(Timestamp::from_millis))
        };
        self.backing
            .read(|transaction| scopes.iter().map(|scope| until(transaction, scope)).collect())
            .map_err(|failure: Failure| failure.of("reading throttles".to_owned()))
    }
    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        self.reserve_units(slot, units, most)
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        self.read_paces(of)
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.write_pace(of, pace)
    }
}
