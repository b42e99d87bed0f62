//! Looking at jobs, and polling them now.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{Clock, JobStore, PortError};
use pollwheel_core::register::{self, PollNow};
use pollwheel_core::row::{HoldCause, JobRow, Registration};
use pollwheel_core::time::EpochMinute;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::accounts::{AT_ONCE, not_registered};
use crate::answer::Answer;
use crate::handler::{Control, ControlError, Done};
use crate::ports::{Objects, Pauses, Registry, Vault};
use crate::selection::Selection;

/// Most jobs shown at once: their contexts at their largest stay below the 6 MB that Lambda answers with.
const MAX_SHOWN: usize = 200;

/// Which job, as it is written down.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct JobName {
    /// `channel/job_type`.
    job_type: String,
    /// Whose.
    account_id: String,
    /// Which of the account's things.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl From<&JobId> for JobName {
    fn from(job: &JobId) -> Self {
        Self {
            job_type: job.job_type.to_string(),
            account_id: job.account.to_string(),
            target: job.target.as_ref().map(ToString::to_string),
        }
    }
}

/// A job, as it is shown.
#[derive(Debug, Serialize)]
pub struct JobState {
    #[serde(flatten)]
    job: JobName,
    service_level: String,
    external_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    /// Minutes between two polls; none when it is parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cadence_minutes: Option<u16>,
    /// The first minute in which its cadence brings it round and no hold stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<HoldCause>,
    /// Whether its job type, or its channel, is paused. A job that is paused itself is parked.
    #[serde(skip_serializing_if = "is_false")]
    paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_since: Option<String>,
    /// Failed polls in a row.
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it last brought something new, or was registered.
    last_active: String,
    context: Box<RawValue>,
}

impl JobState {
    fn of(row: JobRow, now: EpochMinute, paused: &BTreeSet<JobTypeId>) -> Self {
        let hold = row.hold.filter(|_| row.is_held(now));
        Self {
            job: JobName::from(&row.job),
            paused: paused.contains(&row.job.job_type),
            cadence_minutes: row.place.cohort().map(|cohort| cohort.cadence.minutes()),
            next_due: row.next_due(now).map(|minute| minute.to_string()),
            held_until: hold.map(|hold| hold.until.to_string()),
            held_because: hold.map(|hold| hold.cause),
            parked_because: row.parked.map(|parked| parked.reason.as_str()),
            parked_since: row.parked.map(|parked| parked.since.to_string()),
            failures: row.failures,
            error: row.error.as_deref().map(str::to_owned),
            last_active: row.last_active.to_string(),
            service_level: row.level.to_string(),
            // What a context holds is checked when it is read: it is always JSON.
            context: RawValue::from_string(row.context.as_json().to_owned()).unwrap_or_default(),
            external_id: row.subject.external_id,
            base_url: row.subject.base_url,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What became of the wish to poll a job now.
#[derive(Debug, Serialize)]
pub struct Poll {
    #[serde(flatten)]
    job: JobName,
    #[serde(flatten)]
    became: Became,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Became {
    Due { minute: String },
    Held { until: String },
    Parked { because: &'static str },
    Unregistered,
}

impl From<PollNow> for Became {
    fn from(became: PollNow) -> Self {
        match became {
            PollNow::Due(minute) => Self::Due { minute: minute.to_string() },
            PollNow::Held { until } => Self::Held { until: until.to_string() },
            PollNow::Parked(reason) => Self::Parked { because: reason.as_str() },
            PollNow::Unknown => Self::Unregistered,
        }
    }
}

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    pub(crate) async fn show(&self, selection: &Selection) -> Result<Done, ControlError> {
        let selected = self.selected(selection).await?;
        if selected.is_empty() {
            return Ok(not_registered(&selection.account, selection.channel()));
        }
        if selected.len() > MAX_SHOWN {
            let message =
                format!("selects {} jobs, at most {MAX_SHOWN} are shown: name a `target`", selected.len());
            return Ok(Done::refused("job_type", message));
        }
        let now = self.clock.now().minute();
        let rows = stream::iter(selected)
            .map(|Registration { job, place, .. }| async move { self.store.read_row(&job, place).await })
            .buffered(AT_ONCE);
        let rows: Vec<Option<JobRow>> = rows.try_collect().await?;
        // One that is on the move is there again a moment later.
        let rows: Vec<JobRow> = rows.into_iter().flatten().collect();
        let mut paused = BTreeSet::new();
        for job_type in rows.iter().map(|row| &row.job.job_type).collect::<BTreeSet<_>>() {
            if self.pauses.stops(job_type).await? {
                paused.insert(job_type.clone());
            }
        }
        let jobs = rows.into_iter().map(|row| JobState::of(row, now, &paused)).collect();
        Ok(Done::Answer(Answer::Shown { jobs }))
    }

    pub(crate) async fn poll_now(&self, selection: &Selection) -> Result<Done, ControlError> {
        let selected = self.selected(selection).await?;
        if selected.is_empty() {
            return Ok(not_registered(&selection.account, selection.channel()));
        }
        let now = self.clock.now();
        let jobs = stream::iter(selected)
            .map(|Registration { job, .. }| async move {
                let became = register::poll_now(now, &job, &self.store).await?.into();
                Ok::<_, PortError>(Poll { job: JobName::from(&job), became })
            })
            .buffered(AT_ONCE);
        Ok(Done::Answer(Answer::Polling { jobs: jobs.try_collect().await? }))
    }

    pub(crate) async fn selected(&self, selection: &Selection) -> Result<Vec<Registration>, PortError> {
        let mut all = self.store.registrations_of(&selection.account).await?;
        all.retain(|registration| selection.holds(registration));
        Ok(all)
    }
}
