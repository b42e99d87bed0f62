//! What the store has read and written: the base of "store writes a poll".

/// Counts since the store was opened. What was not committed is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Rows inserted, updated, moved or removed. A move is one.
    pub row_writes: u64,
    /// Registrations inserted, moved or removed.
    pub registration_writes: u64,
    /// Wake-ups set. Setting one again is none.
    pub wake_writes: u64,
    /// Cursors persisted.
    pub cursor_writes: u64,
    /// Throttles and pauses set or lifted.
    pub control_writes: u64,
    /// Wake-ups purged behind a cursor.
    pub wakes_purged: u64,
    /// Durable commits.
    pub commits: u64,
    /// Rows read for a page, a place or a job.
    pub rows_read: u64,
    /// Values found that could not be decoded.
    pub unreadable: u64,
    /// Changes whose condition did not hold.
    pub conflicts: u64,
}

impl StoreStats {
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            row_writes: self.row_writes + more.row_writes,
            registration_writes: self.registration_writes + more.registration_writes,
            wake_writes: self.wake_writes + more.wake_writes,
            cursor_writes: self.cursor_writes + more.cursor_writes,
            control_writes: self.control_writes + more.control_writes,
            wakes_purged: self.wakes_purged + more.wakes_purged,
            commits: self.commits + more.commits,
            rows_read: self.rows_read + more.rows_read,
            unreadable: self.unreadable + more.unreadable,
            conflicts: self.conflicts + more.conflicts,
        }
    }

    /// Whether a transaction that counted this has something to commit.
    pub(super) fn wrote(&self) -> bool {
        let Self { row_writes, registration_writes, wake_writes, cursor_writes, control_writes, .. } = *self;
        row_writes + registration_writes + wake_writes + cursor_writes + control_writes + self.wakes_purged
            > 0
    }
}
