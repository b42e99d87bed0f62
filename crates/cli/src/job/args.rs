//! What can be asked about jobs.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::row::ParkReason;

use crate::args::{StateArgs, at_least_one};

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    List(JobListArgs),
    Show(JobShowArgs),
    Explain(JobExplainArgs),
    Park(JobParkArgs),
    Unpark(JobUnparkArgs),
}

/// List jobs: where each is, and when it is due.
///
/// Jobs come in the order of their place in the wheel, a page at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel job list --state ./state --held
  pollwheel job list --state ./state --channel mastodon --limit 1000 --json")]
pub(crate) struct JobListArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,

    /// Only jobs of this channel.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<ChannelName>,

    /// Only jobs of this job type, such as `mastodon/statuses`.
    #[arg(long, value_name = "CHANNEL/NAME")]
    pub(crate) job_type: Option<JobTypeId>,

    /// Only jobs of this account.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,

    /// Only jobs in this condition.
    #[arg(long = "only", value_name = "CONDITION")]
    pub(crate) only: Option<Condition>,

    /// Jobs on a page.
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) limit: NonZeroUsize,

    /// Go on after an earlier page, with the text that it ended with.
    #[arg(long, value_name = "TEXT", conflicts_with = "all")]
    pub(crate) after: Option<String>,

    /// Every page.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The condition of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Condition {
    /// In the wheel, and not on hold.
    Active,
    /// In the wheel, and skipped for some time.
    Held,
    /// Out of the wheel.
    Parked,
}

/// Show a job's row.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pollwheel job show mastodon/statuses:a1 --state ./state")]
pub(crate) struct JobShowArgs {
    /// A job, as `job list` shows it (`mastodon/statuses:a1`), or an account id: all its jobs.
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// Say why a job's next poll is when it is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pollwheel job explain mastodon/statuses:a1 --state ./state --channels channels"
)]
pub(crate) struct JobExplainArgs {
    /// A job, as `job list` shows it (`mastodon/statuses:a1`), or an account id: all its jobs.
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    #[command(flatten)]
    pub(crate) state: StateArgs,

    /// The folder of channels: shows what the account's service level allows.
    #[arg(long, value_name = "DIR")]
    pub(crate) channels: Option<PathBuf>,
}

/// Take jobs out of the wheel until they are unparked, their contexts kept.
///
/// A run with the same accounts file does not bring them back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pollwheel job park mastodon/statuses:a1 --state ./state --channels channels"
)]
pub(crate) struct JobParkArgs {
    /// A job, as `job list` shows it (`mastodon/statuses:a1`), or an account id: all its jobs.
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    #[command(flatten)]
    pub(crate) state: StateArgs,

    /// The folder of channels.
    #[arg(long, value_name = "DIR")]
    pub(crate) channels: PathBuf,
}

/// Take parked jobs back into the wheel, their contexts kept, their failures forgotten.
///
/// One job, or all of an account; or those of a channel, of a job type, or that were parked for a
/// reason, a page at a time.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    group = clap::ArgGroup::new("which").required(true).multiple(true).args(["job", "channel", "job_type", "reason"]),
    after_help = "\
Examples:
  pollwheel job unpark mastodon/statuses:a1 --state ./state --channels channels
  pollwheel job unpark --reason quarantined --channel mastodon --channels channels
  pollwheel job unpark --reason gone --all --json --channels channels"
)]
pub(crate) struct JobUnparkArgs {
    /// A job, as `job list` shows it (`mastodon/statuses:a1`), or an account id: all its jobs.
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<String>,

    #[command(flatten)]
    pub(crate) state: StateArgs,

    /// The folder of channels.
    #[arg(long, value_name = "DIR")]
    pub(crate) channels: PathBuf,

    /// Only jobs of this channel.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<ChannelName>,

    /// Only jobs of this job type, such as `mastodon/statuses`.
    #[arg(long, value_name = "CHANNEL/NAME")]
    pub(crate) job_type: Option<JobTypeId>,

    /// Only jobs that were parked for this reason.
    #[arg(long, value_name = "REASON")]
    pub(crate) reason: Option<Reason>,

    /// Jobs on a page.
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) limit: NonZeroUsize,

    /// Every page.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Why a job is out of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    /// The third party refuses the account's credentials.
    Unauthorized,
    /// The third party no longer knows the account.
    Gone,
    /// The job ended its worker too many times in a row.
    Quarantined,
    /// Its account is no longer in the accounts file.
    Withdrawn,
    /// An operator has parked it.
    Paused,
}

impl From<Reason> for ParkReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unauthorized => Self::Unauthorized,
            Reason::Gone => Self::Gone,
            Reason::Quarantined => Self::Quarantined,
            Reason::Withdrawn => Self::Withdrawn,
            Reason::Paused => Self::Paused,
        }
    }
}
