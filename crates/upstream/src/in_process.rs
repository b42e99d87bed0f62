//! The same APIs without a socket: a request goes in, an answer comes out, at a time that the caller sets. For simulation.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response};

use crate::channel::Channel;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::reply::{Timed, route};
use crate::service::{Detail, Reply, Service};
use crate::timeline::{first_id, time_ms};

/// The third parties of one simulated world.
#[derive(Debug)]
pub struct InProcess {
    service: Service,
    clock: Clock,
}

/// An item of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its id, as the API writes it.
    pub id: String,
    /// When it was posted, in milliseconds since 1970.
    pub at_ms: u64,
}

impl InProcess {
    /// A world that begins at `epoch_ms`, milliseconds since 1970. The clock and the address of `config` are not used.
    ///
    /// # Errors
    /// When the configuration is refused.
    pub fn new(config: Config, epoch_ms: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let clock = Clock::manual(epoch_ms);
        Ok(Self { service: Service::new(Config { clock: clock.clone(), ..config }), clock })
    }

    /// Answers a request at an instant; time never goes back. None: the connection breaks, or nothing ever comes.
    #[must_use]
    pub fn answer(&self, request: &Request<Bytes>, now_ms: u64) -> Option<Response<Bytes>> {
        self.clock.advance(Duration::from_millis(now_ms.saturating_sub(self.clock.now_ms())));
        let (parts, body) = request.clone().into_parts();
        let body = String::from_utf8_lossy(&body).into_owned();
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let Timed { reply, after: _ } = route(&self.service, &parts, &body, peer);
        match reply {
            Reply::Send(answer) | Reply::SendSlowly(answer) => Some(answer),
            Reply::NeverAnswer | Reply::ResetConnection => None,
        }
    }

    /// An account's items that were posted after one instant and up to another, oldest first.
    #[must_use]
    pub fn posted(&self, channel: Channel, account: &str, after_ms: u64, by_ms: u64) -> Vec<Posted> {
        let api = self.service.apis.get(channel);
        let feed = self.service.accounts.feed(channel, account, by_ms);
        let ids = feed.oldest_first(first_id(after_ms + 1) - 1);
        ids.map(|id| Posted { id: api.item_id(account, id), at_ms: time_ms(id) }).collect()
    }

    /// Requests made while a window was already exhausted, and refresh tokens used twice.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.service.stats(Detail::Totals).total.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Growth;

    const EPOCH_MS: u64 = 1_740_052_800_000;
    const HOUR_MS: u64 = 3_600_000;

    fn world() -> InProcess {
        let growth = Growth { items_per_hour: 3.0, burst_rate: 0.0, burst_size: 1, history: 5 };
        InProcess::new(Config { growth, ..Config::default() }, EPOCH_MS).unwrap()
    }

    #[test]
    fn what_was_posted_is_what_is_answered() {
        let world = world();
        let posted = world.posted(Channel::Mastodon, "7", EPOCH_MS, EPOCH_MS + 8 * HOUR_MS);
        let request = Request::get("http://mastodon.invalid/api/v1/accounts/7/statuses?limit=40");
        let answer = world.answer(&request.body(Bytes::new()).unwrap(), EPOCH_MS + 8 * HOUR_MS).unwrap();
        let statuses: Vec<serde_json::Value> = serde_json::from_slice(answer.body()).unwrap();
        let ids: Vec<&str> = statuses.iter().filter_map(|status| status["id"].as_str()).collect();
        assert!(posted.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
        for item in &posted {
            assert!(ids.contains(&item.id.as_str()) && item.at_ms > EPOCH_MS, "{item:?}");
        }
        assert_eq!(ids.len(), posted.len() + 5, "and the history before the start");
    }

    #[test]
    fn a_window_resets_when_its_time_has_passed() {
        let world = world();
        let request = || {
            let request = Request::get("http://mastodon.invalid/api/v1/accounts/7/statuses");
            request.body(Bytes::new()).unwrap()
        };
        let status = |now_ms| world.answer(&request(), now_ms).unwrap().status();
        assert!((0..300).all(|_| status(EPOCH_MS) == 200));
        assert_eq!((status(EPOCH_MS), world.violations()), (hyper::StatusCode::TOO_MANY_REQUESTS, 1));
        assert_eq!(status(EPOCH_MS + HOUR_MS), 200);
    }
}
