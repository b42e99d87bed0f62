//! `pollwheel run --demo`: the whole cycle against a built-in imitation of Mastodon and GitHub.
//!
//! The imitation runs in this process, in threads of its own, and lives as fast as the wheel turns: its timelines grow,
//! and its rate limits reset, so many times faster than in reality. Everything else is as in any other run.

mod channels;
mod people;
pub(crate) mod readable;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pollwheel_connector::PrivateAddresses;
use pollwheel_upstream::{Config, Growth, Limit, PerChannel, Running, Stats, Upstream};
use tokio::runtime::Runtime;

use crate::accounts::AccountsFile;
use crate::args::RunArgs;
use crate::exit::Failure;
use crate::run::{self, Format, StoreAt, Subjects};
use crate::screen::Screen;

/// A minute of the wheel, unless `--tick` says otherwise.
const TICK: Duration = Duration::from_secs(1);
/// Mean items of an account in an hour of the wheel: with 200 accounts about seven events a second at the usual tick.
const ITEMS_PER_HOUR: f64 = 2.0;

/// Runs the demo.
pub(crate) fn run(args: &RunArgs, screen: &Arc<Screen>) -> Result<(), Failure> {
    let tick = args.tick.unwrap_or(TICK);
    run::keep_apart(args)?;
    let imitation = Imitation::start(tick)?;
    let accounts = people::accounts(&imitation.running.base_url());
    let readable = screen.stdout_is_terminal() && !args.json;
    let subjects = Subjects {
        channels: channels::load()?,
        accounts: AccountsFile::in_memory("the demo's accounts", accounts),
        store: StoreAt::Memory,
        private_addresses: PrivateAddresses::Allowed,
        format: if readable { Format::Readable } else { Format::Ndjson },
        tick: Some(tick),
    };
    tracing::info!(
        accounts = people::COUNT,
        tick_seconds = tick.as_secs_f64(),
        "the demo starts, Ctrl-C ends it"
    );
    let report = run::poll(args, subjects, screen)?;
    let stats = imitation.stop();
    run::show(&report, args, &third_parties(&stats), screen)
}

/// The third parties.
struct Imitation {
    runtime: Runtime,
    running: Running,
}

impl Imitation {
    fn start(tick: Duration) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.context("cannot start the demo's runtime")?;
        let running = runtime.block_on(Upstream::start(config(tick)));
        let running = running.context("cannot start the demo's imitation of Mastodon and GitHub")?;
        Ok(Self { runtime, running })
    }

    fn stop(self) -> Stats {
        let stats = self.running.stats();
        self.runtime.block_on(self.running.shutdown());
        stats
    }
}

fn config(tick: Duration) -> Config {
    let usual = Config::default();
    let scale = 60.0 / tick.as_secs_f64();
    let faster =
        |limit: Limit| Limit { window: limit.window.div_f64(scale).max(Duration::from_secs(1)), ..limit };
    Config {
        growth: Growth { items_per_hour: ITEMS_PER_HOUR, burst_rate: 0.02, burst_size: 8, ..usual.growth },
        time_scale: scale,
        limits: PerChannel::from_fn(|channel| faster(*usual.limits.get(channel))),
        // It is counted in whole seconds.
        poll_interval: Duration::from_secs(tick.as_secs().max(1)),
        ..usual
    }
}

fn third_parties(stats: &Stats) -> String {
    let line = |name: &str, channel: &pollwheel_upstream::ChannelStats| {
        format!(
            "  {name:<10} {} requests, {} answered with \"not modified\", {} over the limit\n",
            channel.requests, channel.http_304, channel.violations
        )
    };
    line("mastodon", &stats.channels.mastodon) + &line("github", &stats.channels.github)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_parties_live_as_fast_as_the_wheel() {
        let config = config(Duration::from_secs(1));
        assert!((config.time_scale - 60.0).abs() < 1e-9);
        assert_eq!(config.limits.mastodon.window, Duration::from_secs(5));
        assert_eq!(config.poll_interval, Duration::from_secs(1));
    }
}
