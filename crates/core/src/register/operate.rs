//! What an operator, or the product that owns the accounts, does to single jobs.

use super::edit::{Edit, edit};
use super::{hastened, return_to_wheel, set_level};
use crate::decide::soonest_wake;
use crate::id::{JobId, ServiceLevel};
use crate::policy::JobTypeSpec;
use crate::ports::{Change, JobStore, PortError, Retry};
use crate::row::{ParkReason, Parked, Place, WakeUp};
use crate::time::{EpochMinute, Timestamp};
use crate::wheel;

/// Takes a job out of the wheel, its context kept. Tells whether it did: a job that is parked or not registered is left
/// alone.
///
/// # Errors
/// When the store fails.
pub async fn withdraw<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<bool, PortError> {
    let withdrawn = edit(job, None, store, |old| {
        if old.parked.is_some() {
            return Edit::Keep(false);
        }
        let mut row = old.clone();
        row.place = Place::Parked { shard: wheel::shard(job, spec.shards) };
        row.hold = None;
        row.parked = Some(Parked { reason: ParkReason::Withdrawn, since: now.minute() });
        Edit::Write(Box::new(row), true)
    });
    Ok(withdrawn.await?.unwrap_or(false))
}

/// Parks a job for an operator: out of the wheel, its context kept, until [`resume`] or [`unpark`] takes it back. Registering
/// it again does not. Tells whether it did.
///
/// A job that is parked already is left alone, but for one that waits for credentials: those that come must not end the
/// pause.
///
/// # Errors
/// When the store fails.
pub async fn park<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<bool, PortError> {
    let parked = edit(job, None, store, |old| {
        if old.parked.is_some_and(|parked| parked.reason != ParkReason::Unauthorized) {
            return Edit::Keep(false);
        }
        let mut row = old.clone();
        if old.parked.is_none() {
            row.place = Place::Parked { shard: wheel::shard(job, spec.shards) };
        }
        row.hold = None;
        row.parked = Some(Parked { reason: ParkReason::Paused, since: now.minute() });
        Edit::Write(Box::new(row), true)
    });
    Ok(parked.await?.unwrap_or(false))
}

/// Takes back a job that an operator has parked, and no other. Tells whether it did.
///
/// # Errors
/// When the store fails.
pub async fn resume<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<bool, PortError> {
    unpark_if(now, job, Some(ParkReason::Paused), spec, store).await
}

/// Takes a parked job back into the wheel, whatever it was parked for, its context kept and its failures forgotten.
/// Tells whether it did.
///
/// # Errors
/// When the store fails.
pub async fn unpark<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<bool, PortError> {
    unpark_if(now, job, None, spec, store).await
}

/// As [`unpark`], but only when the job was parked for this reason, if one is given.
///
/// # Errors
/// When the store fails.
pub async fn unpark_if<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    reason: Option<ParkReason>,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<bool, PortError> {
    let unparked = edit(job, None, store, |old| {
        if old.parked.is_none_or(|parked| reason.is_some_and(|reason| parked.reason != reason)) {
            return Edit::Keep(false);
        }
        let mut row = old.clone();
        return_to_wheel(&mut row, spec, now);
        Edit::Write(Box::new(row), true)
    });
    Ok(unparked.await?.unwrap_or(false))
}

/// Puts a job on another service level: into the level's first cadence, unless it is parked. Where that is faster, the job
/// is polled within a minute, and not only when its new cohort comes round. Tells whether anything changed; none when the job
/// is not registered.
///
/// # Errors
/// When the store fails.
pub async fn change_level<S: JobStore>(
    now: Timestamp,
    job: &JobId,
    level: &ServiceLevel,
    spec: &JobTypeSpec,
    store: &S,
) -> Result<Option<bool>, PortError> {
    edit(job, None, store, |old| {
        if old.level == *level {
            return Edit::Keep(false);
        }
        let mut row = old.clone();
        set_level(&mut row, level, spec);
        hastened(now, old, row, true)
    })
    .await
}

/// Unregisters a job: its row and its registration, with everything that was known of it. Tells whether it did; a job
/// that is not registered is left alone. Copies of it that are on their way come to nothing.
///
/// # Errors
/// When the store fails.
pub async fn remove<S: JobStore>(job: &JobId, store: &S) -> Result<bool, PortError> {
    Ok(edit(job, None, store, |_| Edit::Remove(())).await?.is_some())
}

/// What became of the wish to poll a job at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollNow {
    /// It is dispatched in this minute.
    Due(EpochMinute),
    /// It is on hold, and no wake-up breaks a hold.
    Held {
        /// The first minute in which it may be dispatched.
        until: EpochMinute,
    },
    /// It is out of the wheel.
    Parked(ParkReason),
    /// It is not registered.
    Unknown,
}

/// Has a job polled in the next minute, besides its cadence. Twice in one minute is once.
///
/// # Errors
/// When the store fails.
pub async fn poll_now<S: JobStore>(now: Timestamp, job: &JobId, store: &S) -> Result<PollNow, PortError> {
    let minute = soonest_wake(now);
    let judged = edit(job, None, store, |row| {
        let told = match row.parked {
            Some(parked) => (row.place, PollNow::Parked(parked.reason)),
            None => match row.hold.filter(|_| row.is_held(minute)) {
                Some(hold) => (row.place, PollNow::Held { until: hold.until }),
                None => (row.place, PollNow::Due(minute)),
            },
        };
        Edit::Keep(told)
    });
    let Some((place, told)) = judged.await? else { return Ok(PollNow::Unknown) };
    if let PollNow::Due(minute) = told {
        let wake = Change::Wake(WakeUp { minute, job: job.clone(), place });
        if store.apply(vec![wake]).await.into_iter().next().transpose()?.is_none() {
            let what = format!("waking `{job}`");
            return Err(PortError::new(what, Retry::Transient, "it was not answered for"));
        }
    }
    Ok(told)
}
