//! What the store has read and written: the base of "store writes a poll".

/// Counts since the store was opened.
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
    /// Rows read and decoded.
    pub rows_read: u64,
    /// Values that could not be decoded.
    pub unreadable: u64,
    /// Changes whose condition did not hold.
    pub conflicts: u64,
}
