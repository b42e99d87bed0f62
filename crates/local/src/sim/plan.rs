//! Which faults a run has, and when: drawn from the seed before it begins.
//!
//! Faults of single operations are rates ([`Rates`]); those of a time are spans of minutes, all of them over when the
//! first phase ends.

use std::time::Duration;

use pollwheel_core::hash::{below, mix};
use pollwheel_core::outcome::{Outcome, Scope};
use pollwheel_core::time::EpochMinute;

use super::kind::{FaultKind, FaultSet};
use super::scenario::Outage;
use crate::faults::Rates;

/// One account in so many is poison, where there is poison.
const POISON_EVERY: u32 = 37;
/// Longest stretch of missing ticks, in minutes.
const MISSING_MINUTES: [u32; 3] = [1, 5, 120];
/// Hours that a mapping is off, in minutes.
const OFF_MINUTES: u32 = 5 * 60;
/// Widest skew of a function's clock, in milliseconds.
const SKEW_MILLIS: u32 = 30_000;
/// Minutes for which a function's clock keeps its skew.
const SKEW_MINUTES: u32 = 7;
/// A step of a clock, in milliseconds.
const STEP_MILLIS: i64 = 600_000;
/// Resets and waits that a hostile or broken server may ask for, in seconds.
const ABSURD_SECONDS: [u64; 6] = [0, 1, 9_999_999_999, u64::MAX, 1_000_000_000, 60];

/// Minutes from one on, so many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    from: EpochMinute,
    minutes: u32,
}

impl Span {
    pub(super) fn has(self, minute: EpochMinute) -> bool {
        minute >= self.from && minute < self.end()
    }

    pub(super) const fn end(self) -> EpochMinute {
        self.from.plus(self.minutes)
    }
}

/// What a call of the third party comes to instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Status(u16),
    RetryAfter(u64),
    Timeout,
    Broken,
    Gone,
    Unreadable,
    Reset(Option<u64>),
}

impl Trouble {
    /// What a poll comes to that runs into it.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Status(status) => Outcome::ServerError { status, retry_after_seconds: None },
            Self::RetryAfter(seconds) => {
                Outcome::ServerError { status: 503, retry_after_seconds: Some(seconds) }
            }
            Self::Timeout => Outcome::Timeout,
            Self::Broken => Outcome::Network { reason: "reset".to_owned() },
            Self::Gone => Outcome::Gone,
            Self::Unreadable => Outcome::BadResponse { reason: "an error page".to_owned() },
            Self::Reset(reset_seconds) => Outcome::RateLimited { scope: Scope::Account, reset_seconds },
        }
    }
}

/// What a poll does to its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poison {
    Panics,
    Hangs,
}

/// What a purge empties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purged {
    Jobs,
    Completed,
}

/// The faults of a run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    seed: u64,
    faults: FaultSet,
    start: EpochMinute,
    /// The first minute without faults.
    pub(super) calm_from: EpochMinute,
    /// Faults of single operations.
    pub(super) rates: Rates,
    missing: Vec<Span>,
    off: Vec<Span>,
    denied: Vec<Span>,
    stepped: Vec<Span>,
    versions: Vec<Span>,
    outage: Option<Span>,
}

