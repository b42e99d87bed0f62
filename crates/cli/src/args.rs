//! The command line: what can be asked, explained to somebody who sees it for the first time.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use jiff::SignedDuration;

use crate::channel::ChannelCommand;
use crate::cost::CostArgs;
pub(crate) use crate::job::args::{Condition, JobCommand, JobExplainArgs, JobListArgs, JobShowArgs};
use crate::pause::PauseArgs;
use crate::plan::PlanArgs;
use crate::simulate::SimulateArgs;
use crate::standing::StatusArgs;

/// The longest tick is a minute: a wheel slower than the clock would be late at once.
const MAX_TICK: Duration = Duration::from_secs(60);
/// Below this the loop itself takes longer than a tick.
const MIN_TICK: Duration = Duration::from_millis(1);

/// Polls third-party APIs for many accounts, on a schedule, and publishes what is new as events.
///
/// Start here:
///
///   pollwheel run --demo
///
/// It polls 200 accounts of a built-in imitation of Mastodon and GitHub and prints what they
/// post. Then write a file of accounts of your own, see `pollwheel run --help`.
#[derive(Debug, Parser)]
#[command(name = "pollwheel", version, verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What to log: `off`, `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `pollwheel_connector=debug`. The
    /// default is RUST_LOG, or else `info`, or `off` for a simulation. Tokens, headers, bodies and queries are never logged.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped by SIGINT or SIGTERM
  1  something failed: the state folder is in use, a file cannot be written, ...; or what was
     asked for is not so: a recorded poll differs, a score is too low
  2  bad input: an argument, a channel file, an accounts file. Nothing was started";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    /// Write, check, test and try channel files.
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Look at the jobs in a state folder, and park or unpark them.
    #[command(subcommand)]
    Job(JobCommand),
    Pause(PauseArgs),
    Resume(PauseArgs),
    Status(StatusArgs),
    Plan(PlanArgs),
    Cost(CostArgs),
    Simulate(SimulateArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// What a command logs when nobody says otherwise. A simulation injects thousands of faults on purpose: its report, and
    /// not the log, says what came of them.
    pub(crate) const fn usual_log(&self) -> &'static str {
        match self {
            Self::Simulate(_) => "off",
            Self::Run(_)
            | Self::Channel(_)
            | Self::Job(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Status(_)
            | Self::Plan(_)
            | Self::Cost(_)
            | Self::Completions(_) => "info",
        }
    }
}

