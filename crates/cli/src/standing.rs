//! `pollwheel status`: where each job type of a state folder stands.

use std::collections::BTreeMap;

use pollwheel_core::id::JobTypeId;
use pollwheel_core::ports::PauseScope;
use pollwheel_core::time::EpochMinute;
use pollwheel_local::store::Store;
use serde::Serialize;

use crate::args::{Condition, StateArgs};
use crate::exit::Failure;
use crate::job::{self, Moments, condition, pauses};
use crate::output::Output;

/// Rows read from the store in one go.
const PAGE: usize = 1000;

/// Say where each job type in a state folder stands: its jobs, its last minute, pauses, throttles.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pollwheel status --state ./state\n  pollwheel status --state ./state --json"
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    state: StateArgs,
}

/// Where a job type stands.
#[derive(Debug, Serialize)]
struct Standing {
    job_type: JobTypeId,
    jobs: u64,
    active: u64,
    held: u64,
    /// Jobs out of the wheel, by reason.
    parked: BTreeMap<&'static str, u64>,
    /// Channels or job types whose pause stops it.
    paused_by: Vec<String>,
    throttled_until: Option<String>,
    /// The last minute whose work is durably enqueued.
    done_up_to: Option<EpochMinute>,
}

/// Says it.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let store = job::open(&args.state.folder)?;
    let mut output = Output::new();
    for standing in standings(&store)?.into_values() {
        if args.state.json { output.json(&standing)? } else { output.line(standing.line())? }
    }
    output.finish()
}

fn standings(store: &Store) -> Result<BTreeMap<JobTypeId, Standing>, Failure> {
    let mut moments = Moments::new(store);
    let mut standings = BTreeMap::new();
    let mut from = None;
    loop {
        let page = store.rows(from.as_deref(), PAGE).map_err(|error| job::failed(&error))?;
        if page.unreadable > 0 {
            tracing::warn!(rows = page.unreadable, "rows that this build cannot read are left out");
        }
        for row in &page.items {
            let job_type = &row.job.job_type;
            let minute = job::wait(moments.next(job_type))?;
            if !standings.contains_key(job_type) {
                standings.insert(job_type.clone(), Standing::of(job_type, store, &mut moments)?);
            }
            let Some(standing) = standings.get_mut(job_type) else { continue };
            standing.jobs += 1;
            match (condition(row, minute), row.parked) {
                (Condition::Parked, Some(parked)) => {
                    *standing.parked.entry(parked.reason.as_str()).or_default() += 1;
                }
                (Condition::Held, _) => standing.held += 1,
                (Condition::Active | Condition::Parked, _) => standing.active += 1,
            }
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(standings),
        }
    }
}

impl Standing {
    fn of(job_type: &JobTypeId, store: &Store, moments: &mut Moments<'_>) -> Result<Self, Failure> {
        let gate = job::wait(moments.gate(job_type))?;
        let next = job::wait(moments.next(job_type))?;
        Ok(Self {
            job_type: job_type.clone(),
            jobs: 0,
            active: 0,
            held: 0,
            parked: BTreeMap::new(),
            paused_by: pauses(store, job_type)?.iter().map(name).collect(),
            throttled_until: gate
                .throttled_until
                .filter(|until| *until > next.start())
                .map(|until| until.to_rfc3339()),
            done_up_to: gate.cursor,
        })
    }

    fn line(&self) -> String {
        let Self { job_type, jobs, active, held, .. } = self;
        let parked: u64 = self.parked.values().sum();
        let mut line = format!("{job_type:<30} {jobs} jobs: {active} active, {held} held, {parked} parked");
        if parked > 0 {
            let reasons: Vec<String> =
                self.parked.iter().map(|(reason, jobs)| format!("{reason} {jobs}")).collect();
            line = format!("{line} ({})", reasons.join(", "));
        }
        if let Some(minute) = self.done_up_to {
            line = format!("{line}; ticks are done up to {minute}");
        }
        if !self.paused_by.is_empty() {
            line = format!("{line}; paused by `{}`", self.paused_by.join("` and `"));
        }
        if let Some(until) = &self.throttled_until {
            line = format!("{line}; a limit is spent until {until}");
        }
        line
    }
}

fn name(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Channel(channel) => channel.to_string(),
        PauseScope::JobType(job_type) => job_type.to_string(),
    }
}
