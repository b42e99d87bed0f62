//! Registering accounts: a row and a registration for each of their jobs. Registering again changes only what differs.
//! What an operator does to single jobs stands beside it.

mod edit;
mod operate;

use crate::context::Context;
use crate::id::{JobId, ServiceLevel};
use crate::policy::{Catalog, JobTypeSpec};
use crate::ports::{Applied, Change, JobStore, PortError, Retry};
use crate::row::{JobRow, ParkReason, Parked, Place, Revision, Subject};
use crate::time::Timestamp;
use crate::wheel::Cohort;
use edit::{Edit, edit};
pub use operate::{PollNow, change_level, park, poll_now, remove, resume, unpark, unpark_if, withdraw};

/// Jobs registered in one call to the store.
const CHUNK: usize = 1000;

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

impl NewJob {
    /// The row that it begins with: in the wheel, at its level's first cadence.
    #[must_use]
    pub fn row(&self, now: Timestamp, spec: &JobTypeSpec) -> JobRow {
        let place = Place::Cohort(Cohort::of(&self.job, spec.first_cadence(&self.level), spec.shards));
        let (job, subject, level) = (self.job.clone(), self.subject.clone(), self.level.clone());
        let mut row = JobRow::new(job, place, subject, level, Revision(now.millis()), now.minute());
        row.context = self.context.clone();
        row
    }
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
/// credentials arrive); one that is gone, quarantined or paused stays parked until an operator takes it back.
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
        let rows = jobs.iter().zip(specs).map(|(job, spec)| Change::Insert(Box::new(job.row(now, spec))));
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

/// Back into the wheel, as if it had never failed.
fn return_to_wheel(row: &mut JobRow, spec: &JobTypeSpec, now: Timestamp) {
    row.parked = None;
    row.place = Place::Cohort(Cohort::of(&row.job, spec.first_cadence(&row.level), spec.shards));
    forget_history(row, now);
}

/// What polls came to so far says nothing about those to come.
fn forget_history(row: &mut JobRow, now: Timestamp) {
    (row.failures, row.gone, row.crashes, row.backoff_minutes) = (0, 0, 0, 0);
    (row.error, row.terms) = (None, None);
    row.last_active = now.minute();
}

/// Another level: another cadence, unless the row is parked. What activity asked for was within the range of the old one.
fn set_level(row: &mut JobRow, level: &ServiceLevel, spec: &JobTypeSpec) {
    row.level = level.clone();
    row.terms = None;
    if row.place.cohort().is_some() {
        row.place = Place::Cohort(Cohort::of(&row.job, spec.first_cadence(level), spec.shards));
    }
}

fn spec<'c>(job: &NewJob, catalog: &'c Catalog) -> Result<&'c JobTypeSpec, RegisterError> {
    catalog.get(&job.job.job_type).ok_or_else(|| RegisterError::UnknownJobType {
        job_type: job.job.job_type.to_string(),
        known: catalog.iter().map(|spec| format!("`{}`", spec.id)).collect::<Vec<_>>().join(", "),
    })
}

/// Brings a row that is there already to what the registration wants.
async fn change<S: JobStore>(
    now: Timestamp,
    job: &NewJob,
    spec: &JobTypeSpec,
    existing: Option<Box<JobRow>>,
    store: &S,
    report: &mut Registered,
) -> Result<(), PortError> {
    let became = edit(&job.job, existing, store, |old| {
        let mut row = changed_row(now, job, spec, old);
        if row == *old {
            return Edit::Keep(Became::Unchanged);
        }
        if row.subject != old.subject {
            // A poll of the old subject that is on its way must not be applied to the new one.
            row.context_rev = old.rev.next();
        }
        let unparked = old.parked.is_some() && row.parked.is_none();
        Edit::Write(Box::new(row), if unparked { Became::Unparked } else { Became::Changed })
    });
    match became.await? {
        Some(Became::Unchanged) => report.unchanged += 1,
        Some(Became::Changed) => report.changed += 1,
        Some(Became::Unparked) => report.unparked += 1,
        None => {
            let what = format!("registering `{}`", job.job);
            return Err(PortError::new(what, Retry::Transient, "it was unregistered at the same time"));
        }
    }
    Ok(())
}

/// What became of a row that was there already.
enum Became {
    Unchanged,
    Changed,
    Unparked,
}

/// The row as the registration wants it: context, counters and history stay, unless another subject is polled from now
/// on. What was seen of the old one says nothing about the new one.
fn changed_row(now: Timestamp, job: &NewJob, spec: &JobTypeSpec, old: &JobRow) -> JobRow {
    let mut row = old.clone();
    row.subject = job.subject.clone();
    if row.subject != old.subject {
        row.context = job.context.clone();
        row.hold = None;
        forget_history(&mut row, now);
    }
    if row.level != job.level {
        set_level(&mut row, &job.level, spec);
    }
    let comes_back =
        |parked: Parked| matches!(parked.reason, ParkReason::Withdrawn | ParkReason::Unauthorized);
    if row.parked.is_some_and(comes_back) {
        return_to_wheel(&mut row, spec, now);
    } else if let Some(cohort) = row.place.cohort() {
        // The number of shards may have grown.
        row.place = Place::Cohort(Cohort::of(&row.job, cohort.cadence, spec.shards));
    }
    if old.place != row.place {
        row.terms = None;
    }
    row
}
