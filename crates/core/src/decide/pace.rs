//! Which cadence a job goes on with: what its activity asks for, within its level's range, and not faster than the
//! server asks.

use crate::cadence::Cadence;
use crate::decide::Finished;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::row::{HoldCause, JobRow};
use crate::time::EpochMinute;
use crate::wheel::Cohort;

/// Seconds that one poll may run later in its minute than the next without breaking a floor. A floor within this of the
/// cadence needs the next slower cadence.
const LATENESS_SLACK_SECONDS: u32 = 10;

/// The chosen pace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The cadence to go on with.
    pub(super) cadence: Cadence,
    /// What activity alone asks for.
    pub(super) activity: Cadence,
    /// The server's floor, capped by the level's maximum staleness.
    pub(super) floor_seconds: Option<u32>,
}

pub(super) fn choose(row: &JobRow, cohort: Cohort, poll: &Finished<'_>, policy: &Policy) -> Pace {
    let current = row.terms.map_or(cohort.cadence, |terms| terms.activity);
    let activity = policy.range.clamp(activity(row, current, poll, policy));
    let floor_seconds = poll.hints.floor_seconds.map(|seconds| cap(seconds, policy.max_staleness_minutes));
    Pace { cadence: slowed(row, cohort, activity, floor_seconds, poll), activity, floor_seconds }
}

fn cap(seconds: u64, minutes: u32) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX).min(minutes.saturating_mul(60))
}

/// News raises the cadence at once, a burst to the fastest; only long quiet lowers it, a step at a time.
fn activity(row: &JobRow, current: Cadence, poll: &Finished<'_>, policy: &Policy) -> Cadence {
    match poll.outcome {
        Outcome::New { items, more, .. } if *more || *items >= policy.burst_items => policy.range.fastest(),
        Outcome::New { .. } => current.faster(),
        Outcome::Unchanged { .. } if is_long_quiet(row, current, poll.polled_at.minute(), policy) => {
            current.slower()
        }
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
        | Outcome::Deferred { .. } => current,
    }
}

fn is_long_quiet(row: &JobRow, current: Cadence, now: EpochMinute, policy: &Policy) -> bool {
    let quiet = now.since(row.last_active);
    current < policy.range.slowest()
        && quiet >= u32::from(current.slower().minutes()).saturating_mul(policy.quiet_factor)
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
