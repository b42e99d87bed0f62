//! `pollwheel pause` and `pollwheel resume`: a channel, a job type, or an account.

use std::path::PathBuf;

use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::ports::PauseScope;
use pollwheel_core::register;
use pollwheel_core::row::JobRow;
use pollwheel_local::store::Store;
use serde_json::json;

use crate::args::StateArgs;
use crate::exit::Failure;
use crate::job::{self, Moments, catalog, spec, tell};
use crate::output::Output;

/// Stop the polls of a channel, a job type or an account; `resume` lets them go on.
///
/// A channel or a job type is not dispatched while it is paused; after the resume each of its jobs
/// is polled once for what was missed. An account's jobs are parked: they leave the wheel with
/// their contexts kept, and no accounts file brings them back before the resume.
///
/// The state folder must not be in use by a run. A pause outlasts restarts.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    group = clap::ArgGroup::new("what").required(true).multiple(true).args(["channel", "job_type", "account"]),
    after_help = "\
Examples:
  pollwheel pause --channel mastodon --state ./state
  pollwheel resume --job-type mastodon/statuses --state ./state
  pollwheel pause --account a1 --channel mastodon --state ./state --channels channels"
)]
pub(crate) struct PauseArgs {
    /// A channel; with `--account`, the account's jobs on it.
    #[arg(long, value_name = "NAME", conflicts_with = "job_type")]
    channel: Option<ChannelName>,

    /// A job type, such as `mastodon/statuses`; with `--account`, the account's jobs of it.
    #[arg(long, value_name = "CHANNEL/NAME")]
    job_type: Option<JobTypeId>,

    /// An account.
    #[arg(long, value_name = "ID", requires = "channels")]
    account: Option<String>,

    #[command(flatten)]
    state: StateArgs,

    /// The folder of channels.
    #[arg(long, value_name = "DIR")]
    channels: Option<PathBuf>,
}

/// Stops polls.
pub(crate) fn pause(args: &PauseArgs) -> Result<(), Failure> {
    run(args, Wish::Pause)
}

/// Lets polls go on.
pub(crate) fn resume(args: &PauseArgs) -> Result<(), Failure> {
    run(args, Wish::Resume)
}

#[derive(Debug, Clone, Copy)]
enum Wish {
    Pause,
    Resume,
}

fn run(args: &PauseArgs, wish: Wish) -> Result<(), Failure> {
    let store = job::open(&args.state.folder)?;
    let mut output = Output::new();
    match (&args.account, &args.channel, &args.job_type) {
        (Some(account), _, _) => of_account(account, args, wish, &store, &mut output)?,
        (None, Some(channel), _) => {
            of_scope(&PauseScope::Channel(channel.clone()), args, wish, &store, &mut output)?
        }
        (None, None, Some(job_type)) => {
            of_scope(&PauseScope::JobType(job_type.clone()), args, wish, &store, &mut output)?
        }
        (None, None, None) => {
            return Err(Failure::Input("name a `--channel`, a `--job-type` or an `--account`".to_owned()));
        }
    }
    output.finish()
}

fn of_scope(
    scope: &PauseScope,
    args: &PauseArgs,
    wish: Wish,
    store: &Store,
    output: &mut Output,
) -> Result<(), Failure> {
    let (name, known) = match scope {
        PauseScope::Channel(channel) => {
            (channel.as_str(), known(store, |id| id.channel() == channel.as_str())?)
        }
        PauseScope::JobType(job_type) => (job_type.as_str(), known(store, |id| id == job_type)?),
    };
    if let (Wish::Pause, false) = (wish, known) {
        let message =
            format!("no job in the state folder is of `{name}`: `pollwheel status` lists what there is");
        return Err(Failure::Input(message));
    }
    let was = store.is_paused(scope).map_err(|error| job::failed(&error))?;
    let (done, told) = match wish {
        Wish::Pause => (store.pause(scope), if was { "was paused already" } else { "paused" }),
        Wish::Resume => (store.resume(scope), if was { "resumed" } else { "was not paused" }),
    };
    done.map_err(|error| job::failed(&error))?;
    if args.state.json {
        output.json(&json!({"scope": name, "result": told}))
    } else {
        output.line(format_args!("{name}  {told}"))
    }
}

fn known(store: &Store, is_one: impl Fn(&JobTypeId) -> bool) -> Result<bool, Failure> {
    let counts = store.row_counts().map_err(|error| job::failed(&error))?;
    Ok(counts.iter().any(|count| is_one(&count.job_type)))
}

fn of_account(
    account: &str,
    args: &PauseArgs,
    wish: Wish,
    store: &Store,
    output: &mut Output,
) -> Result<(), Failure> {
    let folder = args.channels.as_ref();
    let folder = folder.ok_or_else(|| Failure::Input("`--account` needs `--channels`".to_owned()))?;
    let catalog = catalog(folder)?;
    let mut rows = job::wait(job::find(store, account))?;
    rows.retain(|row| row.job.account.as_str() == account && is_chosen(row, args));
    if rows.is_empty() {
        return Err(Failure::Input(format!("account `{}` has no such job", account.escape_debug())));
    }
    let mut moments = Moments::new(store);
    for row in rows {
        let spec = spec(&catalog, &row.job)?;
        let done = job::wait(async {
            let now = moments.next(&row.job.job_type).await?.start();
            let done = match wish {
                Wish::Pause => register::park(now, &row.job, spec, store).await,
                Wish::Resume => register::resume(now, &row.job, spec, store).await,
            };
            done.map_err(|error| job::failed(&error))
        })?;
        let told = match (wish, done) {
            (Wish::Pause, true) => "paused",
            (Wish::Pause, false) => "was parked already",
            (Wish::Resume, true) => "resumed",
            (Wish::Resume, false) => "was not paused",
        };
        tell(output, args.state.json, &row.job, told, row.parked.map(|parked| parked.reason))?;
    }
    Ok(())
}

fn is_chosen(row: &JobRow, args: &PauseArgs) -> bool {
    let job_type = &row.job.job_type;
    args.channel.as_ref().is_none_or(|channel| job_type.channel() == channel.as_str())
        && args.job_type.as_ref().is_none_or(|wanted| wanted == job_type)
}
