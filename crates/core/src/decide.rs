//! What the completion does about an outcome: one pure function.
//!
//! `decide` reads no clock and draws no random number: `now` is an argument and jitter comes from a seed. It never
//! shortens a wait that the server asked for, never exceeds the policy's caps, and never panics, whatever the outcome
//! carries. It does not write: `complete` applies what it returns.

mod hold;
mod pace;

#[cfg(test)]
mod pace_tests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::activity::Price;
use crate::cadence::Cadence;
use crate::message::Completed;
use crate::outcome::{Hints, Outcome};
use crate::policy::{JobTypeSpec, Policy};
use crate::row::{Hold, JobRow, ParkReason, Parked, Place};
use crate::throttle::ThrottleScope;
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::{self, Cohort};
use hold::Waits;
pub(crate) use hold::soonest_wake;
pub use pace::Clamp;
use pace::Pace;

/// A finished poll, as the completion sees it.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The due minute that the poll was dispatched for.
    pub due: EpochMinute,
    /// When the answer came. Waits that a server asked for count from here.
    pub polled_at: Timestamp,
    /// What it came to.
    pub outcome: &'a Outcome,
    /// What the response said about when to come back.
    pub hints: &'a Hints,
    /// What a poll cost when it was dispatched.
    pub price: Price,
}

impl<'a> Finished<'a> {
    /// From a message of the completed queue.
    #[must_use]
    pub const fn of(poll: &'a Completed) -> Self {
        let Completed { due, at, price, outcome, hints, row: _ } = poll;
        Self { due: *due, polled_at: *at, outcome, hints, price: *price }
    }
}

/// The terms of a decision, kept in the row, so that `pollwheel job explain` can say why the next poll is when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// When it was decided: while a burst lasts, when it came.
    pub at: EpochMinute,
    /// The cadence that the account's activity asks for, within its level's range.
    pub activity: Cadence,
    /// The rate of items that was estimated, in thousandths of an item in a day.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rate: u32,
    /// What a poll cost.
    #[serde(default, skip_serializing_if = "Price::is_usual")]
    pub price: Price,
    /// What the rate is worth at the price, in seconds, before it was rounded and kept within the range. 0 where it is not known:
    /// an older build decided.
    #[serde(default, rename = "asked", skip_serializing_if = "is_zero")]
    pub asked_seconds: u32,
    /// What kept the job from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<Clamp>,
    /// Seconds that the server asked to leave between polls, capped by the level's maximum staleness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_seconds: Option<u32>,
    /// The hold that was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Minutes of the hold that are jitter.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_minutes: u32,
    /// The wake-up that was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<EpochMinute>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What is done to the row. The row given is the whole new row, its revision already counted up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is written.
    Stay,
    /// One conditional update in place.
    Update(Box<JobRow>),
    /// One transaction: into the cohort of another cadence.
    Move(Box<JobRow>),
    /// One transaction: into the parked partition.
    Park(Box<JobRow>),
}

/// A shared scope stops until an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// The scope whose limit is spent.
    pub scope: ThrottleScope,
    /// Until when.
    pub until: Timestamp,
}

/// What the completion does about an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is done to the row.
    pub step: Step,
    /// A wake-up to set.
    pub wake: Option<EpochMinute>,
    /// Shared scopes to stop: a response may tell of several limits.
    pub throttles: Vec<Throttle>,
    /// Someone must act: a notice for the bus.
    pub notice: Option<ParkReason>,
    /// Why.
    pub terms: Terms,
}

/// Decides about one finished poll of `row`.
///
/// `spec` is the job's own job type, `seed` the deployment's seed of jitter.
#[must_use]
pub fn decide(now: Timestamp, row: &JobRow, poll: &Finished<'_>, spec: &JobTypeSpec, seed: u64) -> Decision {
    let Some(cohort) = row.place.cohort() else { return Decision::nothing(now, row) };
    let policy = spec.policy(&row.level);
    if let Some(reason) = park_reason(row, poll.outcome, policy) {
        return park(now, row, poll, spec, reason);
    }
    let pace = pace::choose(now.minute(), row, cohort, poll, policy);
    let cohort =
        if pace.cadence == cohort.cadence { cohort } else { Cohort::of(&row.job, pace.cadence, spec.shards) };
    let spread = spec.usual_seconds(&row.job);
    let waits = hold::waits(row, poll, spec, pace.floor_seconds, (cohort, spread), seed);
    let terms = Terms {
        at: pace.at,
        activity: pace.activity,
        rate: pace.rate.a_day_thousandths(),
        price: poll.price,
        asked_seconds: pace.asked.seconds(),
        clamp: pace.clamp,
        floor_seconds: pace.floor_seconds,
        hold: waits.hold,
        jitter_minutes: waits.jitter_minutes,
        wake: wake(now, poll, cohort, &waits, pace.is_burst),
    };
    let step = step(row, poll, cohort, &waits, (now.minute(), &pace, terms));
    Decision { step, wake: terms.wake, throttles: hold::throttles(row, poll, policy), notice: None, terms }
}

impl Decision {
    fn nothing(now: Timestamp, row: &JobRow) -> Self {
        let activity = row.terms.map_or(Cadence::SLOWEST, |terms| terms.activity);
        let terms = Terms {
            at: now.minute(),
            activity,
            rate: 0,
            price: Price::USUAL,
            asked_seconds: 0,
            clamp: None,
            floor_seconds: None,
            hold: None,
            jitter_minutes: 0,
            wake: None,
        };
        Self { step: Step::Stay, wake: None, throttles: Vec::new(), notice: None, terms }
    }
}

