//! What the server is asked to be: rates, limits, faults. Checked once, before anything starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::channel::{Channel, PerChannel};
use crate::clock::Clock;
use crate::fault::{Fault, PerFault};

/// Bursts are at most three times this, and a whole burst must fit into the low bits of the ids of one stretch.
pub(crate) const MAX_BURST_SIZE: u32 = 1_000;
/// Enough for several full GitHub timelines; the first walk through an account's history stays cheap.
pub(crate) const MAX_HISTORY: u32 = 10_000;
/// One item a millisecond would leave no time between items to place them in.
const MAX_ITEMS_PER_HOUR: f64 = 360_000.0;

/// Everything that can be set. `Config::default()` is a quiet, faultless server on a free port of 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one. Loopback only.
    pub listen: SocketAddr,
    /// Decides every timeline, account fate and fault.
    pub seed: u64,
    /// How timelines grow.
    pub growth: Growth,
    /// Timeline seconds per real second. Timestamps then run ahead of the wall clock; limits and intervals do not.
    pub time_scale: f64,
    /// Requests per window and caller.
    pub limits: PerChannel<Limit>,
    /// The pause between two polls that GitHub (`X-Poll-Interval`) and feeds (`max-age`, `ttl`) ask for, in whole seconds.
    /// Asked for, not enforced: an early poll is only counted.
    pub poll_interval: Duration,
    /// Whether requests without a token are served.
    pub auth: Auth,
    /// How long issued access tokens are good for. Without it they never expire, and `expires_in` is the vendor's usual.
    pub token_ttl: Option<Duration>,
    /// Share of accounts (0..=1) whose token is refused with a 401.
    pub unauthorized_rate: f64,
    /// Share of accounts (0..=1) that no longer exist.
    pub gone_rate: f64,
    /// Probability (0..=1) of each fault, for each API request.
    pub faults: PerFault<f64>,
    /// How long a request with [`Fault::Timeout`] is left without an answer.
    pub timeout: Duration,
    /// Time between two bytes of a [`Fault::SlowBody`].
    pub slow_byte: Duration,
    /// Added to every API answer.
    pub latency: Duration,
    /// The time; a test brings its own.
    pub clock: Clock,
}

/// How the timelines of a channel grow. Rates are per timeline hour, see [`Config::time_scale`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Mean over all accounts, before bursts. Each account has its own share: most are quiet, a few are busy.
    pub items_per_hour: f64,
    /// Probability (0..=1) that a stretch of one mean gap between items also brings a burst.
    pub burst_rate: f64,
    /// Mean number of items in a burst; half of all bursts are half as long, one in twenty is three times as long.
    pub burst_size: u32,
    /// Items that each account has posted before the server starts.
    pub history: u32,
}

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests allowed in a window.
    pub requests: u32,
    /// The window's length.
    pub window: Duration,
}

/// Whether a token is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// Requests without a token are served, and limited by client address.
    #[default]
    Optional,
    /// Requests without a token get a 401, except where an API takes none.
    Required,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            growth: Growth { items_per_hour: 1.0, burst_rate: 0.01, burst_size: 30, history: 40 },
            time_scale: 1.0,
            limits: PerChannel::from_fn(documented),
            poll_interval: Duration::from_secs(60),
            auth: Auth::Optional,
            token_ttl: None,
            unauthorized_rate: 0.0,
            gone_rate: 0.0,
            faults: PerFault::default(),
            timeout: Duration::from_secs(60),
            slow_byte: Duration::from_secs(1),
            latency: Duration::ZERO,
            clock: Clock::default(),
        }
    }
}

