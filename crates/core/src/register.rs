//! Registering accounts: a row and a registration for each of their jobs. Registering again changes only what differs.

use crate::context::Context;
use crate::id::{JobId, ServiceLevel};
use crate::policy::{Catalog, JobTypeSpec};
use crate::ports::{Applied, Change, JobStore, PortError, Retry};
use crate::row::{JobRow, ParkReason, Parked, Place, Revision, Subject};
use crate::time::Timestamp;
use crate::wheel::{self, Cohort};

/// Jobs registered in one call to the store.
const CHUNK: usize = 1000;
/// Attempts at a row that keeps changing under a registration.
const MAX_ATTEMPTS: u32 = 4;

/// A job to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Which.
    pub job: JobId,
    /// Whose data is polled.
    pub subject: Subject,
    /// The account's plan.
    pub level: ServiceLevel,
    /// What the channel shall go on from; a job that is registered already keeps its own.
    pub context: Context,
}

/// Why a registration was refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// No channel has the job type.
    #[error("no channel declares the job type `{job_type}`; known are {known}")]
    UnknownJobType {
        /// The job type.
        job_type: String,
        /// The ones there are.
        known: String,
    },
    /// The store failed. What was registered so far stays; registering again completes it.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// What became of the jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registered {
    /// New rows.
    pub inserted: u64,
    /// Rows whose subject or level changed.
    pub changed: u64,
    /// Rows taken back into the wheel.
    pub unparked: u64,
    /// Rows that were there already.
    pub unchanged: u64,
}

/// Registers jobs. Every job type is checked before anything is written.
///
/// A parked job comes back into the wheel when its account was withdrawn, or refused (registering is how new
/// credentials arrive); one that is gone or quarantined stays parked until an operator unparks it.
///
/// # Errors
/// [`RegisterError`].
pub async fn register<S: JobStore>(
    now: Timestamp,
    jobs: &[NewJob],
    catalog: &Catalog,
    store: &S,
) -> Result<Registered, RegisterError> {
    let specs: Vec<&JobTypeSpec> = jobs.iter().map(|job| spec(job, catalog)).collect::<Result<_, _>>()?;
    let mut report = Registered::default();
    for (jobs, specs) in jobs.chunks(CHUNK).zip(specs.chunks(CHUNK)) {
        let rows =
            jobs.iter().zip(specs).map(|(job, spec)| Change::Insert(Box::new(new_row(now, job, spec))));
        let answers = store.apply(rows.collect()).await;
        let answered = answers.len();
        for ((job, spec), answer) in jobs.iter().zip(specs).zip(answers) {
            match answer? {
                Applied::Done => report.inserted += 1,
                Applied::Conflict(existing) => change(now, job, spec, existing, store, &mut report).await?,
            }
        }
        if answered != jobs.len() {
            return Err(
                PortError::new("registering jobs", Retry::Transient, "not all were answered for").into()
            );
        }
    }
    Ok(report)
}

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
    rewrite(job, store, |row| {
        if row.parked.is_some() {
            return false;
        }
        row.place = Place::Parked { shard: wheel::shard(job, spec.shards) };
        row.hold = None;
        row.parked = Some(Parked { reason: ParkReason::Withdrawn, since: now.minute() });
        true
    })
    .await
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
    rewrite(job, store, |row| {
        let parked = row.parked.is_some();
        if parked {
            return_to_wheel(row, spec, now);
        }
        parked
    })
    .await
}

fn return_to_wheel(row: &mut JobRow, spec: &JobTypeSpec, now: Timestamp) {
    row.parked = None;
    (row.failures, row.gone, row.crashes, row.backoff_minutes) = (0, 0, 0, 0);
    row.error = None;
    row.place = Place::Cohort(Cohort::of(&row.job, spec.first_cadence(&row.level), spec.shards));
    row.last_active = now.minute();
    row.terms = None;
}

