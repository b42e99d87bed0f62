//! Where the due minutes of a job type went: each one of a job is counted once.
//!
//! A job is due in every minute of its cohort, and in the minute of a wake-up. What a pass reads is accounted for in that
//! unit, the due minute of a job: `due = dispatched + caught_up + held + over_budget + stretched + left +
//! refused`. What no pass has read yet is late, and told by [`behind_minutes`](super::JobTypeTick::behind_minutes) of the job type. A pass that failed
//! and is repeated counts again.

use std::ops::AddAssign;

use crate::message::Part;

/// Counts of what was drained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Partitions drained to their end.
    pub partitions: u64,
    /// Due minutes of jobs: a job that was due three times in a window counts three times.
    pub due: u64,
    /// Of these, those of wake-ups.
    pub woken: u64,
    /// Copies sent: each answers for the last due minute of its job.
    pub dispatched: u64,
    /// Earlier due minutes that these copies make up for.
    pub caught_up: u64,
    /// Due minutes skipped because the job is on hold.
    pub held: u64,
    /// Due minutes that did not fit a limit that the job shares: woken soon, or left to the next turn.
    pub over_budget: u64,
    /// Due minutes left to a later turn, because for long more is due than fits.
    pub stretched: u64,
    /// Due minutes of a late window that are left to the job's next turn, because that is nearer than the catch-up; and those
    /// whose turn is so far away that the job is woken in it, which is counted then as a due minute of its own.
    pub left: u64,
    /// Due minutes of jobs that a queue did not take, or whose rows could not be read, when others of their page were sent:
    /// woken in the next minute, or left to a turn that comes by then.
    pub refused: u64,
    /// Copies sent in a later minute than the first that they answer for.
    pub late: u64,
    /// Minutes by which these were late, added up.
    pub late_minutes: u64,
    /// Minutes by which the latest of them was late.
    pub latest_minutes: u32,
    /// Wake-ups left to the job's own cohort, or to another wake-up, due in the same window. Not counted as due.
    pub covered_wakes: u64,
    /// Wake-ups of jobs that are parked or gone. Not counted as due.
    pub stale_wakes: u64,
    /// Rows that could not be read. They stay where they are.
    pub unreadable: u64,
    /// Partitions that were not drained to their end, to be drained again: out of time, or failed.
    pub undrained: u64,
    /// Of these, those that the store or the queue failed.
    pub failed: u64,
}

impl DrainReport {
    /// Due minutes that were left out for a reason.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.held + self.over_budget + self.stretched + self.left + self.refused
    }

    /// Due minutes that were read and neither answered for nor skipped for a reason: none, or it is a mistake.
    #[must_use]
    pub const fn unaccounted(&self) -> u64 {
        self.due.abs_diff(self.dispatched + self.caught_up + self.skipped())
    }

    /// Counts copies that are sent in a minute so many after the first due minute that each answers for.
    pub(super) fn sent(&mut self, copies: u64, missed: u32, late_minutes: u32) {
        self.dispatched += copies;
        self.caught_up += copies * u64::from(missed);
        if copies > 0 && late_minutes > 0 {
            self.late += copies;
            self.late_minutes += copies * u64::from(late_minutes);
            self.latest_minutes = self.latest_minutes.max(late_minutes);
        }
    }

    /// Takes back jobs that were counted as due: whoever reads them again counts them.
    pub(super) fn uncount(&mut self, jobs: usize, part: &Part) {
        self.due -= jobs as u64 * part.due_minutes();
        if let Part::Wakes { .. } = part {
            self.woken -= jobs as u64;
        }
    }

    /// Nothing of what was read is done with: the next tick reads it again, and counts it then.
    pub(super) fn forget_due(&mut self) {
        *self = Self {
            unreadable: self.unreadable,
            undrained: self.undrained,
            failed: self.failed,
            ..Self::default()
        };
    }
}

impl AddAssign for DrainReport {
    fn add_assign(&mut self, other: Self) {
        self.partitions += other.partitions;
        self.due += other.due;
        self.woken += other.woken;
        self.dispatched += other.dispatched;
        self.caught_up += other.caught_up;
        self.held += other.held;
        self.over_budget += other.over_budget;
        self.stretched += other.stretched;
        self.left += other.left;
        self.refused += other.refused;
        self.late += other.late;
        self.late_minutes += other.late_minutes;
        self.latest_minutes = self.latest_minutes.max(other.latest_minutes);
        self.covered_wakes += other.covered_wakes;
        self.stale_wakes += other.stale_wakes;
        self.unreadable += other.unreadable;
        self.undrained += other.undrained;
        self.failed += other.failed;
    }
}
