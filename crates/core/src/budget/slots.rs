//! How a limit's time is cut into slots.

use std::cmp::Ordering;

use crate::time::{EpochMinute, MILLIS_PER_MINUTE, Timestamp};

use super::{PaceKey, SpendSlot};

const DAY: u64 = 86_400;

/// The lengths to choose from, in seconds: parts of a minute, or minutes.
const LENGTHS: [u64; 30] = [
    1,
    2,
    3,
    5,
    6,
    10,
    15,
    20,
    30,
    60,
    120,
    180,
    300,
    600,
    900,
    1200,
    1800,
    3600,
    7200,
    14_400,
    21_600,
    28_800,
    43_200,
    DAY,
    2 * DAY,
    3 * DAY,
    5 * DAY,
    10 * DAY,
    20 * DAY,
    30 * DAY,
];

/// Seconds of the scheduler's step.
const MINUTE: u64 = 60;
/// A cut may let through this many percent less than the best one where it is better otherwise.
const GOOD_ENOUGH_PERCENT: u128 = 85;

/// A cut: slots of one length, each with the same number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// The length of a slot, in seconds.
    pub seconds: u64,
    /// Units that may be reserved in one.
    pub most: u64,
    /// Units of the dearest request.
    dearest: u64,
}

impl Slots {
    /// The cut of a limit. Among those that let nearly as much through as the best, one of a minute or less is better, as
    /// long as it can be: short slots go to waste where few jobs are due in each.
    pub(super) fn of(units: u64, window: u64, reach: u64, dearest: u64) -> Option<Self> {
        let cuts = LENGTHS.into_iter().filter_map(|seconds| {
            let most = units / slots_met(window, reach, seconds);
            (most >= dearest).then_some(Self { seconds, most, dearest })
        });
        let best = cuts.clone().max_by(|one, other| one.throughput(*other))?;
        let mut good = cuts.filter(|cut| {
            let (of_cut, of_best) = (cut.in_time_of(best), best.in_time_of(*cut));
            of_cut * 100 >= of_best * GOOD_ENOUGH_PERCENT
        });
        let first = good.next()?;
        Some(good.take_while(|cut| cut.seconds <= MINUTE).last().unwrap_or(first))
    }

    /// Units in as much time as the other's length takes times its own.
    fn in_time_of(self, other: Self) -> u128 {
        u128::from(self.most) * u128::from(other.seconds)
    }

    fn throughput(&self, other: Self) -> Ordering {
        self.in_time_of(other).cmp(&other.in_time_of(*self))
    }

    /// The slot of an instant.
    #[must_use]
    pub fn at(self, of: &PaceKey, now: Timestamp) -> SpendSlot {
        let length = self.seconds.saturating_mul(1000);
        let index = now.millis() / length;
        let ends = Timestamp::from_millis(index.saturating_add(1).saturating_mul(length));
        SpendSlot { of: of.clone(), index, ends }
    }

    /// Units that the scheduler may dispatch in a minute. Where a slot is longer than one, its dearest requests are spread
    /// over its minutes.
    #[must_use]
    pub fn allowance(self, minute: EpochMinute) -> u64 {
        if self.seconds <= MINUTE {
            return self.most.saturating_mul(MINUTE / self.seconds);
        }
        let minutes = self.seconds / MINUTE;
        let place = u64::from(minute.get()) % minutes;
        let requests = u128::from(self.most / self.dearest);
        let by = |place: u64| requests * u128::from(place) / u128::from(minutes);
        u64::try_from(by(place + 1) - by(place)).unwrap_or(u64::MAX).saturating_mul(self.dearest)
    }

    /// Units that it lets through in so many seconds, in the mean.
    #[must_use]
    pub fn units_in(self, seconds: u64) -> u64 {
        u64::try_from(u128::from(self.most) * u128::from(seconds) / u128::from(self.seconds))
            .unwrap_or(u64::MAX)
    }

    /// Minutes after which allowances repeat.
    #[must_use]
    pub const fn period_minutes(self) -> u64 {
        self.seconds.div_ceil(MILLIS_PER_MINUTE / 1000)
    }
}

/// Most slots whose calls one window can see. Those of a slot come within its length and the reach, so a window meets the
/// slots that begin in a span of `window + slot + reach`.
const fn slots_met(window: u64, reach: u64, slot: u64) -> u64 {
    1_u64.saturating_add(window.saturating_add(reach).div_ceil(slot))
}
