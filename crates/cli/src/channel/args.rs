//! What can be asked about channels.

use std::path::PathBuf;

use clap::Subcommand;
use pollwheel_core::id::ChannelName;

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    Check(CheckArgs),
    Schema(SchemaArgs),
    Test(TestArgs),
    New(NewArgs),
    Try(TryArgs),
    Record(RecordArgs),
    Score(ScoreArgs),
    Replay(ReplayArgs),
}

/// Check channel files, and show what they declare.
///
/// Every problem is named with file, line, column and field. What is right and probably not meant (a cadence that the
/// limits do not allow, a scope that the token will not have, a part that nothing uses) is a warning.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel check channels
  pollwheel channel check channels/acme --strict --json

Exit codes:
  0  no problem, and with --strict no warning
  1  a warning, with --strict
  2  a problem")]
pub(crate) struct CheckArgs {
    /// A folder with a `channel.yml`, or a folder of such folders.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Fail on warnings too.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print the JSON Schema of channel files, for editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pollwheel channel schema > channel.schema.json")]
pub(crate) struct SchemaArgs {}

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

/// Poll a real account once, and show everything.
///
/// Shown are each request and what came back in short, the items, the context before and after, limits and floors, what
/// a deployment would decide and when it would poll next. Nothing is published and nothing is kept. Secrets show as ***.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel try mastodon --account account.json
  pollwheel channel try acme --account accounts.jsonl --id a7 --job-type posts --twice
  pollwheel channel try reddit --account account.json --applications applications.jsonl
  pollwheel channel try acme --account account.json --context '{\"poll\": {\"cursor\": \"1002\"}}' --json

Exit codes:
  0  polled, whatever it came to
  1  it cannot be polled from this machine: no request had an answer
  2  a channel, the account or an argument has problems: nothing was asked")]
pub(crate) struct TryArgs {
    #[command(flatten)]
    pub(crate) live: LiveArgs,

    /// Poll a second time, at once, from the context after the first: shows the conditional request. Not done when the
    /// first poll failed or a limit is spent.
    #[arg(long)]
    pub(crate) twice: bool,
}

/// Poll a real account once, and save the exchanges as a recorded case.
///
/// Taken out by rule, in URLs, headers and bodies: the secrets of the account and of the application, what members with
/// telling names hold (`email`, `name`, `address`, `avatar`, `token`, `private_key`), every string of a person's object but
/// ids, times and words of the API's own, mail addresses, telephone numbers, keys and network addresses anywhere, and all
/// headers that say nothing about polling. The same value gets the same stand-in everywhere, of the same shape, so that the
/// case replays. Item ids and times stay. docs/channel-commands.md has the rules and all names. Read both files before you
/// commit them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel record mastodon --account account.json --case first_poll
  pollwheel channel record acme --account account.json --case new_posts --context '{\"poll\": {\"cursor\": \"1002\"}}' \\
    --redact nick --about 'Two posts since the last poll.'

Exit codes:
  0  written, and it replays as the poll went
  1  written, but it replays otherwise; or nothing was written, and it is said why
  2  a channel, the account or an argument has problems: nothing was asked")]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub(crate) live: LiveArgs,

    /// The name of the case: `recorded/CASE.json` and `expected/CASE.json` in the channel's folder.
    #[arg(long, value_name = "CASE", value_parser = case_name)]
    pub(crate) case: String,

    /// What happens in it, for its reader.
    #[arg(long, value_name = "TEXT")]
    pub(crate) about: Option<String>,

    /// Take out what members of this name hold, too. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) redact: Vec<String>,

    /// Replace a case of the same name.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Which account to poll, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LiveArgs {
    /// The channel.
    #[arg(value_name = "NAME")]
    pub(crate) name: ChannelName,

    /// A file with the account, as for `pollwheel run --accounts`: JSON lines, or one object. The first account of the
    /// channel is polled.
    #[arg(long, value_name = "FILE")]
    pub(crate) account: PathBuf,

    /// The deployment's own credentials of channels, as for `pollwheel run --applications`, for a channel that polls with
    /// them. Of a pool the first token is used. A token is had for id and secret where that takes no refresh token.
    #[arg(long, value_name = "FILE")]
    pub(crate) applications: Option<PathBuf>,

    /// The account with this `account_id`.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// The folder of channels.
    #[arg(long, value_name = "DIR", default_value = "channels")]
    pub(crate) channels: PathBuf,

    /// The job type: `posts`. Needed where the account is polled by several.
    #[arg(long, value_name = "NAME")]
    pub(crate) job_type: Option<String>,

    /// What is polled, where the job type polls several things. The account's first target when it is left out.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,

    /// The job's context: JSON, or a file with it. The account's own when it is left out, and the poll is a first poll
    /// when that has none.
    #[arg(long, value_name = "JSON|FILE")]
    pub(crate) context: Option<String>,

    /// Allow requests to loopback, private and other special addresses.
    #[arg(long)]
    pub(crate) allow_private_addresses: bool,

    /// A URL or mail address, sent in the User-Agent, at which the API's operator can reach you.
    #[arg(long, value_name = "URL|MAIL", value_parser = crate::contact::parse)]
    pub(crate) contact: Option<String>,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Score how politely a channel polls.
///
/// Each rule is measured: the channel's job types run under virtual time against answers made up from their recordings,
/// through the code that polls and the core's decision. Points that are missing come with the reason. A rule about
/// something that the API does not do shows as `-` and costs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel channel score
  pollwheel channel score channels/acme --verbose
  pollwheel channel score channels --min 90

Exit codes:
  0  scored, and no channel is below the minimum
  1  a channel is below it
  2  a channel or case has problems")]
pub(crate) struct ScoreArgs {
    /// A folder with a `channel.yml`, or a folder of such folders.
    #[arg(value_name = "DIR", default_value = "channels")]
    pub(crate) folder: PathBuf,

    /// The lowest score that is good enough, of 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) min: Option<u32>,

    /// Show what was measured for every rule.
    #[arg(long)]
    pub(crate) verbose: bool,

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
  0  the same events, had by the same requests
  1  other events, another outcome, other requests, or a case that cannot be run any more
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

fn case_name(text: &str) -> Result<String, String> {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(is_good) {
        Ok(text.to_owned())
    } else {
        Err("a case's name is of lower-case letters, digits, `_` and `-`, at most 64".to_owned())
    }
}