impl Plan {
    /// The plan of a run of `minutes`, of which the faults have the first `faulty`.
    pub(super) fn draw(
        seed: u64,
        faults: &FaultSet,
        start: EpochMinute,
        faulty: u32,
        outage: Option<Outage>,
    ) -> Self {
        let mut plan = Self {
            seed: mix(seed, 0x91A7),
            faults: faults.clone(),
            start,
            calm_from: start.plus(faulty),
            rates: rates(seed, faults),
            missing: Vec::new(),
            off: Vec::new(),
            denied: Vec::new(),
            stepped: Vec::new(),
            versions: Vec::new(),
            outage: outage.map(|outage| Span {
                from: start.plus(outage.from_minute.min(faulty)),
                minutes: outage.minutes.min(faulty.saturating_sub(outage.from_minute)),
            }),
        };
        if faults.has(FaultKind::MissingTicks) {
            plan.missing =
                (0..).zip(MISSING_MINUTES).map(|(number, minutes)| plan.span(number, minutes)).collect();
        }
        if faults.has(FaultKind::MappingsOff) {
            plan.off = vec![plan.span(10, OFF_MINUTES)];
        }
        if faults.has(FaultKind::Denied) {
            plan.denied = vec![plan.span(20, 20), plan.span(21, 5)];
        }
        if faults.has(FaultKind::ClockSkew) {
            plan.stepped = vec![plan.span(30, 30), plan.span(31, 5)];
        }
        if faults.has(FaultKind::TwoVersions) {
            plan.versions = vec![plan.span(40, 120)];
        }
        plan
    }

    /// A span somewhere in the first phase, at most a third of it.
    fn span(&self, number: u64, minutes: u32) -> Span {
        let faulty = self.calm_from.since(self.start);
        let minutes = minutes.min(faulty / 3);
        let from = below(mix(self.seed, number), faulty.saturating_sub(minutes).max(1));
        Span { from: self.start.plus(from), minutes }
    }

    /// Whether an event of this kind happens in a minute: `per_thousand` of the minutes of the first phase.
    fn happens(&self, kind: FaultKind, minute: EpochMinute, per_thousand: u32) -> bool {
        self.faults.has(kind)
            && minute < self.calm_from
            && below(mix(mix(self.seed, kind as u64 + 100), u64::from(minute.get())), 1000) < per_thousand
    }

    /// When a minute's tick arrives.
    pub(super) fn ticks(&self, minute: EpochMinute) -> Vec<Duration> {
        let is_missing = self.missing.iter().chain(&self.outage).any(|span| span.has(minute));
        if is_missing {
            return vec![];
        }
        let mut arrivals = vec![Duration::ZERO];
        if self.happens(FaultKind::DoubleTicks, minute, 150) {
            let millis = below(mix(self.seed, u64::from(minute.get())), 90_001);
            arrivals.push(Duration::from_millis(u64::from(millis)));
        }
        arrivals
    }

    /// Whether a message that was accepted may be lost.
    pub(super) fn loses_messages(&self) -> bool {
        self.faults.has(FaultKind::LostMessages)
    }

    /// Until when the mapping of the job queues is off, if it is.
    pub(super) fn off_until(&self, minute: EpochMinute) -> Option<EpochMinute> {
        self.off.iter().find(|span| span.has(minute)).map(|span| span.end())
    }

    /// Whether credentials cannot be read.
    pub(super) fn is_denied(&self, minute: EpochMinute) -> bool {
        self.denied.iter().any(|span| span.has(minute))
    }

    /// Whether two versions are deployed.
    pub(super) fn has_two_versions(&self, minute: EpochMinute) -> bool {
        self.versions.iter().any(|span| span.has(minute))
    }

    /// The key range that is throttled, if one is.
    pub(super) fn throttled(&self, minute: EpochMinute) -> Option<u64> {
        self.happens(FaultKind::ThrottledKeys, minute, 100).then(|| mix(self.seed, u64::from(minute.get())))
    }

    /// What is purged at the start of a minute.
    pub(super) fn purge(&self, minute: EpochMinute) -> Option<Purged> {
        self.happens(FaultKind::Purges, minute, 4)
            .then(|| if minute.get().is_multiple_of(2) { Purged::Jobs } else { Purged::Completed })
    }

    /// Whether a crowd of jobs is woken in a minute.
    pub(super) fn crowds(&self, minute: EpochMinute) -> bool {
        let at = self.span(50, 1);
        self.faults.has(FaultKind::Crowding) && at.from == minute
    }

    /// Whether somebody puts messages into the job queues that nobody can read.
    pub(super) fn litters(&self, minute: EpochMinute) -> bool {
        self.happens(FaultKind::Poison, minute, 2)
    }

