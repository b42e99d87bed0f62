//! Counts of what was asked and what was answered, for tests to assert on.
//!
//! [`Counters`] is written on every request; [`Stats`] is what `GET /_stats` and [`Running::stats`](crate::Running::stats)
//! show of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::channel::{Channel, PerChannel};
use crate::fault::{Fault, PerFault};

/// What the server has seen since it started.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// The seed of the run.
    pub seed: u64,
    /// Real milliseconds since the start.
    pub uptime_ms: u64,
    /// All channels together. Its violations include refresh tokens that were used twice.
    pub total: ChannelStats,
    /// The token endpoints.
    pub oauth: OauthStats,
    /// Each channel.
    pub channels: PerChannel<ChannelStats>,
    /// Each account that was asked for, by id; left out on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<PerChannel<BTreeMap<String, AccountStats>>>,
}

/// Counts of one channel. Every request is in `requests`, and in exactly one of the counts of answers or faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChannelStats {
    /// API requests; the control paths are not counted.
    pub requests: u64,
    /// Proper 200s; those cut short by a fault count as the fault.
    pub http_200: u64,
    /// Answers to a matching `If-None-Match`.
    pub http_304: u64,
    /// Answers that said "too many requests": 429, GitHub's 403 with `x-ratelimit-remaining: 0`, Facebook's 400s.
    pub http_429: u64,
    /// Tokens refused: 401, or Facebook's 400 with the code 190.
    pub http_401: u64,
    /// Accounts that do not exist: 404s, 410s, and what some APIs say instead.
    pub http_gone: u64,
    /// All other refusals: a missing `User-Agent`, a forbidden account, a page out of range.
    pub http_other: u64,
    /// Requests made while the window was already exhausted. A client that heeds the headers has none.
    pub violations: u64,
    /// First pages asked for again before the interval that the API asked for was over.
    pub early_polls: u64,
    /// Items in proper answers.
    pub items: u64,
    /// Faults injected, by kind.
    pub faults: PerFault<u64>,
}

/// Counts of the token endpoints, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OauthStats {
    /// Requests for a token.
    pub requests: u64,
    /// Access tokens issued.
    pub issued: u64,
    /// Requests refused.
    pub refused: u64,
    /// Refresh tokens used a second time. A client that saves the new one before it uses it has none.
    pub refresh_token_reuse: u64,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountStats {
    /// Its newest item now; none when it has never posted.
    pub newest_id: Option<String>,
    /// Items since the start, those posted through the control path included.
    pub posted: u64,
    /// API requests for it.
    pub requests: u64,
}

/// Something to count: the fields of [`ChannelStats`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Requests,
    Http200,
    Http304,
    Http429,
    Http401,
    HttpGone,
    HttpOther,
    Violations,
    EarlyPolls,
    Items(u64),
    Fault(Fault),
}

/// One channel's counts, written without a lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    http_200: AtomicU64,
    http_304: AtomicU64,
    http_429: AtomicU64,
    http_401: AtomicU64,
    http_gone: AtomicU64,
    http_other: AtomicU64,
    violations: AtomicU64,
    early_polls: AtomicU64,
    items: AtomicU64,
    faults: PerFault<AtomicU64>,
}

impl Counters {
    pub(crate) fn add(&self, count: Count) {
        let (counter, n) = match count {
            Count::Requests => (&self.requests, 1),
            Count::Http200 => (&self.http_200, 1),
            Count::Http304 => (&self.http_304, 1),
            Count::Http429 => (&self.http_429, 1),
            Count::Http401 => (&self.http_401, 1),
            Count::HttpGone => (&self.http_gone, 1),
            Count::HttpOther => (&self.http_other, 1),
            Count::Violations => (&self.violations, 1),
            Count::EarlyPolls => (&self.early_polls, 1),
            Count::Items(n) => (&self.items, n),
            Count::Fault(fault) => (self.faults.get(fault), 1),
        };
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> ChannelStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut faults = PerFault::default();
        for fault in Fault::ALL {
            *faults.get_mut(fault) = read(self.faults.get(fault));
        }
        ChannelStats {
            requests: read(&self.requests),
            http_200: read(&self.http_200),
            http_304: read(&self.http_304),
            http_429: read(&self.http_429),
            http_401: read(&self.http_401),
            http_gone: read(&self.http_gone),
            http_other: read(&self.http_other),
            violations: read(&self.violations),
            early_polls: read(&self.early_polls),
            items: read(&self.items),
            faults,
        }
    }
}

impl PerChannel<ChannelStats> {
    pub(crate) fn sum(&self) -> ChannelStats {
        let mut total = ChannelStats::default();
        for channel in Channel::ALL {
            total.add(self.get(channel));
        }
        total
    }
}

impl ChannelStats {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.http_200 += other.http_200;
        self.http_304 += other.http_304;
        self.http_429 += other.http_429;
        self.http_401 += other.http_401;
        self.http_gone += other.http_gone;
        self.http_other += other.http_other;
        self.violations += other.violations;
        self.early_polls += other.early_polls;
        self.items += other.items;
        for fault in Fault::ALL {
            *self.faults.get_mut(fault) += other.faults.get(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_sums() {
        let counters = PerChannel::from_fn(|_| Counters::default());
        counters.mastodon.add(Count::Requests);
        counters.github.add(Count::Requests);
        counters.github.add(Count::Fault(Fault::Reset));
        counters.github.add(Count::Items(20));
        let stats = PerChannel::from_fn(|channel| counters.get(channel).read());
        let total = stats.sum();
        assert_eq!((total.requests, total.items, total.faults.reset), (2, 20, 1));
        assert_eq!(stats.mastodon.items, 0);
    }
}