/// Moves a job's row after `change`, which tells whether there is anything to write.
async fn rewrite<S: JobStore>(
    job: &JobId,
    store: &S,
    change: impl Fn(&mut JobRow) -> bool,
) -> Result<bool, PortError> {
    for _ in 0..MAX_ATTEMPTS {
        let Some(registration) = store.locate(job).await? else { return Ok(false) };
        let Some(mut row) = store.read_row(job, registration.place).await? else { continue };
        let (from, expected) = (row.place, row.rev);
        if !change(&mut row) {
            return Ok(false);
        }
        row.rev = expected.next();
        let answers = store.apply(vec![Change::Move { row: Box::new(row), from, expected }]).await;
        if let Some(Applied::Done) = answers.into_iter().next().transpose()? {
            return Ok(true);
        }
    }
    Err(PortError::new(format!("changing `{job}`"), Retry::Transient, "the row keeps changing"))
}

fn spec<'c>(job: &NewJob, catalog: &'c Catalog) -> Result<&'c JobTypeSpec, RegisterError> {
    catalog.get(&job.job.job_type).ok_or_else(|| RegisterError::UnknownJobType {
        job_type: job.job.job_type.to_string(),
        known: catalog.iter().map(|spec| format!("`{}`", spec.id)).collect::<Vec<_>>().join(", "),
    })
}

fn new_row(now: Timestamp, job: &NewJob, spec: &JobTypeSpec) -> JobRow {
    let cohort = Cohort::of(&job.job, spec.first_cadence(&job.level), spec.shards);
    let rev = Revision(now.millis());
    let place = Place::Cohort(cohort);
    let mut row =
        JobRow::new(job.job.clone(), place, job.subject.clone(), job.level.clone(), rev, now.minute());
    row.context = job.context.clone();
    row
}

async fn change<S: JobStore>(
    now: Timestamp,
    job: &NewJob,
    spec: &JobTypeSpec,
    mut existing: Option<Box<JobRow>>,
    store: &S,
    report: &mut Registered,
) -> Result<(), PortError> {
    for _ in 0..MAX_ATTEMPTS {
        let Some(old) = existing.take() else {
            // It was there a moment ago: it is on the move.
            existing = match store.locate(&job.job).await? {
                Some(registration) => store.read_row(&job.job, registration.place).await?.map(Box::new),
                None => None,
            };
            continue;
        };
        let new = changed_row(now, job, spec, &old);
        if new == *old {
            report.unchanged += 1;
            return Ok(());
        }
        let unparked = old.parked.is_some() && new.parked.is_none();
        let (from, expected) = (old.place, old.rev);
        let mut row = Box::new(new);
        row.rev = expected.next();
        if row.subject != old.subject {
            // A poll of the old subject that is on its way must not be applied to the new one.
            row.context_rev = row.rev;
        }
        let change = if row.place == from {
            Change::Update { row, expected }
        } else {
            Change::Move { row, from, expected }
        };
        match store.apply(vec![change]).await.into_iter().next().transpose()? {
            Some(Applied::Done) => {
                if unparked {
                    report.unparked += 1
                } else {
                    report.changed += 1
                }
                return Ok(());
            }
            Some(Applied::Conflict(fresh)) => existing = fresh,
            None => {}
        }
    }
    Err(PortError::new(format!("registering `{}`", job.job), Retry::Transient, "the row keeps changing"))
}

/// The row as the registration wants it: context, counters and history stay, unless another subject is polled from now
/// on. What was seen of the old one says nothing about the new one.
fn changed_row(now: Timestamp, job: &NewJob, spec: &JobTypeSpec, old: &JobRow) -> JobRow {
    let mut row = old.clone();
    row.subject = job.subject.clone();
    row.level = job.level.clone();
    if row.subject != old.subject {
        row.context = job.context.clone();
        (row.failures, row.gone, row.crashes, row.backoff_minutes) = (0, 0, 0, 0);
        (row.error, row.hold, row.terms) = (None, None, None);
        row.last_active = now.minute();
    }
    let comes_back =
        |parked: Parked| matches!(parked.reason, ParkReason::Withdrawn | ParkReason::Unauthorized);
    if row.parked.is_some_and(comes_back) {
        return_to_wheel(&mut row, spec, now);
    } else if let Some(cohort) = row.place.cohort() {
        let cadence = if old.level == row.level { cohort.cadence } else { spec.first_cadence(&row.level) };
        row.place = Place::Cohort(Cohort::of(&row.job, cadence, spec.shards));
    }
    if old.level != row.level || old.place != row.place {
        // What activity asked for was within the range of the old level.
        row.terms = None;
    }
    row
}
