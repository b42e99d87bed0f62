//! The faults that a simulation can be told to inject, by name: those that the scorecard marks for simulation.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// r01: a tick is delivered twice, 0 to 90 s apart.
    DoubleTicks,
    /// r02: 1, 5 or 120 ticks in a row are missing.
    MissingTicks,
    /// r03: the scheduler is killed between sending and moving its cursor, or anywhere else.
    SchedulerCrashes,
    /// r04: entries of a batch are refused, or are in neither list of the answer.
    PartialBatches,
    /// r05: a range of keys is throttled for a minute.
    ThrottledKeys,
    /// r06: a write takes effect, and its answer is lost.
    LostAnswers,
    /// r07: finished polls are delivered twice.
    DoubleCompletions,
    /// r08: up to 30 % of messages are delivered twice.
    Duplicates,
    /// r08: messages are late by up to 15 minutes, and so overtaken by others.
    LateMessages,
    /// r09: a worker is killed before its call, after it, after publishing, or after its outcome was sent.
    WorkerCrashes,
    /// r10: a queue is purged.
    Purges,
    /// r10: a message is lost.
    LostMessages,
    /// r11: a queue's mapping is off for hours.
    MappingsOff,
    /// r12: polls that panic or hang, messages that nobody can read.
    Poison,
    /// r15: the bus refuses events, or answers in part.
    BusFailures,
    /// r16: absurd resets of rate limits.
    Resets,
    /// r17: one limit that all workers share.
    ApplicationLimit,
    /// r18: clocks that are half a minute off, and steps of ten minutes.
    ClockSkew,
    /// r19: many pages and many holds in a row.
    LongChains,
    /// r20: credentials that cannot be read for a time.
    Denied,
    /// r29: one channel has a crowd of jobs due in one minute.
    Crowding,
    /// r30: messages of another version, written while two versions are deployed.
    TwoVersions,
    /// The third party fails: errors, time-outs, broken connections.
    UpstreamErrors,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::DoubleTicks,
        Self::MissingTicks,
        Self::SchedulerCrashes,
        Self::PartialBatches,
        Self::ThrottledKeys,
        Self::LostAnswers,
        Self::DoubleCompletions,
        Self::Duplicates,
        Self::LateMessages,
        Self::WorkerCrashes,
        Self::Purges,
        Self::LostMessages,
        Self::MappingsOff,
        Self::Poison,
        Self::BusFailures,
        Self::Resets,
        Self::ApplicationLimit,
        Self::ClockSkew,
        Self::LongChains,
        Self::Denied,
        Self::Crowding,
        Self::TwoVersions,
        Self::UpstreamErrors,
    ];

    /// Its name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DoubleTicks => "double-ticks",
            Self::MissingTicks => "missing-ticks",
            Self::SchedulerCrashes => "scheduler-crashes",
            Self::PartialBatches => "partial-batches",
            Self::ThrottledKeys => "throttled-keys",
            Self::LostAnswers => "lost-answers",
            Self::DoubleCompletions => "double-completions",
            Self::Duplicates => "duplicates",
            Self::LateMessages => "late-messages",
            Self::WorkerCrashes => "worker-crashes",
            Self::Purges => "purges",
            Self::LostMessages => "lost-messages",
            Self::MappingsOff => "mappings-off",
            Self::Poison => "poison",
            Self::BusFailures => "bus-failures",
            Self::Resets => "resets",
            Self::ApplicationLimit => "application-limit",
            Self::ClockSkew => "clock-skew",
            Self::LongChains => "long-chains",
            Self::Denied => "denied",
            Self::Crowding => "crowding",
            Self::TwoVersions => "two-versions",
            Self::UpstreamErrors => "upstream-errors",
        }
    }

    /// The scorecard's case; none for what happens every day.
    #[must_use]
    pub const fn case(self) -> Option<&'static str> {
        Some(match self {
            Self::DoubleTicks => "r01",
            Self::MissingTicks => "r02",
            Self::SchedulerCrashes => "r03",
            Self::PartialBatches => "r04",
            Self::ThrottledKeys => "r05",
            Self::LostAnswers => "r06",
            Self::DoubleCompletions => "r07",
            Self::Duplicates | Self::LateMessages => "r08",
            Self::WorkerCrashes => "r09",
            Self::Purges | Self::LostMessages => "r10",
            Self::MappingsOff => "r11",
            Self::Poison => "r12",
            Self::BusFailures => "r15",
            Self::Resets => "r16",
            Self::ApplicationLimit => "r17",
            Self::ClockSkew => "r18",
            Self::LongChains => "r19",
            Self::Denied => "r20",
            Self::Crowding => "r29",
            Self::TwoVersions => "r30",
            Self::UpstreamErrors => return None,
        })
    }
}

/// Which kinds of faults a run has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultSet(BTreeSet<FaultKind>);

/// A name that no fault has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no fault: write `all`, `none`, or some of {known}, or their cases such as `r08`, with commas"
)]
pub struct UnknownFault {
    name: String,
    known: String,
}

impl FaultSet {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every kind.
    #[must_use]
    pub fn all() -> Self {
        Self::of(&FaultKind::ALL)
    }

    /// Some kinds.
    #[must_use]
    pub fn of(kinds: &[FaultKind]) -> Self {
        Self(kinds.iter().copied().collect())
    }

    /// Whether a kind is among them.
    #[must_use]
    pub fn has(&self, kind: FaultKind) -> bool {
        self.0.contains(&kind)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no other kinds than these are among them.
    #[must_use]
    pub fn only(&self, kinds: &[FaultKind]) -> bool {
        self.0.iter().all(|kind| kinds.contains(kind))
    }

    /// The kinds.
    pub fn iter(&self) -> impl Iterator<Item = FaultKind> {
        self.0.iter().copied()
    }
}

impl FromStr for FaultSet {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self::none()),
            _ => {}
        }
        let mut kinds = BTreeSet::new();
        for name in text.split(',').map(str::trim) {
            let named =
                FaultKind::ALL.into_iter().filter(|kind| kind.name() == name || kind.case() == Some(name));
            let before = kinds.len();
            kinds.extend(named);
            if kinds.len() == before && !kinds.iter().any(|kind: &FaultKind| kind.name() == name) {
                let known = FaultKind::ALL.map(|kind| format!("`{}`", kind.name())).join(", ");
                return Err(UnknownFault { name: name.to_owned(), known });
            }
        }
        Ok(Self(kinds))
    }
}

impl fmt::Display for FaultSet {
    /// As the command line takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        if self.0.len() == FaultKind::ALL.len() {
            return f.write_str("all");
        }
        let names: Vec<&str> = self.0.iter().map(|kind| kind.name()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_as_it_is_written() {
        for text in ["all", "none", "double-ticks,missing-ticks", "purges"] {
            assert_eq!(text.parse::<FaultSet>().unwrap().to_string(), text);
        }
        let both = "r08".parse::<FaultSet>().unwrap();
        assert_eq!(both, FaultSet::of(&[FaultKind::Duplicates, FaultKind::LateMessages]));
        assert!("r99".parse::<FaultSet>().unwrap_err().to_string().contains("`r99` is no fault"));
        assert!("".parse::<FaultSet>().is_err());
    }
}
