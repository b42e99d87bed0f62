//! An account's timeline: which items exist at a time, computed and never stored.
//!
//! Time is cut into *stretches*, each one mean gap between two items long. What is in a stretch follows from the
//! account's key and the stretch's number alone: none, one or two items, and now and then a burst. So any part of a
//! timeline can be made at any time, in any order, without what came before; a page costs a few stretches however long
//! the timeline is. Stretches before the start (negative numbers) hold one item each: the history.
//!
//! An item is its id: milliseconds since 1970, shifted left by 16, plus a counter, as in Mastodon. Knows nothing of what
//! an item says, nor of items posted by a test; [`crate::feed`] adds those.

use crate::config::Growth;
use crate::draw::{Chance, Draws};

/// Low bits of an id that do not belong to its time.
const COUNTER_BITS: u32 = 16;
/// Counters from here on belong to items posted by a test: they follow all others of their millisecond.
pub(crate) const POSTED_COUNTER: u64 = 1 << 15;

const HOUR_MS: f64 = 3_600_000.0;
/// Between the items of a history that does not go on.
const ENDED_GAP_MS: u64 = 3_600_000;
const MIN_GAP_MS: u64 = 10;
/// Quieter than one item in 30 days is of no use to anybody.
const MAX_GAP_MS: u64 = 30 * 24 * 3_600_000;
/// History reaches back no further than ten years, so that no timestamp is silly.
const MAX_PAST_MS: u64 = 10 * 365 * 24 * 3_600_000;
/// Mean time between two items of a burst.
const BURST_GAP_MS: u64 = 2_000;

/// Accounts per thousand, and their share of the mean rate in percent. Most are quiet, few are busy; the mean is 1.
const TIERS: [(u64, u64); 5] = [(600, 20), (250, 80), (100, 200), (40, 600), (10, 2_400)];

/// The time an id stands for, in milliseconds since 1970.
pub(crate) fn time_ms(id: u64) -> u64 {
    id >> COUNTER_BITS
}

/// The first id of a millisecond.
pub(crate) fn first_id(time_ms: u64) -> u64 {
    time_ms << COUNTER_BITS
}

/// One account's timeline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    key: u64,
    origin_ms: u64,
    /// Length of a stretch after the start, or `None` when nothing grows.
    gap_ms: Option<u64>,
    /// Length of a stretch before it.
    past_gap_ms: u64,
    /// Number of stretches before the start.
    history: i64,
    burst: Chance,
    burst_size: u64,
}

/// What a stretch holds, before it is worked out when.
struct Shape {
    singles: u64,
    burst: u64,
    draws: Draws,
}

impl Timeline {
    /// `key` stands for seed, channel and account; the history ends and growth begins at `origin_ms`.
    pub(crate) fn new(key: u64, origin_ms: u64, growth: &Growth) -> Self {
        let gap_ms = gap_ms(key, growth.items_per_hour);
        let longest_past_gap = MAX_PAST_MS / u64::from(growth.history).max(1);
        Self {
            key,
            origin_ms,
            gap_ms,
            past_gap_ms: gap_ms.unwrap_or(ENDED_GAP_MS).min(longest_past_gap),
            history: i64::from(growth.history),
            burst: Chance::of(growth.burst_rate),
            burst_size: u64::from(growth.burst_size),
        }
    }

