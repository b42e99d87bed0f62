//! The command line: what can be set, explained to somebody who sees it for the first time.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use pollwheel_upstream::{Auth, Channel, Config, Fault, Growth, Limit, roster};

/// A server on this machine that behaves like the APIs of the channels.
///
/// Every account exists: ask for any id. Its timeline follows from the seed and the id
/// alone, grows while the server runs, and comes in the APIs' own pages, with their
/// validators and rate-limit headers. Faults can be mixed in.
///
///   GET /api/v1/accounts/{id}/statuses                   Mastodon, and /api/v1/notifications
///   GET /users/{username}/events                         GitHub, and /notifications
///   GET /xrpc/app.bsky.feed.getAuthorFeed?actor={id}     Bluesky
///   GET /2/users/{id}/tweets                             X
///   GET /v24.0/{page-id}/posts                           Facebook
///   GET /user/{name}/submitted                           Reddit
///   GET /feeds/videos.xml?channel_id={id}                YouTube
///   GET /feeds/{id}.rss, .atom, .json                    feeds
///   GET /api/v1/search_by_date?tags=author_{name}        Hacker News
///   POST /oauth/token, /2/oauth2/token, /api/v1/access_token
///   GET /_stats                                          what was asked and answered
///
/// Ids beginning with `unauthorized-`, `forbidden-`, `gone-`, `missing-` or `throttled-` are refused accordingly.
#[derive(Debug, Parser)]
#[command(name = "upstream", version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address to listen on, loopback only. Port 0 takes a free port, which the first line on stdout names.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Decides timelines and faults. Two runs with one seed serve the same items.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Mean number of items an account posts in an hour. Six accounts of ten post a fifth of it, one of a hundred posts
    /// 24 times as much.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    items_per_hour: f64,

    /// Probability that an item is accompanied by a burst.
    #[arg(long, value_name = "0..1", default_value_t = 0.01)]
    burst_rate: f64,

    /// Mean number of items in a burst, posted seconds apart.
    #[arg(long, value_name = "N", default_value_t = 30)]
    burst_size: u32,

    /// Number of items each account has posted before the start.
    #[arg(long, value_name = "N", default_value_t = 40)]
    history: u32,

    /// Seconds that pass on the timelines in one real second. 60 shows an hour of activity every minute. Limits stay in
    /// real time.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    time_scale: f64,

    /// Requests allowed in a window, for each token (without a token: for each client address).
    /// One number for all APIs, or one each: `--limit mastodon=300 --limit github=5000`. By default what each documents.
    #[arg(long, value_name = "[CHANNEL=]N", action = ArgAction::Append)]
    limit: Vec<For<u32>>,

    /// Length of a rate-limit window, such as `90s`, `15m` or `1h`; one for all APIs or one each.
    /// By default what each documents.
    #[arg(long, value_name = "[CHANNEL=]TIME", action = ArgAction::Append)]
    window: Vec<For<Span>>,

    /// The pause that GitHub (X-Poll-Interval) and feeds (max-age, ttl) ask for, in whole seconds. Earlier polls are
    /// served, and counted in /_stats.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    poll_interval: Span,

    /// Refuse requests without a token, except where an API takes none.
    #[arg(long)]
    require_token: bool,

    /// How long issued access tokens are good for. Without it they never expire.
    #[arg(long, value_name = "TIME")]
    token_ttl: Option<Span>,

    /// Share of accounts whose token is refused with a 401.
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    unauthorized_rate: f64,

    /// Share of accounts that have been deleted (410, or what the API says instead).
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    gone_rate: f64,

    /// Fails requests on purpose at this rate; may be repeated. Kinds: `error_500`, `timeout` (never answers),
    /// `reset` (TCP reset), `slow_body` (a byte at a time), `malformed` (200 with half of the JSON, or with HTML).
    #[arg(long, value_name = "KIND=0..1", action = ArgAction::Append)]
    fault: Vec<FaultRate>,

    /// How long a request with the fault `timeout` is left hanging before the connection closes.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: Span,

    /// Time between two bytes of a `slow_body`.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    slow_byte: Span,

    /// Delay before every API answer.
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    latency: Span,
}

/// What the command does instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes accounts of a server to stdout, one JSON object a line, as `pollwheel run --accounts` reads them.
    Accounts {
        /// Where the server listens.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        base_url: String,

        /// Number of accounts on each channel.
        #[arg(long, value_name = "N", default_value_t = 10)]
        each: u32,

        /// Only this channel; may be repeated.
        #[arg(long, value_name = "CHANNEL", action = ArgAction::Append)]
        channel: Vec<Channel>,
    },

    /// Writes the applications that accounts on some channels need to stdout, one JSON object a line.
    Applications,
}