fn park_reason(row: &JobRow, outcome: &Outcome, policy: &Policy) -> Option<ParkReason> {
    match outcome {
        Outcome::Unauthorized => Some(ParkReason::Unauthorized),
        Outcome::Gone if row.gone >= policy.gone_retries => Some(ParkReason::Gone),
        Outcome::Crashed if row.crashes.saturating_add(1) >= policy.quarantine_after => {
            Some(ParkReason::Quarantined)
        }
        Outcome::Gone
        | Outcome::Crashed
        | Outcome::Unchanged { .. }
        | Outcome::Seeded { .. }
        | Outcome::New { .. }
        | Outcome::RateLimited { .. }
        | Outcome::ServerError { .. }
        | Outcome::Timeout
        | Outcome::Network { .. }
        | Outcome::BadResponse { .. }
        | Outcome::BusRefused { .. }
        | Outcome::Unavailable { .. }
        | Outcome::Deferred { .. } => None,
    }
}

fn park(
    now: Timestamp,
    row: &JobRow,
    poll: &Finished<'_>,
    spec: &JobTypeSpec,
    reason: ParkReason,
) -> Decision {
    let mut decision = Decision::nothing(now, row);
    let mut parked = counted(row, poll);
    parked.place = Place::Parked { shard: wheel::shard(&row.job, spec.shards) };
    parked.parked = Some(Parked { reason, since: now.minute() });
    parked.hold = None;
    parked.terms = Some(decision.terms);
    decision.step = Step::Park(Box::new(written(parked, poll)));
    decision.notice = Some(reason);
    decision
}

/// The minute of a wake-up: a poll that failed or was refused is owed when its wait ends, and a gap is closed and a burst
/// followed up as soon as the server's waits allow. Where the cohort comes round by then, none is needed.
fn wake(
    now: Timestamp,
    poll: &Finished<'_>,
    cohort: Cohort,
    waits: &Waits,
    is_burst: bool,
) -> Option<EpochMinute> {
    let owed = is_burst
        || matches!(poll.outcome, Outcome::New { more: true, .. })
        || poll.outcome.refusal().is_some()
        || poll.outcome.owed_seconds().is_some()
        || waits.backoff_minutes.is_some();
    let minute = waits.earliest.max(hold::soonest_wake(now));
    let due = cohort.next_due(waits.earliest.max(poll.polled_at.minute().plus(1)));
    (owed && minute < due).then_some(minute)
}

fn step(
    row: &JobRow,
    poll: &Finished<'_>,
    cohort: Cohort,
    waits: &Waits,
    (now, pace, terms): (EpochMinute, &Pace, Terms),
) -> Step {
    let place = Place::Cohort(cohort);
    let mut next = counted(row, poll);
    next.backoff_minutes = waits.backoff_minutes.unwrap_or(next.backoff_minutes);
    next.place = place;
    let context = poll.outcome.context();
    if let Some(context) = context {
        next.context = context.clone();
    }
    if let Outcome::New { .. } = poll.outcome {
        next.last_active = poll.polled_at.minute();
        next.activity = pace.estimate;
    }
    let changed = context.is_some() || waits.hold.is_some() || next != *row;
    if !changed {
        return Step::Stay;
    }
    // A hold that another completion set and that has not ended yet outlives this one.
    let standing = row.hold.filter(|standing| standing.until > now);
    next.hold = waits.hold.into_iter().chain(standing).max_by_key(|hold| hold.until);
    next.terms = Some(terms);
    let mut next = written(next, poll);
    if context.is_some() {
        next.context_rev = next.rev;
    }
    if place == row.place { Step::Update(Box::new(next)) } else { Step::Move(Box::new(next)) }
}

fn written(mut row: JobRow, poll: &Finished<'_>) -> JobRow {
    row.rev = row.rev.next();
    row.applied = Some(poll.due);
    row
}

/// The row with its counters of failures moved on or reset.
fn counted(row: &JobRow, poll: &Finished<'_>) -> JobRow {
    let mut next = row.clone();
    next.error = poll.outcome.error().or(next.error);
    match poll.outcome {
        Outcome::Unchanged { .. } | Outcome::Seeded { .. } | Outcome::New { .. } => {
            (next.failures, next.gone, next.crashes, next.backoff_minutes) = (0, 0, 0, 0);
            next.error = None;
        }
        // None of them says anything about whether the poll would have worked.
        Outcome::RateLimited { .. } | Outcome::Unavailable { .. } | Outcome::Deferred { .. } => {}
        Outcome::Gone => {
            next.failures = row.failures.saturating_add(1);
            next.gone = row.gone.saturating_add(1);
        }
        Outcome::Crashed => {
            next.failures = row.failures.saturating_add(1);
            next.crashes = row.crashes.saturating_add(1);
        }
        Outcome::Unauthorized
        | Outcome::ServerError { .. }
        | Outcome::Timeout
        | Outcome::Network { .. }
        | Outcome::BadResponse { .. }
        | Outcome::BusRefused { .. } => {
            next.failures = row.failures.saturating_add(1);
            (next.gone, next.crashes) = (0, 0);
        }
    }
    next
}