    /// How far the clock of a function, by its number, is ahead, in milliseconds.
    pub(super) fn ahead_millis(&self, function: u64, minute: EpochMinute) -> i64 {
        if !self.faults.has(FaultKind::ClockSkew) || minute >= self.calm_from {
            return 0;
        }
        let draw = mix(mix(self.seed, function + 200), u64::from(minute.get() / SKEW_MINUTES));
        let skew = i64::from(below(draw, 2 * SKEW_MILLIS + 1)) - i64::from(SKEW_MILLIS);
        let step = if self.stepped.iter().any(|span| span.has(minute)) { STEP_MILLIS } else { 0 };
        if draw.is_multiple_of(2) { skew + step } else { skew - step }
    }

    /// What an account's polls do to their workers.
    pub(super) fn poison(&self, account: u32, minute: EpochMinute) -> Option<Poison> {
        if !self.faults.has(FaultKind::Poison) || minute >= self.calm_from {
            return None;
        }
        let draw = below(mix(self.seed ^ 0x9015, u64::from(account)), POISON_EVERY);
        match draw {
            5 => Some(Poison::Panics),
            6 => Some(Poison::Hangs),
            _ => None,
        }
    }

    /// What a call comes to instead of an answer.
    pub(super) fn trouble(
        &self,
        account: u32,
        minute: EpochMinute,
        draw: &mut dyn FnMut(u32) -> u32,
    ) -> Option<Trouble> {
        if self.outage.is_some_and(|span| span.has(minute)) {
            return Some(Trouble::Status(503));
        }
        if minute >= self.calm_from {
            return None;
        }
        if self.faults.has(FaultKind::Resets) && draw(100) < 2 {
            let absurd = draw(u32::try_from(ABSURD_SECONDS.len() + 1).unwrap_or(1));
            return Some(Trouble::Reset(ABSURD_SECONDS.get(absurd as usize).copied()));
        }
        if self.faults.has(FaultKind::LongChains) && account % 10 == 2 && draw(3) == 0 {
            return Some(Trouble::Reset(Some(180)));
        }
        if !self.faults.has(FaultKind::UpstreamErrors) {
            return None;
        }
        match draw(100) {
            0 | 1 => Some(Trouble::Status(503)),
            2 => Some(Trouble::RetryAfter(90)),
            3 => Some(Trouble::Timeout),
            4 => Some(Trouble::Broken),
            5 => Some(Trouble::Gone),
            6 => Some(Trouble::Unreadable),
            _ => None,
        }
    }
}

/// Rates of the kinds that a run has: each from rare to often.
fn rates(seed: u64, faults: &FaultSet) -> Rates {
    let draw = |kind: FaultKind, number: u64, least: u32, most: u32| {
        if faults.has(kind) { least + below(mix(mix(seed, 0x4A7E), number), most - least + 1) } else { 0 }
    };
    Rates {
        fails: draw(FaultKind::ThrottledKeys, 1, 1, 30),
        answer_lost: draw(FaultKind::LostAnswers, 2, 5, 50),
        killed: 0,
        scheduler_killed: draw(FaultKind::SchedulerCrashes, 3, 20, 200),
        worker_killed: draw(FaultKind::WorkerCrashes, 4, 10, 100),
        completion_killed: draw(FaultKind::LostAnswers, 14, 5, 50),
        entry_refused: draw(FaultKind::PartialBatches, 5, 10, 100),
        entry_missing: draw(FaultKind::PartialBatches, 6, 5, 50),
        doubled: draw(FaultKind::Duplicates, 7, 50, 300),
        completion_doubled: draw(FaultKind::DoubleCompletions, 8, 50, 300),
        lost: draw(FaultKind::LostMessages, 9, 1, 30),
        late: draw(FaultKind::LateMessages, 10, 20, 200),
        panics: draw(FaultKind::Poison, 11, 1, 10),
        event_refused: draw(FaultKind::BusFailures, 12, 10, 100),
        event_missing: draw(FaultKind::BusFailures, 13, 5, 50),
    }
}
