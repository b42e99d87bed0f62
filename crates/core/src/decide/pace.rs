//! Which cadence a job goes on with: what its activity is worth ([`crate::activity`]), within its level's or its own range,
//! and not faster than the server asks.

use serde::{Deserialize, Serialize};

use crate::activity::{Activity, Asked, Middle, Rate};
use crate::cadence::{Cadence, CadenceRange};
use crate::decide::{Finished, Terms};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::row::{HoldCause, JobRow};
use crate::time::EpochMinute;
use crate::wheel::Cohort;

/// Seconds that one poll may run later in its minute than the next without breaking a floor. A floor within this of the
/// cadence needs the next slower cadence.
const LATENESS_SLACK_SECONDS: u32 = 10;
/// Items of a burst beyond what was to be expected are so many times that.
const BURST_OF_EXPECTED: u32 = 3;
/// A job stays at its fastest for so many minutes after a burst, and for as many turns as below.
const BURST_MINUTES: u32 = 10;
const BURST_TURNS: u32 = 2;

/// What kept a job from the cadence that its activity is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clamp {
    /// The range of its service level.
    Level,
    /// The range of its own.
    Account,
    /// The level's maximum staleness.
    Staleness,
    /// What the server asks to leave between two polls.
    Floor,
    /// A burst: it goes as fast as it may for a while, whatever the polls after it bring.
    Burst,
}

/// The chosen pace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The cadence to go on with.
    pub(super) cadence: Cadence,
    /// What activity alone asks for, within the range.
    pub(super) activity: Cadence,
    /// The estimate to keep, when the poll brought something.
    pub(super) estimate: Option<Activity>,
    /// The rate that it comes to now.
    pub(super) rate: Rate,
    /// What the rate is worth, before it is rounded and kept within the range.
    pub(super) asked: Asked,
    /// What kept the job from that.
    pub(super) clamp: Option<Clamp>,
    /// Whether the poll brought a burst: the next one is owed at once.
    pub(super) is_burst: bool,
    /// When the activity's cadence was decided: while a burst lasts, when it came.
    pub(super) at: EpochMinute,
    /// The server's floor, capped by the level's maximum staleness.
    pub(super) floor_seconds: Option<u32>,
}

pub(super) fn choose(
    now: EpochMinute,
    row: &JobRow,
    cohort: Cohort,
    poll: &Finished<'_>,
    policy: &Policy,
) -> Pace {
    let range = row.range.unwrap_or(policy.range);
    let middle = Middle::of(range);
    let quiet = poll.polled_at.minute().since(row.last_active);
    let before = row.activity.unwrap_or_default();
    let expected = before.rate(quiet, middle).in_turn_thousandths(cohort.cadence);
    let beyond = (expected.saturating_mul(BURST_OF_EXPECTED).saturating_add(500)) / 1000;
    let usual_most = policy.burst_items.saturating_add(beyond);
    let estimate = match poll.outcome {
        // A burst is one occasion: it counts for no more than the least that is one.
        Outcome::New { items, .. } => Some(before.after(quiet, (*items).min(usual_most))),
        Outcome::Unchanged { .. }
        | Outcome::Seeded { .. }
        | Outcome::RateLimited { .. }
        | Outcome::Unauthorized
        | Outcome::Gone
        | Outcome::ServerError { .. }
        | Outcome::Timeout
        | Outcome::Network { .. }
        | Outcome::BadResponse { .. }
        | Outcome::BusRefused { .. }
        | Outcome::Crashed
        | Outcome::Unavailable { .. }
        | Outcome::Deferred { .. } => None,
    };
    let rate = estimate.map_or_else(|| before.rate(quiet, middle), |estimate| estimate.rate(0, middle));
    let asked = rate.asks_for(poll.price, middle);
    let is_burst = is_burst(poll.outcome, usual_most);
    let current = row.terms.map_or(cohort.cadence, |terms| terms.activity);
    let bounds = Bounds::of(row, range, policy);
    let burst = burst_of(row, poll, bounds.fastest);
    let (activity, clamp, at) = if is_burst {
        (bounds.fastest, Some(Clamp::Burst), now)
    } else if !is_observed(poll.outcome) {
        (bounds.clamp(current), bounds.clamped(asked), now)
    } else if let Some(burst) = burst {
        (bounds.clamp(current), Some(Clamp::Burst), burst)
    } else {
        (bounds.clamp(asked.from(bounds.clamp(current))), bounds.clamped(asked), now)
    };
    let floor_seconds = poll.hints.floor_seconds.map(|seconds| cap(seconds, policy.max_staleness_minutes));
    let cadence = slowed(row, cohort, activity, floor_seconds, poll);
    let clamp = if cadence > activity { Some(Clamp::Floor) } else { clamp };
    Pace { cadence, activity, estimate, rate, asked, clamp, is_burst, at, floor_seconds }
}

