//! How long a job waits, and until when its scope does: rate limits, hints, backoff.

use std::time::Duration;

use crate::decide::{Finished, Throttle};
use crate::hash::{Purpose, below, job_hash, mix};
use crate::outcome::{Outcome, Scope};
use crate::policy::{JobTypeSpec, MAX_HOLD_MINUTES, Policy};
use crate::row::{Hold, HoldCause, JobRow};
use crate::throttle::ThrottleScope;
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::Cohort;

/// A wake-up must be written before the tick of its minute reads it: this close to a minute's end, the one after is used.
const WAKE_MARGIN: Duration = Duration::from_secs(5);
/// Most jitter on a reset, in minutes.
const MAX_RESET_JITTER_MINUTES: u32 = 5;

/// The first minute that a wake-up written now is sure to be read in.
pub(crate) fn soonest_wake(now: Timestamp) -> EpochMinute {
    now.plus(WAKE_MARGIN).minute().plus(1)
}

/// A wait before the next poll.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// The first minute in which a dispatch keeps the wait.
    until: EpochMinute,
    jitter_minutes: u32,
    kind: Kind,
}

/// What a wait asks of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Nothing: the scope's throttle keeps it.
    Shared,
    /// A hold, if the cohort would bring the job round too soon.
    IfSooner(HoldCause),
    /// A hold at any rate: the poll failed, and is owed when the hold ends.
    Owed(HoldCause),
}

/// Everything that an outcome and its hints ask to wait for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    /// The first minute in which a dispatch keeps all of them.
    pub(super) earliest: EpochMinute,
    /// The hold.
    pub(super) hold: Option<Hold>,
    /// Minutes of the hold that are jitter.
    pub(super) jitter_minutes: u32,
    /// The backoff that was drawn.
    pub(super) backoff_minutes: Option<u32>,
}

/// The waits of a poll of `row`, which goes on in `cohort` and leaves `spread_seconds` after its minute begins.
pub(super) fn waits(
    row: &JobRow,
    poll: &Finished<'_>,
    spec: &JobTypeSpec,
    floor_seconds: Option<u32>,
    (cohort, spread_seconds): (Cohort, u16),
    seed: u64,
) -> Waits {
    let policy = spec.policy(&row.level);
    let draw = mix(mix(job_hash(&row.job, Purpose::Jitter), seed), row.rev.0);
    let backoff = backoff(row, poll, policy, draw);
    let limit = limit(poll, policy, draw);
    // A job that was put off may leave first in the minutes to come.
    let is_first = spec.is_kept_by_workers() && row.was_put_off(poll.due);
    let lead = if is_first { 0 } else { spread_seconds };
    let floor = floor_seconds.map(|seconds| floor(poll.polled_at, seconds, lead));
    let all = [limit, floor, backoff.map(|(wait, _)| wait), deferred(row, cohort, poll, spec)];

    let after = poll.polled_at.minute().plus(1);
    let due = cohort.next_due(after);
    let held = all.into_iter().flatten().filter(|wait| match wait.kind {
        Kind::Shared => false,
        Kind::IfSooner(_) => due < wait.until,
        Kind::Owed(_) => true,
    });
    let longest = held.max_by_key(|wait| (wait.until, wait.kind));
    Waits {
        earliest: all.into_iter().flatten().map(|wait| wait.until).max().unwrap_or(after),
        hold: longest.and_then(|wait| wait.kind.cause().map(|cause| Hold { until: wait.until, cause })),
        jitter_minutes: longest.map_or(0, |wait| wait.jitter_minutes),
        backoff_minutes: backoff.map(|(_, minutes)| minutes),
    }
}

impl Kind {
    const fn cause(self) -> Option<HoldCause> {
        match self {
            Self::Shared => None,
            Self::IfSooner(cause) | Self::Owed(cause) => Some(cause),
        }
    }
}

fn wait(from: Timestamp, seconds: u64, jitter_minutes: u32, kind: Kind) -> Wait {
    let instant = from.plus(Duration::from_secs(seconds)).plus(minutes(jitter_minutes));
    Wait { until: EpochMinute::at_or_after(instant), jitter_minutes, kind }
}

/// A poll that did not fit a shared limit is owed when its next slot begins, and one that we could not make a while later.
/// The row need not know, unless the workers alone keep the limit: then it is to leave earlier in its minute than those that
/// had theirs ([`JobTypeSpec::leaves_after_seconds`]), or the ones that leave last would be put off in every minute. One that is
/// put off a second time waits for its own phase: much more is asked for than fits, and each try is a write.
fn deferred(row: &JobRow, cohort: Cohort, poll: &Finished<'_>, spec: &JobTypeSpec) -> Option<Wait> {
    let seconds = capped(poll.outcome.owed_seconds()?, spec.policy(&row.level));
    let is_full = matches!(poll.outcome, Outcome::Deferred { .. });
    if !is_full || !spec.is_kept_by_workers() {
        return Some(wait(poll.polled_at, seconds, 0, Kind::Shared));
    }
    let mut wait = wait(poll.polled_at, seconds, 0, Kind::Owed(HoldCause::RateLimit));
    if row.was_put_off(poll.due) {
        wait.until = cohort.next_due(wait.until);
    }
    Some(wait)
}

/// A job leaves some way into its minute, so a minute that begins a little too soon may still keep the floor.
fn floor(polled_at: Timestamp, seconds: u32, spread_seconds: u16) -> Wait {
    let instant = polled_at.plus(Duration::from_secs(u64::from(seconds)));
    let lead = instant.millis().saturating_sub(u64::from(spread_seconds) * 1000);
    let until = EpochMinute::at_or_after(Timestamp::from_millis(lead));
    Wait { until, jitter_minutes: 0, kind: Kind::IfSooner(HoldCause::Hint) }
}

