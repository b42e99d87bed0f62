//! `pollwheel job`: looks into a state folder that no run holds, and parks or unparks what is in it.

mod activity;
pub(crate) mod args;
mod explain;
mod list;
mod moment;
mod park;
mod show;

use std::path::Path;

use anyhow::{Context, anyhow};
use pollwheel_core::id::{AccountId, JobId, JobTypeId};
use pollwheel_core::ports::PortError;
use pollwheel_core::row::JobRow;
use pollwheel_local::store::Store;

use crate::exit::Failure;

pub(crate) use explain::{explain, next as next_poll};
pub(crate) use list::{cause, condition, list};
pub(crate) use moment::Moments;
pub(crate) use park::{catalog, park, spec, tell, unpark};
pub(crate) use show::{pauses, show};

/// The store's file: what makes a folder a state folder.
const STORE: &str = "pollwheel.redb";
/// Registrations looked at in one go.
const PAGE: usize = 1000;

/// Opens a state folder that is there. Makes none.
pub(crate) fn open(folder: &Path) -> Result<Store, Failure> {
    if !folder.join(STORE).is_file() {
        let message = format!("`{}` is not a state folder: name the `--state` of a run", folder.display());
        return Err(Failure::Input(message));
    }
    Ok(Store::open(folder).map_err(anyhow::Error::new)?)
}

/// Answers a question that has to wait for nothing.
pub(crate) fn wait<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().context("cannot start the runtime")?;
    runtime.block_on(answer)
}

pub(crate) fn failed(error: &PortError) -> Failure {
    anyhow!("{}", error.chain()).into()
}

/// The jobs that a text names: one, or all of an account.
pub(crate) async fn find(store: &Store, text: &str) -> Result<Vec<JobRow>, Failure> {
    let mut rows = Vec::new();
    if let Some(job) = parse(text) {
        rows.extend(row(store, &job).await?);
    }
    if rows.is_empty() {
        for job in jobs_of(store, text)? {
            rows.extend(row(store, &job).await?);
        }
    }
    if rows.is_empty() {
        let message = format!(
            "there is no job and no account `{}`: `pollwheel job list` shows what there is",
            text.escape_debug()
        );
        return Err(Failure::Input(message));
    }
    Ok(rows)
}

async fn row(store: &Store, job: &JobId) -> Result<Option<JobRow>, Failure> {
    store.find_row(job).await.map_err(|error| failed(&error))
}

/// `channel/job_type:account`. An account may have colons in its id, so a target after it is found by looking.
fn parse(text: &str) -> Option<JobId> {
    let (job_type, account) = text.split_once(':')?;
    let job_type = JobTypeId::new(job_type).ok()?;
    Some(JobId { job_type, account: AccountId::new(account).ok()?, target: None })
}

fn jobs_of(store: &Store, text: &str) -> Result<Vec<JobId>, Failure> {
    let wanted = |job: &JobId| job.account.as_str() == text || job.to_string() == text;
    let mut jobs = Vec::new();
    let mut from = None;
    loop {
        let page = store.registrations(from.as_deref(), PAGE).map_err(|error| failed(&error))?;
        jobs.extend(page.items.into_iter().map(|registration| registration.job).filter(wanted));
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(jobs),
        }
    }
}
