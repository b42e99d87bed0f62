//! The arguments of `pollwheel simulate`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use pollwheel_local::sim::{FaultSet, Planted, UnknownBug};

/// Simulate deployments under virtual time, with faults, and check that nothing is lost.
///
/// The rules that run in production run here: ticks, polls, completions, queues with visibility timeouts and dead letters,
/// mappings as Lambda has them. Third party, clocks and faults are modelled, and drawn from a seed: the same seed is the same
/// run. For most of a run faults happen; then they end, and everything due must be confirmed within two cadences.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// Accounts of a deployment, each with one job.
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) accounts: NonZeroU32,

    /// Minutes of a run: the time with faults and the time after them.
    #[arg(long, value_name = "M", default_value = "1440", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) minutes: NonZeroU32,

    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many seeds to run, on all cores. One in a hundred is run twice, and must be the same run.
    #[arg(long, value_name = "K", default_value = "1", value_parser = at_least_one, allow_hyphen_values = true)]
    pub(crate) seeds: NonZeroU32,

    /// Which faults to inject: `all`, `none`, or a list of names with commas, see below.
    #[arg(long, value_name = "LIST", default_value = "all")]
    pub(crate) faults: FaultSet,

    /// A folder of channels to simulate in place of the built-in job type: their requests, rules and limits, against
    /// third parties in this process. Few accounts are enough; they are shared out among the channels.
    #[arg(long, value_name = "DIR")]
    pub(crate) channels: Option<PathBuf>,

    /// What the accounts do: `quiet`, `news`, `torrent`, `outage`, or a file of JSON.
    #[arg(long, value_name = "NAME|FILE", default_value = "news")]
    pub(crate) scenario: String,

    /// A bug to plant, which the checker must find: a test of the checker itself. `all` plants each in a small run of its
    /// own, besides the honest run.
    #[arg(long, value_name = "BUG|all", hide = true)]
    pub(crate) plant: Option<Plant>,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// One bug, in the run itself: the run must fail.
    One(Planted),
    /// Every bug, one at a time.
    All,
}

impl FromStr for Plant {
    type Err = UnknownBug;

    fn from_str(text: &str) -> Result<Self, UnknownBug> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

fn at_least_one(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "write a whole number from 1 on".to_owned())
}

const EXAMPLES: &str = "\
Examples:
  pollwheel simulate --seeds 300
  pollwheel simulate --faults duplicates,worker-crashes --scenario torrent --seed 7
  pollwheel simulate --accounts 1000000 --scenario quiet --faults none --json

Faults:
  double-ticks, missing-ticks, scheduler-crashes, partial-batches, throttled-keys, lost-answers,
  double-completions, duplicates, late-messages, worker-crashes, purges, lost-messages,
  mappings-off, poison, bus-failures, resets, application-limit, clock-skew, long-chains, denied,
  crowding, two-versions, upstream-errors

A scenario is JSON such as this; what is left out is as in `news`:
  {\"fastest\": 5, \"slowest\": 60, \"items_per_day\": 24, \"burst_items\": 400,
   \"burst_every_minutes\": 360, \"outage\": {\"from_minute\": 120, \"minutes\": 60}}

The report:
  seeds, simulated_minutes  seeds run; minutes of the wheel, all seeds together
  polls, events             polls made; events of items that the bus took, repeats included
  lost                      items posted and never published: 0, or the rules are broken
  unexpected                events that no posted item explains: 0, too
  duplicated                publications of an item after the first, under the same id
  recovered                 failed polls, returned messages and parked jobs that were made up for
  rate_limit_violations     calls past a limit, in any fixed or sliding window
  max_hops                  most queue hops from one tick: at most 8
  lateness_seconds_p50, lateness_seconds_p99
                            from when a poll was meant to leave to when it left
  lateness                  the same by job type and level, with the number of polls
  freshness_seconds_p50, freshness_seconds_p99
                            from when an item came to be to when it was published
  writes_per_poll           writes to the store for each poll
  usd_per_million_polls, usd
                            what it would cost on AWS, all in, and by component: `standing` is what
                            time costs and polls do not, most of it where jobs are few
  usage                     the same in AWS's billing units
  faults                    faults injected, by kind
  planted_bugs_caught       bugs planted on purpose that the checker found; null when none was
                            planted: see docs/simulator.md
  event_log_hash            the same for the same seeds, faults and scenario
  failing_seeds             seeds whose run broke a rule; each is printed with what repeats it

Exits with 1 when a seed fails.";