fn limit(poll: &Finished<'_>, policy: &Policy, draw: u64) -> Option<Wait> {
    let refused = poll.outcome.refusal().map(|(scope, seconds)| (seconds, refused_kind(scope)));
    let spent = poll.hints.limits.iter().filter(|limit| limit.is_spent());
    let spent = spent.map(|limit| (limit.reset_seconds, spent_kind(&limit.scope)));
    let waits = refused.into_iter().chain(spent).filter_map(|(seconds, kind)| {
        let seconds = reset(seconds, policy);
        kind.map(|kind| wait(poll.polled_at, seconds, reset_jitter(draw, seconds, policy), kind))
    });
    // The longest; of two as long the one that asks more. A shared one must not displace one that holds the row.
    waits.max_by_key(|wait| (wait.kind != Kind::Shared, wait.until, wait.kind))
}

/// What a refusal asks of the row. A job that was refused for one token of a pool is owed at once: another takes over.
const fn refused_kind(scope: &Scope) -> Option<Kind> {
    match scope {
        // No tick looks at hosts: a job of a host that is spent would be dispatched for nothing.
        Scope::Account | Scope::Host(_) => Some(Kind::Owed(HoldCause::RateLimit)),
        Scope::Application | Scope::Endpoint => Some(Kind::Shared),
        Scope::Token(_) => None,
    }
}

/// What a spent limit asks of a row that was polled all the same.
const fn spent_kind(scope: &Scope) -> Option<Kind> {
    match scope {
        Scope::Account | Scope::Host(_) => Some(Kind::IfSooner(HoldCause::RateLimit)),
        Scope::Application | Scope::Endpoint | Scope::Token(_) => None,
    }
}

/// The shared scopes to stop, each until the latest instant that was said of it.
pub(super) fn throttles(row: &JobRow, poll: &Finished<'_>, policy: &Policy) -> Vec<Throttle> {
    let refused = poll.outcome.refusal();
    let spent = poll.hints.limits.iter().filter(|limit| limit.is_spent());
    let spent = spent.map(|limit| (&limit.scope, limit.reset_seconds));
    let mut throttles = Vec::<Throttle>::new();
    for (scope, seconds) in refused.into_iter().chain(spent) {
        let Some(scope) = ThrottleScope::of(&row.job.job_type, scope) else { continue };
        let until = poll.polled_at.plus(Duration::from_secs(reset(seconds, policy)));
        match throttles.iter_mut().find(|known| known.scope == scope) {
            Some(known) => known.until = until.max(known.until),
            None => throttles.push(Throttle { scope, until }),
        }
    }
    throttles
}

/// Seconds to wait for a reset: the policy's default when it was not said.
fn reset(seconds: Option<u64>, policy: &Policy) -> u64 {
    capped(seconds.unwrap_or(u64::from(policy.limit_default_minutes) * 60), policy)
}

fn cap_minutes(policy: &Policy) -> u32 {
    policy.hold_cap_minutes.min(MAX_HOLD_MINUTES)
}

fn capped(seconds: u64, policy: &Policy) -> u64 {
    seconds.min(u64::from(cap_minutes(policy)) * 60)
}

/// Up to a tenth of the wait, at least a choice of two minutes, never past the cap: jobs that were refused together
/// come back apart.
fn reset_jitter(draw: u64, seconds: u64, policy: &Policy) -> u32 {
    let wait_minutes = u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX);
    let most = (wait_minutes / 10).clamp(1, MAX_RESET_JITTER_MINUTES);
    let room = cap_minutes(policy).saturating_sub(wait_minutes);
    below(draw, most.min(room) + 1)
}

fn backoff(row: &JobRow, poll: &Finished<'_>, policy: &Policy, draw: u64) -> Option<(Wait, u32)> {
    let asked = match poll.outcome {
        Outcome::ServerError { retry_after_seconds, .. } => *retry_after_seconds,
        Outcome::Timeout
        | Outcome::Network { .. }
        | Outcome::BadResponse { .. }
        | Outcome::BusRefused { .. }
        | Outcome::Gone
        | Outcome::Crashed => None,
        Outcome::Unchanged { .. }
        | Outcome::Seeded { .. }
        | Outcome::New { .. }
        | Outcome::RateLimited { .. }
        | Outcome::Unauthorized
        | Outcome::Unavailable { .. }
        | Outcome::Deferred { .. } => return None,
    };
    let drawn = decorrelated(row.backoff_minutes, policy, draw);
    let asked = asked.map_or(0, |seconds| capped(seconds, policy));
    let seconds = asked.max(u64::from(drawn) * 60);
    Some((wait(poll.polled_at, seconds, 0, Kind::Owed(HoldCause::Backoff)), drawn))
}

/// Decorrelated jitter: between the base and three times the last wait, so that jobs which failed together disperse and
/// waits still grow. <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
fn decorrelated(last_minutes: u32, policy: &Policy, draw: u64) -> u32 {
    let cap = policy.backoff_cap_minutes.min(cap_minutes(policy)).max(1);
    let base = policy.backoff_base_minutes.clamp(1, cap);
    let high = last_minutes.max(base).saturating_mul(3);
    (base + below(draw, high - base + 1)).min(cap)
}

const fn minutes(number: u32) -> Duration {
    Duration::from_secs(number as u64 * 60)
}
