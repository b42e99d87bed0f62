//! What is remembered of the accounts that were asked for: little, since their timelines are computed.
//!
//! One entry an account: its items posted by a test, and counts. The number of entries is bounded; an account beyond
//! the bound is served all the same, only not remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::channel::{Channel, PerChannel};
use crate::config::Growth;
use crate::draw;
use crate::feed::Feed;
use crate::stats::AccountStats;
use crate::timeline::{POSTED_COUNTER, Timeline, first_id, time_ms};

/// Accounts remembered per channel: about 150 MB when all are used.
const MAX_ACCOUNTS: usize = 1_000_000;
/// Items that a test may post to one account.
const MAX_POSTED: usize = 100_000;

/// Whoever a token belongs to that names no account. Nothing ever happens to them.
pub(crate) const NOBODY: &str = "nobody";

/// The time of the accounts' timelines, which may run faster than the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// When the server started, in milliseconds since 1970: both times agree there.
    pub(crate) origin_ms: u64,
    /// Timeline seconds per real second.
    pub(crate) scale: f64,
}

impl Pace {
    /// Timeline time at the wall-clock time `now_ms`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years of milliseconds")]
    pub(crate) fn timeline_ms(&self, now_ms: u64) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(self.origin_ms);
        self.origin_ms + (elapsed_ms as f64 * self.scale) as u64
    }
}

/// All accounts of all channels.
#[derive(Debug)]
pub(crate) struct Accounts {
    seed: u64,
    growth: Growth,
    pace: Pace,
    known: PerChannel<Mutex<HashMap<Box<str>, Account>>>,
}

#[derive(Debug)]
struct Account {
    timeline: Timeline,
    /// Ids, ascending. Shared with the requests that are being answered, copied only when a test posts meanwhile.
    posted: Arc<Vec<u64>>,
    requests: u64,
    polled_at_ms: BTreeMap<String, u64>,
    tally: Tally,
}

/// A running count of generated items, so that a report does not count a timeline from its start again.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Stretches counted so far.
    stretches: i64,
    items: u64,
}

/// Why a test's items were not posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PostError {
    #[error("an account takes at most {MAX_POSTED} posted items")]
    AccountFull,
    #[error("at most {MAX_ACCOUNTS} accounts are remembered, and only those can be posted to")]
    TooManyAccounts,
    #[error("too many items in one millisecond of the timeline: post again a moment later")]
    TooFast,
}

impl Accounts {
    pub(crate) fn new(seed: u64, growth: Growth, pace: Pace) -> Self {
        Self { seed, growth, pace, known: PerChannel::from_fn(|_| Mutex::default()) }
    }

    fn lock(&self, channel: Channel) -> MutexGuard<'_, HashMap<Box<str>, Account>> {
        self.known.get(channel).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timeline(&self, channel: Channel, id: &str) -> Timeline {
        let key = draw::key(draw::key(self.seed, channel.name()), id);
        let nothing = Growth { items_per_hour: 0.0, history: 0, ..self.growth };
        let growth = if id == NOBODY { &nothing } else { &self.growth };
        Timeline::new(key, self.pace.origin_ms, growth)
    }

    /// Runs `visit` on the account, remembered from now on; `None` when there is no room for it.
    fn with<T>(&self, channel: Channel, id: &str, visit: impl FnOnce(&mut Account) -> T) -> Option<T> {
        let mut known = self.lock(channel);
        if let Some(account) = known.get_mut(id) {
            return Some(visit(account));
        }
        if known.len() >= MAX_ACCOUNTS {
            return None;
        }
        let timeline = self.timeline(channel, id);
        let account = Account {
            timeline,
            posted: Arc::default(),
            requests: 0,
            polled_at_ms: BTreeMap::new(),
            tally: Tally::default(),
        };
        Some(visit(known.entry(id.into()).or_insert(account)))
    }

    /// Counts a request for the account.
    pub(crate) fn count_request(&self, channel: Channel, id: &str) {
        self.with(channel, id, |account| account.requests += 1);
    }

    /// Notes a poll of an endpoint that is served, at `now_ms` (wall clock), and returns the time of the one before.
    pub(crate) fn note_poll(&self, channel: Channel, id: &str, path: &str, now_ms: u64) -> Option<u64> {
        self.with(channel, id, |account| account.polled_at_ms.insert(path.to_owned(), now_ms)).flatten()
    }

    /// The account's items at `now_ms` (wall clock).
    pub(crate) fn feed(&self, channel: Channel, id: &str, now_ms: u64) -> Feed {
        let now_ms = self.pace.timeline_ms(now_ms);
        let known = self.lock(channel);
        match known.get(id) {
            Some(account) => Feed { timeline: account.timeline, posted: Arc::clone(&account.posted), now_ms },
            None => Feed { timeline: self.timeline(channel, id), posted: Arc::default(), now_ms },
        }
    }

