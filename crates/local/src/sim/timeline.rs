//! What an account posts, and when: a function of the seed, so that nothing need be kept.

use pollwheel_core::hash::{below, mix};
use pollwheel_core::time::Timestamp;
use std::time::Duration;

use super::scenario::Scenario;

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// The items of one account: one every `gap` seconds, and a burst every `burst_gap` seconds. Items are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeline {
    start: Timestamp,
    gap: Option<u64>,
    offset: u64,
    burst: u64,
    burst_gap: u64,
}

impl Timeline {
    /// The timeline of an account, by its number, of a world that begins at `start`.
    pub(super) fn new(seed: u64, account: u32, scenario: &Scenario, start: Timestamp) -> Self {
        let hash = mix(seed, u64::from(account));
        let gap = DAY_SECONDS.checked_div(u64::from(scenario.items_per_day));
        let offset =
            gap.map_or(0, |gap| u64::from(below(mix(hash, 1), u32::try_from(gap).unwrap_or(u32::MAX))));
        let every = u64::from(scenario.burst_every_minutes.get()) * 60;
        let burst_gap = every / 2 + u64::from(below(mix(hash, 2), u32::try_from(every).unwrap_or(u32::MAX)));
        let burst = u64::from(below(mix(hash, 3), scenario.burst_items.saturating_add(1)));
        Self { start, gap, offset, burst, burst_gap }
    }

    /// Items posted by an instant.
    pub(super) fn posted(&self, by: Timestamp) -> u64 {
        let seconds = by.since(self.start).as_secs();
        let steady = self.gap.map_or(0, |gap| (seconds + self.offset) / gap);
        steady + (seconds / self.burst_gap.max(1)) * self.burst
    }

    /// When an item was posted, to the second; the world's start for the first ones.
    pub(super) fn created(&self, item: u64, now: Timestamp) -> Timestamp {
        let (mut early, mut late) = (0, now.since(self.start).as_secs());
        while early < late {
            let middle = u64::midpoint(early, late);
            let at = self.start.plus(Duration::from_secs(middle));
            if self.posted(at) >= item { late = middle } else { early = middle + 1 }
        }
        self.start.plus(Duration::from_secs(late))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_was_created_when_the_count_reached_it() {
        let start = Timestamp::from_millis(1_740_052_800_000);
        let timeline = Timeline::new(7, 3, &Scenario::torrent(), start);
        let now = start.plus(Duration::from_secs(DAY_SECONDS));
        let posted = timeline.posted(now);
        assert!(posted >= 24, "{posted}");
        for item in 1..=posted {
            let at = timeline.created(item, now);
            assert!(timeline.posted(at) >= item);
            let before = Timestamp::from_millis(at.millis().saturating_sub(1000));
            assert!(at == start || timeline.posted(before) < item, "item {item} at {at}");
        }
    }

    #[test]
    fn a_quiet_account_posts_nothing() {
        let start = Timestamp::from_millis(0);
        let timeline = Timeline::new(7, 3, &Scenario::quiet(), start);
        assert_eq!(timeline.posted(start.plus(Duration::from_secs(DAY_SECONDS))), 0);
    }
}