    /// Items up to and including the millisecond `now_ms` whose ids are lower than `below`, newest first.
    pub(crate) fn newest_first(&self, now_ms: u64, below: u64) -> NewestFirst<'_> {
        let below = below.min(first_id(now_ms + 1));
        let stretch = self.stretch_of(time_ms(below).min(now_ms));
        NewestFirst { timeline: self, below, stretch, ids: Vec::new() }
    }

    /// Items up to and including the millisecond `now_ms` whose ids are higher than `above`, oldest first.
    pub(crate) fn oldest_first(&self, now_ms: u64, above: u64) -> OldestFirst<'_> {
        let stretch = self.stretch_of(time_ms(above)).max(-self.history);
        let (below, last) = (first_id(now_ms + 1), self.stretch_of(now_ms));
        OldestFirst { timeline: self, above, below, stretch, last, ids: Vec::new() }
    }

    /// Number of items of the stretches in `from..to` (0 is the first after the start).
    pub(crate) fn count(&self, from: i64, to: i64) -> u64 {
        (from..to).map(|stretch| self.shape(stretch)).map(|shape| shape.singles + shape.burst).sum()
    }

    /// The stretch that a time belongs to. Times before the history belong to stretches that hold nothing.
    pub(crate) fn stretch_of(&self, time_ms: u64) -> i64 {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match time_ms.checked_sub(self.origin_ms) {
            Some(after) => self.gap_ms.map_or(-1, |gap_ms| whole(after / gap_ms)),
            None => -whole((self.origin_ms - time_ms).div_ceil(self.past_gap_ms)),
        }
    }

    /// Start and length of a stretch, in milliseconds.
    fn span(&self, stretch: i64) -> (u64, u64) {
        let steps = stretch.unsigned_abs();
        if stretch < 0 {
            return (self.origin_ms.saturating_sub(steps * self.past_gap_ms), self.past_gap_ms);
        }
        let gap_ms = self.gap_ms.unwrap_or(MAX_GAP_MS);
        (self.origin_ms + steps * gap_ms, gap_ms)
    }

    fn shape(&self, stretch: i64) -> Shape {
        let mut draws = Draws::new(self.key, stretch.cast_unsigned());
        if stretch < 0 {
            let singles = u64::from(stretch >= -self.history);
            return Shape { singles, burst: 0, draws };
        }
        // Mean 1: the stretch is one mean gap long.
        let singles = draws.below(2) + draws.below(2);
        let burst = if self.burst.hits(&mut draws) { self.draw_burst(&mut draws) } else { 0 };
        Shape { singles, burst, draws }
    }

    /// Mean `burst_size`, with a long tail: 0.5 * 1/2 + 0.3 * 1 + 0.15 * 2 + 0.05 * 3 = 1.
    fn draw_burst(&self, draws: &mut Draws) -> u64 {
        match draws.below(100) {
            0..50 => self.burst_size.div_ceil(2),
            50..80 => self.burst_size,
            80..95 => self.burst_size * 2,
            _ => self.burst_size * 3,
        }
    }

    /// Replaces `ids` with those of one stretch, in ascending order.
    fn fill(&self, stretch: i64, ids: &mut Vec<u64>) {
        ids.clear();
        let (start_ms, length_ms) = self.span(stretch);
        let Shape { singles, burst, mut draws } = self.shape(stretch);
        for _ in 0..singles {
            ids.push(start_ms + draws.below(length_ms));
        }
        if burst > 0 {
            let first_ms = draws.below(length_ms);
            let burst_ms = (length_ms - first_ms).min(burst * BURST_GAP_MS);
            for k in 0..burst {
                let step = (k * 1_000 + draws.below(1_000)) * burst_ms / (burst * 1_000);
                ids.push(start_ms + first_ms + step);
            }
        }
        ids.sort_unstable();
        // Three random bits keep ids from looking like a plain count; the position keeps them in order.
        for (position, id) in ids.iter_mut().enumerate() {
            *id = first_id(*id) + (position as u64) * 8 + draws.below(8);
        }
    }
}

/// The account's mean gap between items, from its tier.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating, and clamped just after"
)]
fn gap_ms(key: u64, items_per_hour: f64) -> Option<u64> {
    let mut at = Draws::new(key, u64::MAX).below(1_000);
    let mut percent = 100;
    for (accounts, share) in TIERS {
        percent = share;
        if at < accounts {
            break;
        }
        at -= accounts;
    }
    if items_per_hour <= 0.0 {
        return None;
    }
    let mean_gap_ms = HOUR_MS / items_per_hour;
    Some(((mean_gap_ms * 100.0) as u64 / percent).clamp(MIN_GAP_MS, MAX_GAP_MS))
}

/// See [`Timeline::newest_first`].
#[derive(Debug)]
pub(crate) struct NewestFirst<'a> {
    timeline: &'a Timeline,
    below: u64,
    /// The next stretch to fill.
    stretch: i64,
    ids: Vec<u64>,
}

impl Iterator for NewestFirst<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            while let Some(id) = self.ids.pop() {
                if id < self.below {
                    return Some(id);
                }
            }
            if self.stretch < -self.timeline.history {
                return None;
            }
            self.timeline.fill(self.stretch, &mut self.ids);
            self.stretch -= 1;
        }
    }
}

/// See [`Timeline::oldest_first`].
#[derive(Debug)]
pub(crate) struct OldestFirst<'a> {
    timeline: &'a Timeline,
    above: u64,
    below: u64,
    /// The next stretch to fill.
    stretch: i64,
    last: i64,
    /// In descending order: taken from the end.
    ids: Vec<u64>,
}

