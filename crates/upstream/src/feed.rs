//! What of an account's items a request sees: the generated timeline and the items posted by a test, as one.
//!
//! Knows the ways in which APIs cut a timeline into pages, and nothing of parameters, headers or JSON.

use std::iter::Peekable;
use std::sync::Arc;

use crate::timeline::{Timeline, time_ms};

/// An account's items at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) timeline: Timeline,
    /// Ascending.
    pub(crate) posted: Arc<Vec<u64>>,
    /// Timeline time, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Feed {
    /// Items with ids lower than `below`, newest first.
    pub(crate) fn newest_first(&self, below: u64) -> impl Iterator<Item = u64> {
        let posted = self.posted();
        let end = posted.partition_point(|&id| id < below);
        let posted = posted[..end].iter().rev().copied();
        merge(self.timeline.newest_first(self.now_ms, below), posted, |a, b| a > b)
    }

    /// Items with ids higher than `above`, oldest first.
    pub(crate) fn oldest_first(&self, above: u64) -> impl Iterator<Item = u64> {
        let posted = self.posted();
        let start = posted.partition_point(|&id| id <= above);
        let posted = posted[start..].iter().copied();
        merge(self.timeline.oldest_first(self.now_ms, above), posted, |a, b| a < b)
    }

    /// What was posted up to this moment. A test may have posted since: showing that already, without the generated items
    /// that came between, would let a client step over those.
    fn posted(&self) -> &[u64] {
        let end = self.posted.partition_point(|&id| time_ms(id) <= self.now_ms);
        &self.posted[..end]
    }

    /// The newest item.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.newest_first(u64::MAX).next()
    }

    /// The newest `limit` wanted items between two ids (both excluded), newest first.
    pub(crate) fn newest_between(
        &self,
        above: u64,
        below: u64,
        limit: usize,
        wanted: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        let between = self.newest_first(below).take_while(|&id| id > above);
        between.filter(|&id| wanted(id)).take(limit).collect()
    }

    /// The oldest `limit` wanted items between two ids (both excluded), still newest first.
    pub(crate) fn oldest_between(
        &self,
        above: u64,
        below: u64,
        limit: usize,
        wanted: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        let between = self.oldest_first(above).take_while(|&id| id < below);
        let mut ids: Vec<_> = between.filter(|&id| wanted(id)).take(limit).collect();
        ids.reverse();
        ids
    }

    /// The newest `most` items.
    pub(crate) fn latest(&self, most: usize) -> Vec<u64> {
        self.newest_first(u64::MAX).take(most).collect()
    }

    /// Up to `limit` items with ids lower than `below`, newest first, of the account's newest `kept` with ids higher than
    /// `above`; and whether there are more.
    pub(crate) fn slice(&self, above: u64, below: u64, limit: usize, kept: usize) -> Slice {
        // What is kept is counted from the newest item; where all is kept, there is no need to walk down to the page.
        let from = if kept == usize::MAX { below } else { u64::MAX };
        let mut ids = self.newest_first(from).take(kept).take_while(|&id| id > above);
        let mut page: Vec<_> = ids.by_ref().skip_while(|&id| id >= below).take(limit + 1).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        Slice { ids: page, more }
    }
}

/// A page of a timeline that is read downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Newest first.
    pub(crate) ids: Vec<u64>,
    /// Whether there is an older one.
    pub(crate) more: bool,
}

impl Slice {
    /// The oldest id of the page, when there is a page below it.
    pub(crate) fn next(&self) -> Option<u64> {
        self.ids.last().copied().filter(|_| self.more)
    }
}

/// Two sorted streams as one. Ids are unique, so there is no tie to break.
fn merge(
    a: impl Iterator<Item = u64>,
    b: impl Iterator<Item = u64>,
    comes_first: fn(u64, u64) -> bool,
) -> impl Iterator<Item = u64> {
    let (mut a, mut b): (Peekable<_>, Peekable<_>) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(&x), Some(&y)) if comes_first(y, x) => b.next(),
        (Some(_), Some(_) | None) => a.next(),
        (None, Some(_) | None) => b.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Growth;
    use crate::timeline::{POSTED_COUNTER, first_id};

    const ORIGIN: u64 = 1_760_000_000_000;

    fn feed() -> Feed {
        let growth = Growth { items_per_hour: 60.0, burst_rate: 0.0, burst_size: 0, history: 10 };
        let posted = (1..=5).map(|n| first_id(ORIGIN + n * 600_000) + POSTED_COUNTER).collect();
        let timeline = Timeline::new(1, ORIGIN, &growth);
        Feed { timeline, posted: Arc::new(posted), now_ms: ORIGIN + 7_200_000 }
    }

    #[test]
    fn posted_items_stand_at_their_place() {
        let feed = feed();
        let all: Vec<_> = feed.oldest_first(0).collect();
        assert!(all.is_sorted_by(|a, b| a < b));
        assert!(feed.posted.iter().all(|id| all.contains(id)));
        let mut newest: Vec<_> = feed.newest_first(u64::MAX).collect();
        newest.reverse();
        assert_eq!(all, newest);
    }

    #[test]
    fn what_was_posted_later_is_not_seen_yet() {
        let early = Feed { now_ms: ORIGIN + 1_300_000, ..feed() };
        let seen: Vec<_> = early.oldest_first(0).collect();
        assert!(seen.iter().all(|&id| time_ms(id) <= early.now_ms));
        assert_eq!(early.posted.iter().filter(|id| seen.contains(id)).count(), 2);
        assert_eq!(early.newest(), seen.last().copied());
    }

    #[test]
    fn pages_from_either_end_are_cut_as_asked() {
        let feed = feed();
        let all: Vec<_> = feed.newest_first(u64::MAX).collect();
        let oldest = all.len() - 1;
        let any = |_| true;
        assert_eq!(feed.newest_between(0, u64::MAX, 5, any), all[..5]);
        assert_eq!(feed.newest_between(all[8], all[2], 100, any), all[3..8]);
        assert_eq!(feed.oldest_between(all[oldest], u64::MAX, 3, any), all[oldest - 3..oldest]);
        assert_eq!(feed.oldest_between(all[9], all[7], 3, any), all[8..9]);
        let even = |id| id == all[4] || id == all[6];
        assert_eq!(feed.newest_between(all[9], u64::MAX, 5, even), [all[4], all[6]]);
        assert_eq!(feed.oldest_between(all[9], u64::MAX, 1, even), [all[6]]);
        assert_eq!(feed.latest(3), all[..3]);
        assert_eq!(feed.newest(), Some(all[0]));
    }

    #[test]
    fn a_slice_knows_whether_there_is_more() {
        let feed = feed();
        let all = feed.latest(usize::MAX);
        let slice = feed.slice(0, u64::MAX, 4, 1_000);
        assert_eq!((slice.ids.as_slice(), slice.next()), (&all[..4], Some(all[3])));
        assert_eq!(feed.slice(0, all[3], 4, 1_000).ids, all[4..8]);
        let ends_above = feed.slice(all[6], all[3], 2, 1_000);
        assert_eq!((ends_above.ids.as_slice(), ends_above.next()), (&all[4..6], None));
        let ends_with_what_is_kept = feed.slice(0, all[3], 4, 6);
        assert_eq!((ends_with_what_is_kept.ids.as_slice(), ends_with_what_is_kept.more), (&all[4..6], false));
    }
}