/// The limits as the vendors document them.
fn documented(channel: Channel) -> Limit {
    let (requests, seconds) = match channel {
        // By account and by address.
        Channel::Mastodon => (300, 300),
        // A user's token.
        Channel::Github => (5_000, 3_600),
        // By address.
        Channel::Bluesky => (3_000, 300),
        // By user and endpoint.
        Channel::X => (900, 900),
        // A page's token: 4,800 for each engaged user in 24 hours.
        Channel::Facebook => (4_800, 86_400),
        // 100 a minute over ten minutes, by OAuth client.
        Channel::Reddit => (1_000, 600),
        // None is documented, and none is told.
        Channel::Youtube | Channel::Feed => (u32::MAX, 3_600),
        // By address.
        Channel::Hackernews => (10_000, 3_600),
    };
    Limit { requests, window: Duration::from_secs(seconds) }
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The server has no protection whatsoever, so it stays on this machine.
    #[error("`{0}` is not a loopback address: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// A number outside of its range.
    #[error("`{name}` is {value}: it must be {range}")]
    OutOfRange {
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// What is allowed.
        range: String,
    },
    /// One draw decides between all faults, so they share one whole.
    #[error("the rates of all faults add up to {0}: they may reach 1 at most")]
    FaultsAboveOne(f64),
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, by name.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(self.listen));
        }
        let growth = &self.growth;
        in_range("items_per_hour", growth.items_per_hour, 0.0, MAX_ITEMS_PER_HOUR)?;
        in_range("burst_rate", growth.burst_rate, 0.0, 1.0)?;
        in_range("burst_size", f64::from(growth.burst_size), 0.0, f64::from(MAX_BURST_SIZE))?;
        in_range("history", f64::from(growth.history), 0.0, f64::from(MAX_HISTORY))?;
        in_range("time_scale", self.time_scale, 0.0, 1_000_000.0)?;
        in_range("unauthorized_rate", self.unauthorized_rate, 0.0, 1.0)?;
        in_range("gone_rate", self.gone_rate, 0.0, 1.0)?;
        let ttl_seconds = self.token_ttl.map_or(1.0, |ttl| ttl.as_secs_f64());
        in_range("token_ttl in seconds", ttl_seconds, 1.0, 31_536_000.0)?;
        for channel in Channel::ALL {
            let seconds = self.limits.get(channel).window.as_secs_f64();
            in_range(&format!("window of {channel} in seconds"), seconds, 0.001, 31_536_000.0)?;
        }
        let mut sum = 0.0;
        for fault in Fault::ALL {
            let rate = *self.faults.get(fault);
            in_range(&format!("rate of {fault}"), rate, 0.0, 1.0)?;
            sum += rate;
        }
        if sum > 1.0 + 1e-9 {
            return Err(ConfigError::FaultsAboveOne(sum));
        }
        Ok(())
    }
}

fn in_range(name: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    // Written so that not-a-number is refused too.
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let range = format!("from {low} to {high}");
    Err(ConfigError::OutOfRange { name: name.to_owned(), value: value.to_string(), range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn only_loopback_is_served() {
        let error = error_of(|c| c.listen = "0.0.0.0:80".parse().unwrap());
        assert_eq!(error, "`0.0.0.0:80` is not a loopback address: use 127.0.0.1 or [::1]");
        let v6 = Config { listen: "[::1]:0".parse().unwrap(), ..Config::default() };
        assert_eq!(v6.check(), Ok(()));
    }

    #[test]
    fn a_wrong_number_is_named_with_its_range() {
        assert_eq!(error_of(|c| c.gone_rate = 1.5), "`gone_rate` is 1.5: it must be from 0 to 1");
        assert_eq!(
            error_of(|c| c.growth.burst_size = 5_000),
            "`burst_size` is 5000: it must be from 0 to 1000"
        );
        assert_eq!(error_of(|c| c.faults.reset = f64::NAN), "`rate of reset` is NaN: it must be from 0 to 1");
        assert!(error_of(|c| c.limits.github.window = Duration::ZERO).contains("window of github"));
    }

    #[test]
    fn fault_rates_share_one_whole() {
        let error = error_of(|c| {
            c.faults.reset = 0.75;
            c.faults.timeout = 0.5;
        });
        assert_eq!(error, "the rates of all faults add up to 1.25: they may reach 1 at most");
    }
}
