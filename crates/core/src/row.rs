//! The job row and the two small items around it: the registration that says where the row is, and the wake-up.

use serde::{Deserialize, Serialize};

use crate::activity::Activity;
use crate::cadence::CadenceRange;
use crate::context::Context;
use crate::decide::Terms;
use crate::id::{JobId, ServiceLevel};
use crate::time::EpochMinute;
use crate::wheel::Cohort;

/// Counts the writes to a row. It starts at the instant of registration, in milliseconds, so that a completion that was
/// on its way when an account left and came back cannot match the new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In its cohort: the tick reads it.
    Cohort(Cohort),
    /// Out of the wheel, until someone acts.
    Parked {
        /// The shard of the parked partition.
        shard: u16,
    },
}

impl Place {
    /// The cohort, when the row is in one.
    #[must_use]
    pub const fn cohort(self) -> Option<Cohort> {
        match self {
            Self::Cohort(cohort) => Some(cohort),
            Self::Parked { .. } => None,
        }
    }
}

/// Whose data is polled: the account as the third party knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The account's id at the third party.
    pub external_id: String,
    /// Where its API is, when that differs from account to account (a Mastodon instance).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

/// Why a job was taken out of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// The third party refuses the account's credentials.
    Unauthorized,
    /// The third party no longer knows the account.
    Gone,
    /// The job ended its worker too many times in a row.
    Quarantined,
    /// Its owner has left: its account is no longer among those to be polled.
    Withdrawn,
    /// Taken out by an operator, until one takes it back.
    Paused,
}

impl ParkReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Unauthorized, Self::Gone, Self::Quarantined, Self::Withdrawn, Self::Paused];

    /// The reason as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Gone => "gone",
            Self::Quarantined => "quarantined",
            Self::Withdrawn => "withdrawn",
            Self::Paused => "paused",
        }
    }
}

/// A parked row's reason and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Why.
    pub reason: ParkReason,
    /// Since when.
    pub since: EpochMinute,
}

/// Why a job is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The third party said when to come back, or its window is nearly spent.
    RateLimit,
    /// The third party asked for more time between polls (`max-age`, `X-Poll-Interval`).
    Hint,
    /// Polls fail.
    Backoff,
}

/// The dispatcher skips the job before this minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The first minute in which the job may be dispatched again.
    pub until: EpochMinute,
    /// Why.
    pub cause: HoldCause,
}

/// A job. Its row never leaves its cohort while it is polled: queues carry copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Which job.
    pub job: JobId,
    /// Where the row is.
    pub place: Place,
    /// Counts every write. A completion applies on the revision that was dispatched.
    pub rev: Revision,
    /// The revision that last changed the context. A completion that lost a race may still apply while this is the one
    /// it polled from.
    pub context_rev: Revision,
    /// Whose data is polled.
    pub subject: Subject,
    /// The account's plan.
    pub level: ServiceLevel,
    /// The cadences that this job alone may have, instead of its level's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<CadenceRange>,
    /// What the channel keeps from poll to poll.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
    /// Not to be dispatched before a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Failed polls in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Times in a row that the third party did not know the account.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gone: u32,
    /// Times in a row that the job came back from the dead-letter queue.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashes: u32,
    /// The last backoff, in minutes: the next one is drawn from it. 0 when the last poll succeeded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backoff_minutes: u32,
    /// Why the last poll failed: its outcome and a reason without content. None after a poll that worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
    /// When the job last brought something new, or was registered.
    pub last_active: EpochMinute,
    /// What the source brought until then. None: nothing, or an older build wrote the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// The dispatch whose completion was last applied: a repeat of it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<EpochMinute>,
    /// The terms of the last decision that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// Why and since when the job is out of the wheel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Parked>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl JobRow {
    /// A row that was never polled.
    #[must_use]
    pub fn new(
        job: JobId,
        place: Place,
        subject: Subject,
        level: ServiceLevel,
        rev: Revision,
        now: EpochMinute,
    ) -> Self {
        Self {
            job,
            place,
            rev,
            context_rev: rev,
            subject,
            level,
            range: None,
            context: Context::empty(),
            hold: None,
            failures: 0,
            gone: 0,
            crashes: 0,
            backoff_minutes: 0,
            error: None,
            last_active: now,
            activity: None,
            applied: None,
            terms: None,
            parked: None,
        }
    }

    /// The first of the due minutes that a dispatch for `due` and `missed` earlier ones answers for.
    #[must_use]
    pub fn first_due(&self, due: EpochMinute, missed: u32) -> EpochMinute {
        self.place.cohort().map_or(due, |cohort| cohort.first_due(due, missed))
    }

    /// Whether the dispatcher skips the job in this minute.
    #[must_use]
    pub fn is_held(&self, minute: EpochMinute) -> bool {
        self.hold.is_some_and(|hold| minute < hold.until)
    }

    /// Whether the job was put off because of a limit, and until this minute: later it may have been polled since, which
    /// leaves the row as it is when nothing is new.
    #[must_use]
    pub fn was_put_off(&self, minute: EpochMinute) -> bool {
        self.hold.is_some_and(|hold| hold.cause == HoldCause::RateLimit && hold.until == minute)
    }

    /// The first minute at or after `minute` in which the cohort brings the job round and no hold stops it; none when it
    /// is parked. Wake-ups may bring it sooner.
    #[must_use]
    pub fn next_due(&self, minute: EpochMinute) -> Option<EpochMinute> {
        let from = self.hold.map_or(minute, |hold| hold.until.max(minute));
        self.place.cohort().map(|cohort| cohort.next_due(from))
    }
}

/// Where a job's row is, by account: the way to it for everyone but the tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Which job.
    pub job: JobId,
    /// Where its row is.
    pub place: Place,
    /// The account's plan.
    pub level: ServiceLevel,
}

impl From<&JobRow> for Registration {
    fn from(row: &JobRow) -> Self {
        Self { job: row.job.clone(), place: row.place, level: row.level.clone() }
    }
}

/// A one-off entry in one minute of the wheel: "dispatch this job at 07:45 too".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeUp {
    /// The minute.
    pub minute: EpochMinute,
    /// Which job.
    pub job: JobId,
    /// Where its row was when the wake-up was set.
    pub place: Place,
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::cadence::Cadence;
    use crate::id::{AccountId, JobTypeId};

    fn row() -> JobRow {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let place = Place::Cohort(Cohort::of(&job, Cadence::new(15).unwrap(), NonZeroU16::MIN));
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        JobRow::new(
            job,
            place,
            subject,
            ServiceLevel::new("free").unwrap(),
            Revision(7),
            EpochMinute::new(100),
        )
    }

    #[test]
    fn a_row_is_small_and_survives_its_json() {
        let mut row = row();
        row.hold = Some(Hold { until: EpochMinute::new(130), cause: HoldCause::Backoff });
        let json = serde_json::to_string(&row).unwrap();
        assert!(json.len() < 400, "{} bytes: {json}", json.len());
        assert_eq!(serde_json::from_str::<JobRow>(&json).unwrap(), row);
    }

    #[test]
    fn a_hold_moves_the_next_due_minute_to_the_first_phase_after_it() {
        let mut row = row();
        let now = EpochMinute::new(29_000_000);
        row.hold = Some(Hold { until: now.plus(20), cause: HoldCause::RateLimit });
        assert!(row.is_held(now.plus(19)) && !row.is_held(now.plus(20)));
        let due = row.next_due(now).unwrap();
        assert!(due >= now.plus(20) && due < now.plus(35));
        row.place = Place::Parked { shard: 0 };
        assert_eq!(row.next_due(now), None);
    }
}