/// Poll accounts and publish what is new.
///
/// Accounts come from a file with one JSON object a line:
///
///   {"account_id": "a1", "channel": "mastodon", "service_level": "professional",
///    "external_id": "42", "base_url": "https://...", "token": "..."}
///
///   account_id     your own id of the account (required)
///   channel        a channel in the folder of channels (required)
///   service_level  the account's plan, one that the channel declares: how often it is polled (required)
///   cadence        {"fastest", "slowest"} in minutes, instead of its level's
///   external_id    the account's id at the third party (required)
///   job_types      a list of the channel's job types; all of them when left out
///   targets        a list of what is polled for the account, where the job type polls several things
///   base_url       where the account's API is, when the channel needs or allows it
///   token          what requests authenticate with; it is kept in memory only
///   credentials    more than a token: {"token", "refresh_token", "expires_at", "username", "password", ...}
///   context        a JSON object that a new job starts from
///
/// Channels that poll with credentials of the deployment's own take them from a second file of the kind:
///
///   {"channel": "reddit", "credentials": {"client_id": "...", "client_secret": "..."}}
///   {"channel": "github", "tokens": [{"name": "one", "token": "..."}, {"name": "two", "token": "..."}]}
///
/// The file is checked whole before anything is registered. Running again with the same file changes
/// nothing; accounts that are no longer in it are withdrawn, and go on where they stopped when they return.
///
/// New items are published as CloudEvents 1.0, one JSON object a line. The first poll of an account
/// publishes nothing, unless its channel says otherwise: it notes where the account stands.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_long_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Run against a built-in imitation of Mastodon and GitHub: 200 accounts, nothing to configure, nothing kept.
    #[arg(long, conflicts_with_all = ["channels", "accounts", "applications", "secrets", "state", "memory", "allow_private_addresses", "contact"])]
    pub(crate) demo: bool,

    /// A folder of channels, `DIR/*/channel.yml`, or of one, `DIR/channel.yml`.
    #[arg(long, value_name = "DIR", required_unless_present = "demo")]
    pub(crate) channels: Option<PathBuf>,

    /// The accounts to poll, as JSON lines.
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    pub(crate) accounts: Option<PathBuf>,

    /// The deployment's own credentials of channels, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) applications: Option<PathBuf>,

    /// Where tokens are kept that were renewed, from run to run; it is made when it is missing, for its owner only. Channels
    /// whose refresh tokens are good for one use need it, unless nothing is kept.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,

    /// Where jobs are kept from run to run; it is made when it is missing. No secret is stored in it.
    #[arg(long, value_name = "DIR", default_value = "./state", conflicts_with = "memory")]
    pub(crate) state: PathBuf,

    /// Keep nothing: jobs end with the process.
    #[arg(long)]
    pub(crate) memory: bool,

    /// Let a minute of the wheel pass in this time, such as `200ms` or `1s`: everything counted in minutes, or spread
    /// over one, is that much faster. Waits that a server asks for are kept in real time,
    /// up to a day of the wheel.
    /// Without it the wheel keeps the wall clock's time.
    #[arg(long, value_name = "DURATION", value_parser = tick, allow_hyphen_values = true)]
    pub(crate) tick: Option<Duration>,

    /// Stop after this many ticks, once what they dispatched is done.
    #[arg(long, value_name = "N")]
    pub(crate) ticks: Option<u64>,

    /// Where events go: a file that is appended to, or `-` for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) events: PathBuf,

    /// Write the final report into a file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Allow requests to loopback, private and other special addresses. They are refused otherwise, so that an account's
    /// `base_url` cannot reach into your network.
    #[arg(long)]
    pub(crate) allow_private_addresses: bool,

    /// A URL or mail address, sent in the User-Agent, at which an API's operator can reach you.
    #[arg(long, value_name = "URL|MAIL", value_parser = crate::contact::parse)]
    pub(crate) contact: Option<String>,

    /// Most polls under way at once, for each job type.
    #[arg(long, value_name = "N", default_value = "128", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) concurrency: NonZeroUsize,

    /// The seed of jitter. Two deployments with different seeds do not retry in step.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Show the final report as JSON, on standard output, or on standard error when events go to standard output. The
    /// demo shows its events as JSON too.
    #[arg(long)]
    pub(crate) json: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  pollwheel run --demo
  pollwheel run --channels channels --accounts accounts.jsonl --contact https://example.com/bot
  pollwheel run --channels channels --accounts accounts.jsonl --state /var/lib/pollwheel --events events.ndjson
  pollwheel run --channels channels --accounts accounts.jsonl --applications applications.jsonl --secrets secrets
  pollwheel run --channels channels --accounts accounts.jsonl --memory --tick 200ms --ticks 100 --report report.json

