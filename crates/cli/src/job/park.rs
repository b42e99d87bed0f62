//! `pollwheel job park` and `job unpark`: jobs out of the wheel, and back into it.

use std::path::Path;

use pollwheel_connector::ChannelSet;
use pollwheel_core::id::JobId;
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::register;
use pollwheel_core::row::{JobRow, ParkReason};
use pollwheel_local::store::Store;
use serde_json::json;

use super::args::{JobParkArgs, JobUnparkArgs};
use super::moment::Moments;
use super::{failed, find, open, wait};
use crate::exit::Failure;
use crate::output::Output;

/// Rows read from the store in one go.
const PAGE: usize = 1000;

/// Parks the jobs that the arguments name.
pub(crate) fn park(args: &JobParkArgs) -> Result<(), Failure> {
    let catalog = catalog(&args.channels)?;
    let store = open(&args.state.folder)?;
    let rows = wait(find(&store, &args.job))?;
    let mut moments = Moments::new(&store);
    let mut output = Output::new();
    for row in rows {
        let now = wait(moments.next(&row.job.job_type))?.start();
        let spec = spec(&catalog, &row.job)?;
        let parked = wait(async {
            register::park(now, &row.job, spec, &store).await.map_err(|error| failed(&error))
        })?;
        let told = if parked { "parked" } else { "was parked already" };
        tell(&mut output, args.state.json, &row.job, told, row.parked.map(|parked| parked.reason))?;
    }
    output.finish()
}

/// Unparks the jobs that the arguments name, or a page of those that they choose.
pub(crate) fn unpark(args: &JobUnparkArgs) -> Result<(), Failure> {
    let catalog = catalog(&args.channels)?;
    let store = open(&args.state.folder)?;
    let mut output = Output::new();
    if let Some(job) = &args.job {
        for row in wait(find(&store, job))?.iter().filter(|row| is_chosen(row, args)) {
            unpark_one(row, &catalog, &store, (args, &mut output))?;
        }
        return output.finish();
    }
    let mut left = if args.all { usize::MAX } else { args.limit.get() };
    let mut from = None;
    loop {
        let page = store.rows(from.as_deref(), PAGE).map_err(|error| failed(&error))?;
        if page.unreadable > 0 {
            tracing::warn!(rows = page.unreadable, "rows that this build cannot read are left out");
        }
        let chosen = page.items.iter().filter(|row| row.parked.is_some() && is_chosen(row, args));
        for row in chosen {
            if left == 0 {
                output.finish()?;
                eprintln!("there are more: the same command goes on with them");
                return Ok(());
            }
            left -= 1;
            unpark_one(row, &catalog, &store, (args, &mut output))?;
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return output.finish(),
        }
    }
}

fn unpark_one(
    row: &JobRow,
    catalog: &Catalog,
    store: &Store,
    (args, output): (&JobUnparkArgs, &mut Output),
) -> Result<(), Failure> {
    let spec = spec(catalog, &row.job)?;
    let reason = args.reason.map(ParkReason::from);
    let unparked = wait(async {
        let now = Moments::new(store).next(&row.job.job_type).await?.start();
        register::unpark_if(now, &row.job, reason, spec, store).await.map_err(|error| failed(&error))
    })?;
    let told = if unparked { "unparked" } else { "was not parked" };
    tell(output, args.state.json, &row.job, told, row.parked.map(|parked| parked.reason))
}

/// Whether the arguments choose a row by more than its name.
fn is_chosen(row: &JobRow, args: &JobUnparkArgs) -> bool {
    let job_type = &row.job.job_type;
    let reason = args.reason.map(ParkReason::from);
    args.channel.as_ref().is_none_or(|channel| job_type.channel() == channel.as_str())
        && args.job_type.as_ref().is_none_or(|wanted| wanted == job_type)
        && reason.is_none_or(|reason| row.parked.is_some_and(|parked| parked.reason == reason))
}

/// The job types of a folder of channels.
pub(crate) fn catalog(channels: &Path) -> Result<Catalog, Failure> {
    Ok(ChannelSet::load(channels).map_err(|errors| Failure::Input(errors.to_string()))?.catalog())
}

/// A job's place in the wheel follows from its channel, so a job without one cannot be moved.
pub(crate) fn spec<'c>(catalog: &'c Catalog, job: &JobId) -> Result<&'c JobTypeSpec, Failure> {
    catalog.get(&job.job_type).ok_or_else(|| {
        Failure::Input(format!("no channel declares the job type of `{job}`: name the folder that does"))
    })
}

/// Says what became of a job.
pub(crate) fn tell(
    output: &mut Output,
    as_json: bool,
    job: &JobId,
    told: &str,
    was: Option<ParkReason>,
) -> Result<(), Failure> {
    let was = was.map(ParkReason::as_str);
    if as_json {
        return output.json(&json!({"job": job.to_string(), "result": told, "was": was}));
    }
    match was {
        Some(was) => output.line(format_args!("{job}  {told} ({was})")),
        None => output.line(format_args!("{job}  {told}")),
    }
}