/// Whether the poll brought so much that the job goes to its fastest at once.
fn is_burst(outcome: &Outcome, usual_most: u32) -> bool {
    matches!(outcome, Outcome::New { items, more, .. } if *more || *items >= usual_most)
}

/// Whether the poll tells anything about the source's activity.
const fn is_observed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unchanged { .. } | Outcome::New { .. })
}

/// When the burst came that is not over yet: what a poll right after it brings, silence or a few items, does not slow a job
/// down.
fn burst_of(row: &JobRow, poll: &Finished<'_>, fastest: Cadence) -> Option<EpochMinute> {
    let lasts = BURST_MINUTES.max(u32::from(fastest.minutes()) * BURST_TURNS);
    let is_lasting =
        |terms: &Terms| terms.clamp == Some(Clamp::Burst) && poll.polled_at.minute().since(terms.at) < lasts;
    row.terms.filter(is_lasting).map(|terms| terms.at)
}

/// The cadences that activity may choose from.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    fastest: Cadence,
    slowest: Cadence,
    /// What the slow end comes from, and the fast end.
    ends: (Clamp, Clamp),
}

impl Bounds {
    fn of(row: &JobRow, range: CadenceRange, policy: &Policy) -> Self {
        let whose = if row.range.is_some() { Clamp::Account } else { Clamp::Level };
        let freshest = Cadence::at_most(policy.max_staleness_minutes);
        if freshest < range.slowest() {
            let slowest = freshest.max(range.fastest());
            Self { fastest: range.fastest(), slowest, ends: (Clamp::Staleness, whose) }
        } else {
            Self { fastest: range.fastest(), slowest: range.slowest(), ends: (whose, whose) }
        }
    }

    fn clamp(self, cadence: Cadence) -> Cadence {
        cadence.max(self.fastest).min(self.slowest)
    }

    fn clamped(self, asked: Asked) -> Option<Clamp> {
        let (slow, fast) = self.ends;
        let nearest = asked.nearest();
        if nearest > self.slowest {
            Some(slow)
        } else if nearest < self.fastest {
            Some(fast)
        } else {
            None
        }
    }
}

fn cap(seconds: u64, minutes: u32) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX).min(minutes.saturating_mul(60))
}

/// A floor above the cadence is a hold the first time. When it comes again right after such a hold it is how the server
/// is, and the job moves to a cadence that keeps it without a write at every poll.
fn slowed(
    row: &JobRow,
    cohort: Cohort,
    activity: Cadence,
    floor_seconds: Option<u32>,
    poll: &Finished<'_>,
) -> Cadence {
    if !matches!(poll.outcome, Outcome::Unchanged { .. } | Outcome::Seeded { .. } | Outcome::New { .. }) {
        return cohort.cadence;
    }
    let needed = floor_seconds.map_or(Cadence::FASTEST, |seconds| {
        Cadence::at_least((seconds.saturating_add(LATENESS_SLACK_SECONDS)).div_ceil(60))
    });
    let recent = u32::from(cohort.cadence.minutes()) * 2;
    let was_held_for_hint =
        row.hold.is_some_and(|hold| hold.cause == HoldCause::Hint && poll.due.since(hold.until) <= recent);
    if needed <= activity || was_held_for_hint || cohort.cadence >= needed {
        activity.max(needed)
    } else {
        activity
    }
}