The report:
  ticks                   ticks run
  due, dispatched         due minutes of jobs, those on hold included; copies of rows sent to the queues
  polled, unchanged       polls made; polls that brought nothing new
  new_items               items found that were new
  events_published        events written, notices about accounts included
  failed                  polls that failed: errors of the server, of the network, of the answer, of the credentials
  held, parked            times that a job was put on hold; jobs taken out of the wheel
  duplicates              events written a second time in this run, under the same id
  lost                    dispatched jobs that are neither accounted for nor pending: always 0, or please report it
  store_writes            rows, wake-ups, cursors and throttles written; registrations at the start are not counted
  store_writes_per_poll   the same, for each poll
  requests, http_429      HTTP requests made; polls that the server refused because of a limit
  cpu_seconds             user and system time of the process
  max_rss_bytes           largest resident memory of the process
  polls_per_second        polls for each real second of the run
  lateness_seconds_p50, lateness_seconds_p99
                          from when a poll was meant to leave to when it left, in seconds of the wheel
  seeded                  first polls, which publish nothing
  pending                 jobs dispatched and not done when the run ended: the next run dispatches them again
  row_writes, wake_writes, cursor_writes, control_writes
                          the parts of store_writes
  outcomes                polls by what they came to; `unavailable` are those that could not be made for a reason of our
                          own, such as credentials that cannot be read
  job_types               where the due minutes of each job type went. A job that was due three times in a late window
                          counts three times: due = dispatched + caught_up + skipped
    caught_up             earlier due minutes that a dispatch made up for
    skipped               held: the job was on hold; over_budget: it did not fit a limit that it shares, and is woken or
                          left to its next turn; stretched: more is due for long than the limit bears; left: of a late
                          window, to a later turn, where it counts again; refused: the queue did not take its copy, or its row could
                          not be read, and it is woken in the next minute
    late                  dispatches in a later minute than the first that they answer for, by how many minutes in all,
                          and the most
    minutes_not_dispatched
                          minutes whose tick left the job type out, or failed, by reason: paused, throttled, backlogged,
                          failed, sent_in_part. A later tick made up for them
    behind_minutes        minutes that were still to be made up for when the run ended
  wall_seconds            real seconds of the run
  freshness               by job type and level: how old items were when they were published, in seconds
  lateness                by job type and level: how many polls began, and how late, in seconds of the wheel
  usage                   what the same work would use on AWS, in the units that are billed there, by service; batches, and
                          messages of outcomes, are those of a deployment
  usd                     what that would cost in us-east-1, by component; `standing` is the part that time costs and polls
                          do not, `total` is all of it
  usd_per_million_polls   `total`, for a million polls; null without polls";

/// A state folder to look into.
#[derive(Debug, clap::Args)]
pub(crate) struct StateArgs {
    /// The state folder of a run. It cannot be looked into while the run goes on.
    #[arg(long = "state", value_name = "DIR", default_value = "./state")]
    pub(crate) folder: PathBuf,

    /// Answer in JSON, one object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print a shell's completion script.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel completions bash > ~/.local/share/bash-completion/completions/pollwheel
  pollwheel completions zsh > ~/.zfunc/_pollwheel")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

pub(crate) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "write a whole number from 1 on".to_owned())
}

fn tick(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a duration: write a number and its unit, such as `200ms`, `1s` or `1m`");
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    let tick =
        Duration::try_from(span).map_err(|_| "a duration must be positive: a tick lasts from 1ms to 1m")?;
    if (MIN_TICK..=MAX_TICK).contains(&tick) {
        Ok(tick)
    } else {
        Err("a tick lasts from 1ms to 1m".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(["pollwheel"].into_iter().chain(args.split_whitespace()))
    }

    #[test]
    fn the_command_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn ticks_are_durations_with_a_unit() {
        assert_eq!(tick("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(tick("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(tick("1m"), Ok(Duration::from_secs(60)));
        for bad in ["", "1", "0s", "2m", "-1s", "1 parsec", "1us"] {
            assert!(tick(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_run_needs_channels_and_accounts_or_the_demo() {
        assert!(parse("run --demo").is_ok());
        assert!(parse("run --channels c --accounts a").is_ok());
        assert!(parse("run --channels c").unwrap_err().to_string().contains("--accounts"));
        assert!(parse("run --demo --channels c").is_err());
        assert!(parse("run --channels c --accounts a --memory --state s").is_err());
        assert!(parse("run --channels c --accounts a --concurrency 0").is_err());
    }

    #[test]
    fn every_command_teaches_by_an_example() {
        for command in Args::command().get_subcommands() {
            let mut leaves: Vec<_> = command.get_subcommands().cloned().collect();
            if leaves.is_empty() {
                leaves.push(command.clone());
            }
            for leaf in &mut leaves {
                let help = leaf.render_long_help().to_string();
                assert!(help.contains("  pollwheel "), "`{}` has no example:\n{help}", leaf.get_name());
            }
        }
    }
}