impl Iterator for OldestFirst<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            while let Some(id) = self.ids.pop() {
                if id > self.above && id < self.below {
                    return Some(id);
                }
            }
            if self.stretch > self.last {
                return None;
            }
            self.timeline.fill(self.stretch, &mut self.ids);
            self.ids.reverse();
            self.stretch += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: u64 = 1_760_000_000_000;
    const HOUR: u64 = 3_600_000;
    const BUSY: Growth = Growth { items_per_hour: 20.0, burst_rate: 0.02, burst_size: 30, history: 40 };

    fn all(timeline: &Timeline, now_ms: u64) -> Vec<u64> {
        timeline.oldest_first(now_ms, 0).collect()
    }

    #[test]
    fn tiers_cover_all_accounts_and_keep_the_mean() {
        assert_eq!(TIERS.iter().map(|(accounts, _)| accounts).sum::<u64>(), 1_000);
        assert_eq!(TIERS.iter().map(|(accounts, percent)| accounts * percent).sum::<u64>(), 100 * 1_000);
    }

    #[test]
    fn both_directions_agree_and_ids_only_rise() {
        for key in 0..50 {
            let timeline = Timeline::new(key, ORIGIN, &BUSY);
            let oldest = all(&timeline, ORIGIN + 30 * HOUR);
            assert!(oldest.is_sorted_by(|a, b| a < b));
            let mut newest: Vec<_> = timeline.newest_first(ORIGIN + 30 * HOUR, u64::MAX).collect();
            newest.reverse();
            assert_eq!(oldest, newest);
        }
    }

    #[test]
    fn a_later_look_only_adds_newer_items() {
        let timeline = Timeline::new(9, ORIGIN, &BUSY);
        let mut before = all(&timeline, ORIGIN);
        assert_eq!(before.len(), 40, "the history, whole, at the start");
        for minute in 1..600 {
            let now = all(&timeline, ORIGIN + minute * 60_000);
            assert_eq!(now[..before.len()], before[..]);
            assert!(now.iter().all(|&id| time_ms(id) <= ORIGIN + minute * 60_000));
            before = now;
        }
        assert!(before.len() > 40);
    }

    #[test]
    fn parts_are_parts_of_the_whole() {
        let timeline = Timeline::new(3, ORIGIN, &BUSY);
        let now = ORIGIN + 10 * HOUR;
        let whole = all(&timeline, now);
        for &id in &whole {
            let above: Vec<_> = timeline.oldest_first(now, id).collect();
            let below: Vec<_> = timeline.newest_first(now, id).collect();
            assert_eq!(above.len() + below.len() + 1, whole.len());
        }
    }

    #[test]
    fn the_mean_rate_over_many_accounts_is_as_asked() {
        let growth = Growth { items_per_hour: 2.0, burst_rate: 0.01, burst_size: 40, history: 0 };
        let total: usize =
            (0..2_000).map(|key| all(&Timeline::new(key, ORIGIN, &growth), ORIGIN + 100 * HOUR).len()).sum();
        // 2 an hour, times 1 + 0.01 * 40 for bursts.
        let expected = 2_000.0 * 100.0 * 2.0 * 1.4;
        assert!((total as f64 / expected - 1.0).abs() < 0.15, "{total} of {expected}");
    }

    #[test]
    fn without_growth_there_is_history_only() {
        let growth = Growth { items_per_hour: 0.0, ..BUSY };
        let timeline = Timeline::new(1, ORIGIN, &growth);
        assert_eq!(all(&timeline, ORIGIN + 1_000 * HOUR).len(), 40);
        assert_eq!(timeline.newest_first(ORIGIN + HOUR, u64::MAX).count(), 40);
    }

    #[test]
    fn the_count_is_the_number_of_items() {
        let timeline = Timeline::new(5, ORIGIN, &BUSY);
        let now = timeline.span(500).0 - 1;
        assert_eq!(timeline.count(0, 500) + 40, all(&timeline, now).len() as u64);
    }

    #[test]
    fn the_fullest_stretch_keeps_out_of_the_counters_of_posted_items() {
        let fullest = 2 + 3 * u64::from(crate::config::MAX_BURST_SIZE);
        assert!(fullest * 8 < POSTED_COUNTER);
    }
}
