//! `pollwheel job show`: a row as it is stored, and the pauses that stop it.

use anyhow::Context;
use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::ports::PauseScope;
use pollwheel_core::row::JobRow;
use pollwheel_local::store::Store;
use serde::Serialize;

use super::{failed, find, open, wait};
use crate::args::JobShowArgs;
use crate::exit::Failure;
use crate::output::Output;

/// A row, and what its place in the wheel does not tell.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    row: JobRow,
    /// The channel or job type whose pause stops the job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused_by: Vec<String>,
}

/// Shows the rows of a job or an account.
pub(crate) fn show(args: &JobShowArgs) -> Result<(), Failure> {
    let store = open(&args.state.folder)?;
    let rows = wait(find(&store, &args.job))?;
    let mut output = Output::new();
    for row in rows {
        let paused_by = pauses(&store, &row.job.job_type)?.into_iter().map(|scope| match scope {
            PauseScope::Channel(channel) => channel.to_string(),
            PauseScope::JobType(job_type) => job_type.to_string(),
        });
        let shown = Shown { paused_by: paused_by.collect(), row };
        if args.state.json {
            output.json(&shown)?;
        } else {
            output.line(&shown.row.job)?;
            if !shown.paused_by.is_empty() {
                output.line(format_args!("paused by `{}`", shown.paused_by.join("` and `")))?;
            }
            output.line(serde_json::to_string_pretty(&shown).context("cannot write the row as JSON")?)?;
        }
    }
    output.finish()
}

/// The pauses that stop a job type: its own, and its channel's.
pub(crate) fn pauses(store: &Store, job_type: &JobTypeId) -> Result<Vec<PauseScope>, Failure> {
    let channel = ChannelName::new(job_type.channel()).context("a channel without a name")?;
    let mut scopes = vec![PauseScope::Channel(channel), PauseScope::JobType(job_type.clone())];
    let mut failure = None;
    scopes.retain(|scope| {
        store.is_paused(scope).unwrap_or_else(|error| {
            failure = Some(failed(&error));
            false
        })
    });
    failure.map_or(Ok(scopes), Err)
}
