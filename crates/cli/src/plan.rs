//! `pollwheel plan`: what the registered jobs ask of the limits that they share, and whether it fits.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pollwheel_connector::{Channel, ChannelSet, PrivateAddresses};
use pollwheel_core::budget::Counted;
use pollwheel_core::id::ChannelName;
use pollwheel_core::plan::{Carried, LimitPlan, Plan, Planner, Room};
use pollwheel_core::policy::Catalog;
use pollwheel_core::register::NewJob;
use pollwheel_core::row::JobRow;
use pollwheel_core::time::Timestamp;
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::store::Store;

use crate::accounts::AccountsFile;
use crate::args::StateArgs;
use crate::exit::Failure;
use crate::job;
use crate::output::Output;

/// Rows read from the store in one go.
const PAGE: usize = 1000;

/// Say what jobs ask of the limits that they share, whether it fits, and how many more fit.
///
/// The jobs are those of a state folder, with the cadences that they have now; or those that an
/// accounts file asks for, with the cadences that they begin with: before anything is registered.
/// Of every limit with `calls` and `window_seconds` that accounts share: the calls that a window
/// bears, those that are asked for, the minutes that are
/// crowded, and how many more jobs of each level fit. Where more is asked for than fits, nothing
/// is refused: every job is polled less often, by the factor that is given.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  pollwheel plan --state ./state --channels channels\n  pollwheel plan --accounts accounts.jsonl --channels channels"
)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    state: StateArgs,

    /// Plan with the jobs of this accounts file instead. None is registered or polled.
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    accounts: Option<PathBuf>,

    /// The folder of channels: it has the limits.
    #[arg(long, value_name = "DIR")]
    channels: PathBuf,
}

/// Plans.
pub(crate) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let channels = ChannelSet::load(&args.channels).map_err(|errors| Failure::Input(errors.to_string()))?;
    let plan = match &args.accounts {
        Some(accounts) => of_accounts(accounts, &channels)?,
        None => of_store(&job::open(&args.state.folder)?, &channels.catalog(), |_| Carried::Unknown)?,
    };
    let mut output = Output::new();
    if args.state.json {
        output.json(&plan)?
    } else {
        write(&plan, &mut output)?
    }
    output.finish()
}

/// What a job's requests carry, when these are all the credentials that accounts have. Of the application's nothing is known.
pub(crate) fn carried(channels: &ChannelSet, credentials: &MemoryCredentials) -> impl Fn(&JobRow) -> Carried {
    |row| {
        let name = row.job.job_type.channel();
        let is_known = channels.get(name).is_some_and(Channel::has_tokens_of_accounts);
        match ChannelName::new(name) {
            Ok(channel) if is_known && credentials.has(&channel, &row.job.account) => Carried::Token,
            Ok(_) if is_known => Carried::Nothing,
            Ok(_) | Err(_) => Carried::Unknown,
        }
    }
}

/// The plan of a store's rows.
pub(crate) fn of_store(
    store: &Store,
    catalog: &Catalog,
    carried: impl Fn(&JobRow) -> Carried,
) -> Result<Plan, Failure> {
    let mut planner = Planner::new(catalog);
    let mut from = None;
    loop {
        let page = store.rows(from.as_deref(), PAGE).map_err(|error| job::failed(&error))?;
        if page.unreadable > 0 {
            tracing::warn!(rows = page.unreadable, "rows that this build cannot read are left out");
        }
        page.items.iter().for_each(|row| planner.add(row, carried(row)));
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(planner.finish()),
        }
    }
}

/// The plan of the jobs that an accounts file asks for.
fn of_accounts(path: &Path, channels: &ChannelSet) -> Result<Plan, Failure> {
    let mut file = AccountsFile::open(path)?;
    // Nothing is connected to.
    let wanted = file.check(channels, PrivateAddresses::Allowed)?;
    let carried = carried(channels, &wanted.credentials);
    let catalog = channels.catalog();
    let mut planner = Planner::new(&catalog);
    let adding = async |jobs: &[NewJob]| {
        for job in jobs {
            if let Some(spec) = catalog.get(&job.job.job_type) {
                let row = job.row(Timestamp::from_millis(0), spec);
                planner.add(&row, carried(&row));
            }
        }
        Ok::<(), Failure>(())
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().context("cannot start the runtime")?;
    runtime.block_on(file.for_each_batch(channels, PAGE, adding))?;
    Ok(planner.finish())
}

/// What is said of a limit that does not bear what is asked for.
pub(crate) fn overload(limit: &LimitPlan) -> String {
    let LimitPlan { scope, jobs, asked_per_window, planned_per_window, window_seconds, stretch, .. } = limit;
    let requests = requests(limit.counted);
    format!(
        "the limit of {scope}{requests} bears {planned_per_window:.0} calls in {window_seconds} s, and its {jobs} jobs ask for {asked_per_window:.0}: each is polled every {stretch:.2} cadences in the mean"
    )
}

const fn requests(counted: Counted) -> &'static str {
    match counted {
        Counted::Every => "",
        Counted::WithToken => ", for requests with a token,",
        Counted::WithoutToken => ", for requests without a token,",
    }
}

fn write(plan: &Plan, output: &mut Output) -> Result<(), Failure> {
    for limit in &plan.limits {
        output.line(format_args!(
            "{}{}: {} calls in {} s, {} of them left unused",
            limit.scope,
            requests(limit.counted).trim_end_matches(','),
            limit.calls,
            limit.window_seconds,
            limit.cushion
        ))?;
        output.line(format_args!(
            "  asked for  {:.1} a window by {} jobs of {} accounts, at most {:.1} with all their pages",
            limit.asked_per_window, limit.jobs, limit.accounts, limit.asked_per_window_at_most
        ))?;
        output.line(format_args!(
            "  borne      {:.1} a window, {} with further pages",
            limit.planned_per_window, limit.bears_per_window
        ))?;
        let verdict = if limit.fits {
            "it fits".to_owned()
        } else {
            format!("it does not fit: each job is polled every {:.2} cadences in the mean", limit.stretch)
        };
        output.line(format_args!("  verdict    {verdict}"))?;
        if limit.crowded_minutes > 0 {
            let named = limit.most_crowded.iter();
            let named: Vec<String> = named
                .map(|minute| format!("{} ({} of {})", minute.minute, minute.due, minute.allowance))
                .collect();
            output.line(format_args!(
                "  crowded    {} minutes a day, what does not fit goes first in the next: {}",
                limit.crowded_minutes,
                named.join(", ")
            ))?;
        }
        for Room { job_type, level, at_fastest, at_slowest } in &limit.room {
            output.line(format_args!(
                "  room for   {at_fastest} more {job_type} at level {level}, {at_slowest} at its slowest"
            ))?;
        }
    }
    if plan.limits.is_empty() {
        output.line("no channel declares a limit that accounts share, with `calls` and `window_seconds`")?;
    }
    if plan.unplanned_jobs > 0 {
        output.line(format_args!(
            "{} jobs have a limit that is not planned by: of a pool's tokens, or for requests with or without a token, which only `--accounts` tells",
            plan.unplanned_jobs
        ))?;
    }
    output.line(format_args!(
        "{} jobs share no such limit, {} are parked",
        plan.unlimited_jobs, plan.parked_jobs
    ))
}