impl Command {
    /// Does it.
    pub(crate) fn run(self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Accounts { base_url, each, channel } => {
                let channels = if channel.is_empty() { Channel::ALL.to_vec() } else { channel };
                let base_url = base_url.trim_end_matches('/');
                for number in 1..=each {
                    for channel in &channels {
                        writeln!(out, "{}", roster::account(*channel, number, base_url))?;
                    }
                }
            }
            Self::Applications => {
                for application in Channel::ALL.into_iter().filter_map(roster::application) {
                    writeln!(out, "{application}")?;
                }
            }
        }
        Ok(())
    }
}

impl Args {
    /// The configuration asked for; the library checks its numbers.
    pub(crate) fn into_config(self) -> Config {
        let mut config = Config {
            listen: self.listen,
            seed: self.seed,
            growth: Growth {
                items_per_hour: self.items_per_hour,
                burst_rate: self.burst_rate,
                burst_size: self.burst_size,
                history: self.history,
            },
            time_scale: self.time_scale,
            poll_interval: self.poll_interval.0,
            auth: if self.require_token { Auth::Required } else { Auth::Optional },
            token_ttl: self.token_ttl.map(|ttl| ttl.0),
            unauthorized_rate: self.unauthorized_rate,
            gone_rate: self.gone_rate,
            timeout: self.timeout.0,
            slow_byte: self.slow_byte.0,
            latency: self.latency.0,
            ..Config::default()
        };
        apply(&self.limit, &mut config, |limit, requests| limit.requests = requests);
        apply(&self.window, &mut config, |limit, window| limit.window = window.0);
        for FaultRate(fault, rate) in self.fault {
            *config.faults.get_mut(fault) = rate;
        }
        config
    }
}

fn apply<T: Copy>(settings: &[For<T>], config: &mut Config, set: impl Fn(&mut Limit, T)) {
    for setting in settings {
        for channel in
            Channel::ALL.into_iter().filter(|channel| setting.channel.is_none_or(|only| only == *channel))
        {
            set(config.limits.get_mut(channel), setting.value);
        }
    }
}

/// `VALUE` for all channels, or `CHANNEL=VALUE`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct For<T> {
    channel: Option<Channel>,
    value: T,
}

impl<T: FromStr<Err: ToString>> FromStr for For<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (channel, value) = match text.split_once('=') {
            Some((channel, value)) => (Some(channel.parse().map_err(|error| format!("{error}"))?), value),
            None => (None, text),
        };
        Ok(Self { channel, value: value.parse().map_err(|error: T::Err| error.to_string())? })
    }
}

/// `KIND=RATE`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct FaultRate(Fault, f64);

impl FromStr for FaultRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (fault, rate) = text.split_once('=').ok_or("write `kind=rate`, such as `error_500=0.01`")?;
        let rate = rate.parse().map_err(|error| format!("`{rate}` is not a rate: {error}"))?;
        Ok(Self(fault.parse().map_err(|error| format!("{error}"))?, rate))
    }
}

/// A duration with its unit: `250ms`, `90s`, `15m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span(Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let wrong = || format!("`{text}` is not a duration: write a whole number and `ms`, `s`, `m` or `h`");
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit_ms).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &str) -> Config {
        Args::try_parse_from(["upstream"].into_iter().chain(args.split_whitespace())).unwrap().into_config()
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let (args, library) = (config(""), Config::default());
        assert_eq!(args.listen.to_string(), "127.0.0.1:8080");
        let same = Config { listen: library.listen, clock: library.clock.clone(), ..args };
        assert_eq!(format!("{same:?}"), format!("{library:?}"));
    }

    #[test]
    fn limits_are_for_all_channels_or_for_one() {
        let limits = config("--limit 10 --limit github=20 --window 15m --window mastodon=90s").limits;
        assert_eq!(limits.mastodon, Limit { requests: 10, window: Duration::from_secs(90) });
        assert_eq!(limits.github, Limit { requests: 20, window: Duration::from_secs(900) });
        assert_eq!(limits.x, Limit { requests: 10, window: Duration::from_secs(900) });
    }

    #[test]
    fn faults_add_up() {
        let faults = config("--fault error_500=0.01 --fault reset=0.5").faults;
        assert_eq!((faults.error_500, faults.reset, faults.timeout), (0.01, 0.5, 0.0));
    }

    #[test]
    fn errors_say_what_to_write() {
        let error = |args: [&str; 2]| {
            let args = ["upstream"].into_iter().chain(args);
            Args::try_parse_from(args).unwrap_err().to_string()
        };
        assert!(error(["--window", "15"]).contains("write a whole number and `ms`, `s`, `m` or `h`"));
        assert!(error(["--fault", "boom=1"]).contains("no fault `boom`"));
        assert!(error(["--fault", "reset"]).contains("such as `error_500=0.01`"));
        assert!(error(["--limit", "gitlab=5"]).contains("no channel `gitlab`"));
    }

    #[test]
    fn the_command_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
