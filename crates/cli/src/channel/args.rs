//! What can be asked about channels.

use std::path::PathBuf;

use clap::Subcommand;
use pollwheel_core::id::ChannelName;

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    Check(CheckArgs),
    Test(TestArgs),
    New(NewArgs),
    Replay(ReplayArgs),
}

/// Check channel files, and show what they declare.
///
/// Every problem is named with file, line, column and field; the exit code is 2 when there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pollwheel channel check channels")]
pub(crate) struct CheckArgs {
    /// A folder with a `channel.yml`, or a folder of such folders.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run the recorded polls of channels, and compare what they come to with what is expected.
///
/// `DIR/recorded/CASE.json` holds a job, its context and the exchanges of one poll. It goes through the code that polls,
/// all but the network: requests must be the recorded ones, and outcome, hints and items must be those in
/// `DIR/expected/CASE.json`. What differs is shown field by field: `-` is expected, `+` is what came.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel test
  pollwheel channel test channels/mastodon --case new_statuses
  pollwheel channel test channels --bless

Exit codes:
  0  every case is as expected, or was blessed
  1  a case differs
  2  a channel or case cannot be used: it has problems, or recorded and expected do not pair")]
pub(crate) struct TestArgs {
    /// A folder with a `channel.yml`, or a folder of such folders.
    #[arg(value_name = "DIR", default_value = "channels")]
    pub(crate) folder: PathBuf,

    /// Only this case: `CASE`, or `CHANNEL/CASE`.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,

    /// Write what the polls come to into the expected files, and say which changed. Read them as carefully as code.
    #[arg(long)]
    pub(crate) bless: bool,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a commented starting point for a new channel.
///
/// It declares a made-up API, passes `channel check`, and has a recorded poll, what is expected of it, and a README. Nothing
/// is overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel new acme
  pollwheel channel new acme --channels ~/channels

Exit codes:
  0  written
  1  a file cannot be written
  2  the name is not one, or the folder is there already")]
pub(crate) struct NewArgs {
    /// The channel's name: lower-case letters, digits, `_`, `-`.
    #[arg(value_name = "NAME")]
    pub(crate) name: ChannelName,

    /// The folder of channels.
    #[arg(long, value_name = "DIR", default_value = "channels")]
    pub(crate) channels: PathBuf,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run recorded polls through a changed channel file, and show the difference in events.
///
/// Both files, the one in DIR and the changed one, get the same recorded answers. Shown are events that come or go, and
/// each field that changes: `-` is now, `+` is with the changed file. An event whose id changes is one that consumers
/// have not seen: it is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel replay channels --with changed.yml
  git show main:channels/acme/channel.yml > old.yml && pollwheel channel replay channels/acme --with old.yml

Exit codes:
  0  the same events
  1  other events
  2  a channel or case cannot be used")]
pub(crate) struct ReplayArgs {
    /// A folder with a `channel.yml`, or a folder of such folders.
    #[arg(value_name = "DIR", default_value = "channels")]
    pub(crate) folder: PathBuf,

    /// The changed channel file. Its `channel` says whose recordings are run.
    #[arg(long, value_name = "FILE")]
    pub(crate) with: PathBuf,

    /// Only this case.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