    /// Adds `n` items at `now_ms` (wall clock), and returns their ids, oldest first.
    pub(crate) fn post(
        &self,
        channel: Channel,
        id: &str,
        n: usize,
        now_ms: u64,
    ) -> Result<Vec<u64>, PostError> {
        let now_ms = self.pace.timeline_ms(now_ms);
        let post = |account: &mut Account| {
            if account.posted.len() + n > MAX_POSTED {
                return Err(PostError::AccountFull);
            }
            let after_last = account.posted.last().map_or(0, |last| last + 1);
            let first = after_last.max(first_id(now_ms) + POSTED_COUNTER);
            let ids: Vec<u64> = (first..).take(n).collect();
            // An id of the next millisecond could come before a generated one that nobody has seen yet.
            if ids.last().is_some_and(|&last| time_ms(last) > now_ms) {
                return Err(PostError::TooFast);
            }
            Arc::make_mut(&mut account.posted).extend(&ids);
            Ok(ids)
        };
        self.with(channel, id, post).unwrap_or(Err(PostError::TooManyAccounts))
    }

    /// Every remembered account of a channel at `now_ms` (wall clock). `written` gives an item's id as the API has it.
    pub(crate) fn stats(
        &self,
        channel: Channel,
        now_ms: u64,
        written: impl Fn(&str, u64) -> String,
    ) -> BTreeMap<String, AccountStats> {
        let now_ms = self.pace.timeline_ms(now_ms);
        let mut known = self.lock(channel);
        let mut all = BTreeMap::new();
        for (id, account) in known.iter_mut() {
            all.insert(id.to_string(), account.stats(now_ms, |item| written(id, item)));
        }
        all
    }

    /// The first id that cannot be history: items from here on were posted since the start.
    pub(crate) fn first_id_since_start(&self) -> u64 {
        first_id(self.pace.origin_ms)
    }
}

impl Account {
    fn stats(&mut self, now_ms: u64, written: impl Fn(u64) -> String) -> AccountStats {
        let timeline = &self.timeline;
        let current = timeline.stretch_of(now_ms).max(0);
        self.tally.items += timeline.count(self.tally.stretches, current);
        self.tally.stretches = current;
        let feed = Feed { timeline: *timeline, posted: Arc::clone(&self.posted), now_ms };
        let in_current = timeline
            .newest_first(now_ms, u64::MAX)
            .take_while(|&id| timeline.stretch_of(time_ms(id)) >= current)
            .count();
        AccountStats {
            newest_id: feed.newest().map(written),
            posted: self.tally.items + in_current as u64 + self.posted.len() as u64,
            requests: self.requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: u64 = 1_760_000_000_000;
    const GROWTH: Growth = Growth { items_per_hour: 600.0, burst_rate: 0.05, burst_size: 20, history: 25 };

    fn accounts() -> Accounts {
        Accounts::new(1, GROWTH, Pace { origin_ms: ORIGIN, scale: 10.0 })
    }

    #[test]
    fn the_reported_count_is_the_timeline_without_its_history() {
        let accounts = accounts();
        accounts.count_request(Channel::Mastodon, "1");
        accounts.post(Channel::Mastodon, "1", 3, ORIGIN).unwrap();
        for minute in 0..60 {
            let now_ms = ORIGIN + minute * 60_000;
            let stats =
                accounts.stats(Channel::Mastodon, now_ms, |_, id| id.to_string()).remove("1").unwrap();
            let all: Vec<_> = accounts.feed(Channel::Mastodon, "1", now_ms).oldest_first(0).collect();
            assert_eq!(stats.posted, all.len() as u64 - 25);
            assert_eq!(stats.newest_id, all.last().map(u64::to_string));
        }
    }

    #[test]
    fn posted_items_are_the_newest() {
        let accounts = accounts();
        let now_ms = ORIGIN + 3_600_000;
        let newest = accounts.feed(Channel::Github, "a", now_ms).newest().unwrap();
        let first = accounts.post(Channel::Github, "a", 5, now_ms).unwrap();
        let second = accounts.post(Channel::Github, "a", 5, now_ms).unwrap();
        assert!(newest < first[0] && first[4] < second[0]);
        assert_eq!(accounts.feed(Channel::Github, "a", now_ms).newest(), second.last().copied());
        let unposted = accounts.feed(Channel::Mastodon, "a", now_ms).newest();
        assert_ne!(unposted, second.last().copied(), "the channels do not share accounts");
    }

    #[test]
    fn posting_is_bounded() {
        let accounts = accounts();
        let post = |n, now_ms| accounts.post(Channel::Github, "a", n, now_ms);
        assert_eq!(post(40_000, ORIGIN), Err(PostError::TooFast));
        for second in 0..5 {
            assert_eq!(post(20_000, ORIGIN + second * 1_000).map(|ids| ids.len()), Ok(20_000));
        }
        assert_eq!(post(1, ORIGIN + 9_000), Err(PostError::AccountFull));
    }

    #[test]
    fn nothing_happens_to_nobody() {
        let feed = accounts().feed(Channel::Mastodon, NOBODY, ORIGIN + 3_600_000_000);
        assert_eq!(feed.newest(), None);
    }

    #[test]
    fn a_request_notes_the_one_before() {
        let accounts = accounts();
        let poll = |path, now_ms| accounts.note_poll(Channel::Github, "a", path, now_ms);
        assert_eq!(poll("/users/a/events", 5), None);
        assert_eq!(poll("/notifications", 6), None);
        assert_eq!(poll("/users/a/events", 9), Some(5));
    }
}
