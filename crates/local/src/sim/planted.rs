//! Bugs planted on purpose, to see whether the checker finds them: the ones that the scorecard marks with a star.
//!
//! None of them is in code that anything but a simulation runs: each is a port of a simulation that lies, between the
//! passes and what the checker watches.

use std::str::FromStr;

use super::kind::{FaultKind, FaultSet};

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Planted {
    /// r01: a repeated tick does not see that its minute is done.
    RepeatedTickDispatches,
    /// r02: a tick sends its own minute and forgets the ones that were missed.
    MissedMinutesForgotten,
    /// r04: entries that the queue refused count as sent.
    RefusedEntriesCountAsSent,
    /// r06: a move to another cadence writes the new row and leaves the old one when its answer is lost.
    MoveLeavesARowBehind,
    /// r08: writes ignore the revision that they were made for.
    UnfencedWrites,
    /// r09: the bus says that it took events which it drops: the context advances past them.
    EventsDropped,
    /// r09: a second publication of an event has another id.
    EventIdsVary,
    /// r10: dispatching takes the row away, as the classic design does.
    DispatchTakesTheRow,
    /// r13: records whose poll was not finished are confirmed.
    UnfinishedRecordsConfirmed,
    /// r19: a dead letter goes back to its job queue.
    DeadLettersSentBack,
}

/// A name that no planted bug has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no planted bug: write one of {known}")]
pub struct UnknownBug {
    name: String,
    known: String,
}

impl Planted {
    /// Every planted bug.
    pub const ALL: [Self; 10] = [
        Self::RepeatedTickDispatches,
        Self::MissedMinutesForgotten,
        Self::RefusedEntriesCountAsSent,
        Self::MoveLeavesARowBehind,
        Self::UnfencedWrites,
        Self::EventsDropped,
        Self::EventIdsVary,
        Self::DispatchTakesTheRow,
        Self::UnfinishedRecordsConfirmed,
        Self::DeadLettersSentBack,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepeatedTickDispatches => "repeated-tick-dispatches",
            Self::MissedMinutesForgotten => "missed-minutes-forgotten",
            Self::RefusedEntriesCountAsSent => "refused-entries-count-as-sent",
            Self::MoveLeavesARowBehind => "move-leaves-a-row-behind",
            Self::UnfencedWrites => "unfenced-writes",
            Self::EventsDropped => "events-dropped",
            Self::EventIdsVary => "event-ids-vary",
            Self::DispatchTakesTheRow => "dispatch-takes-the-row",
            Self::UnfinishedRecordsConfirmed => "unfinished-records-confirmed",
            Self::DeadLettersSentBack => "dead-letters-sent-back",
        }
    }

    /// The faults under which the bug shows.
    #[must_use]
    pub fn shows_under(self) -> FaultSet {
        let kinds: &[FaultKind] = match self {
            Self::RepeatedTickDispatches => &[FaultKind::DoubleTicks],
            Self::MissedMinutesForgotten => &[FaultKind::MissingTicks],
            Self::RefusedEntriesCountAsSent => &[FaultKind::PartialBatches],
            Self::MoveLeavesARowBehind => &[FaultKind::LostAnswers, FaultKind::LongChains],
            Self::UnfencedWrites => &[FaultKind::Duplicates, FaultKind::LateMessages],
            Self::EventsDropped | Self::DispatchTakesTheRow => &[],
            Self::EventIdsVary => &[FaultKind::WorkerCrashes],
            Self::UnfinishedRecordsConfirmed | Self::DeadLettersSentBack => &[FaultKind::Poison],
        };
        FaultSet::of(kinds)
    }
}

impl FromStr for Planted {
    type Err = UnknownBug;

    fn from_str(text: &str) -> Result<Self, UnknownBug> {
        Self::ALL.into_iter().find(|bug| bug.name() == text).ok_or_else(|| UnknownBug {
            name: text.to_owned(),
            known: Self::ALL.map(|bug| format!("`{}`", bug.name())).join(", "),
        })
    }
}
