//! What a job's source brings: an estimate of its rate of items, and the cadence that the rate is worth.
//!
//! With a fixed number of polls the expected delay of items is least when each job's cadence goes with one over the square
//! root of its rate: `sum(rate * cadence / 2)` under `sum(1 / cadence) = calls` has its minimum where `rate * cadence^2` is the
//! same for all (Cauchy-Schwarz). So a job's cadence is `sqrt(price / rate)`, with one price for all that share the calls.
//!
//! The rate is a Gamma estimate: items by time, a prior from the service level, and what is old counts half after
//! [`HALF_LIFE_MINUTES`]. Only items change what a row keeps. Silence since then counts in full and needs no write.
//!
//! Integers only, so that every machine decides the same.

use serde::{Deserialize, Serialize};

use crate::cadence::{Cadence, CadenceRange};

/// What a source brought counts half after so many minutes: 2 days and 20 hours. A power of two, so that every minute counts.
pub const HALF_LIFE_MINUTES: u32 = 1 << HALF_LIFE_BITS;
const HALF_LIFE_BITS: u32 = 12;

/// Seconds that time which fades by the half-life comes to at most: the half-life by ln 2.
const MOST_EXPOSURE_SECONDS: u64 = 354_557;

/// 2^32 times 2^(-2^i / 4096): what is left of 1 after 1, 2, 4, ... minutes.
const FADING: [u64; HALF_LIFE_BITS as usize] = [
    4_294_240_540,
    4_293_513_907,
    4_292_061_010,
    4_289_156_690,
    4_283_353_945,
    4_271_771_996,
    4_248_701_965,
    4_202_935_003,
    4_112_874_773,
    3_938_502_376,
    3_611_622_603,
    3_037_000_500,
];
const ONE: u64 = 1 << 32;

const THOUSAND: u64 = 1000;
const DAY_SECONDS: u64 = 86_400;

/// The prior's items, in thousandths.
const PRIOR_ITEMS: u64 = 500;
/// A source of a level's middle rate brings an item in so many polls at the middle cadence.
const POLLS_AN_ITEM: u64 = 8;

/// What a source brought, as of the minute in which it last brought something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Items, in thousandths; older ones count less.
    #[serde(rename = "n")]
    pub items_thousandths: u32,
    /// Seconds that they came in; older ones count less.
    #[serde(rename = "s")]
    pub exposure_seconds: u32,
}

impl Activity {
    /// After `quiet_minutes` at the end of which `items` came.
    #[must_use]
    pub fn after(self, quiet_minutes: u32, items: u32) -> Self {
        let fading = fading(quiet_minutes);
        let kept = faded(u64::from(self.items_thousandths), fading);
        let exposure = u64::from(self.exposure_seconds).min(MOST_EXPOSURE_SECONDS);
        let exposure = MOST_EXPOSURE_SECONDS - faded(MOST_EXPOSURE_SECONDS - exposure, fading);
        Self {
            items_thousandths: narrow(kept.saturating_add(u64::from(items) * THOUSAND)),
            exposure_seconds: narrow(exposure),
        }
    }

    /// The rate after `quiet_minutes` in which nothing came.
    #[must_use]
    pub fn rate(self, quiet_minutes: u32, middle: Middle) -> Rate {
        let fading = fading(quiet_minutes);
        let exposure = faded(u64::from(self.exposure_seconds), fading);
        Rate {
            items_thousandths: PRIOR_ITEMS + faded(u64::from(self.items_thousandths), fading),
            seconds: middle.prior_seconds() + exposure + u64::from(quiet_minutes) * 60,
        }
    }
}

/// What is left of 1 after so many minutes, times 2^32.
fn fading(minutes: u32) -> u64 {
    let (halvings, rest) = (minutes >> HALF_LIFE_BITS, minutes & (HALF_LIFE_MINUTES - 1));
    let factors = FADING.iter().enumerate().filter(|(bit, _)| rest >> bit & 1 == 1);
    let left = factors.fold(ONE, |left, (_, factor)| (left * factor) >> 32);
    left.checked_shr(halvings).unwrap_or(0)
}

/// Rounded to the nearest.
fn faded(number: u64, fading: u64) -> u64 {
    let product = u128::from(number) * u128::from(fading) + u128::from(ONE / 2);
    u64::try_from(product >> 32).unwrap_or(u64::MAX)
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The middle of a range of cadences: the geometric one. A source of which nothing is known gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Middle {
    seconds: u64,
}

impl Middle {
    /// Of a range.
    #[must_use]
    pub fn of(range: CadenceRange) -> Self {
        Self { seconds: (seconds(range.fastest()) * seconds(range.slowest())).isqrt() }
    }

    const fn prior_seconds(self) -> u64 {
        self.seconds * POLLS_AN_ITEM * PRIOR_ITEMS / THOUSAND
    }
}

fn seconds(cadence: Cadence) -> u64 {
    u64::from(cadence.minutes()) * 60
}

/// Items in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    items_thousandths: u64,
    /// Never 0.
    seconds: u64,
}

impl Rate {
    /// Thousandths of an item in a day.
    #[must_use]
    pub fn a_day_thousandths(self) -> u32 {
        narrow(self.items_in(DAY_SECONDS))
    }

    /// Thousandths of an item that are to be expected in a cadence.
    #[must_use]
    pub fn in_turn_thousandths(self, cadence: Cadence) -> u32 {
        narrow(self.items_in(seconds(cadence)))
    }

    fn items_in(self, seconds: u64) -> u64 {
        let items =
            u128::from(self.items_thousandths) * u128::from(seconds) / u128::from(self.seconds.max(1));
        u64::try_from(items).unwrap_or(u64::MAX)
    }

    /// The cadence that it is worth at a price.
    #[must_use]
    pub fn asks_for(self, price: Price, middle: Middle) -> Asked {
        let square = u128::from(price.0) * u128::from(middle.seconds) * u128::from(self.seconds)
            / u128::from(POLLS_AN_ITEM * self.items_thousandths.max(1));
        Asked { square }
    }
}

/// What a poll costs, against the usual, in thousandths: dearer where a shared limit is asked for more than it bears, cheaper
/// where it has room. At the usual price the middle rate of a level is worth its middle cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(u32);

impl Price {
    /// Where nothing is known of a limit.
    pub const USUAL: Self = Self(1000);

    /// Of so many thousandths of the usual price: at least one.
    #[must_use]
    pub const fn of_thousandths(thousandths: u32) -> Self {
        Self(if thousandths == 0 { 1 } else { thousandths })
    }

    /// Thousandths of the usual price.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// Whether it is the usual one, which is not written down.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::USUAL
    }
}

impl Default for Price {
    fn default() -> Self {
        Self::USUAL
    }
}

/// A time between two polls as the rate and the price alone would have it, of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// In seconds, squared: it is only ever compared.
    square: u128,
}

/// Of the squares that are compared: a job goes on as it is until another cadence is nearer by so much. 36 / 25 is a factor of
/// 1.2 between the cadences themselves.
const MARGIN: (u128, u128) = (36, 25);

impl Asked {
    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        u32::try_from(self.square.isqrt()).unwrap_or(u32::MAX)
    }

    /// The nearest cadence, by ratio.
    #[must_use]
    pub fn nearest(self) -> Cadence {
        let is_near = |cadence: &Cadence| self.square < between(*cadence, cadence.slower());
        Cadence::ALL.into_iter().find(is_near).unwrap_or(Cadence::SLOWEST)
    }

    /// What a job goes on with from `current`: what is asked for, at once, unless it is nearly as it is. That a source is
    /// forgotten slowly is in the estimate: a way in steps would only be more moves, and a move is the dearest write there is.
    #[must_use]
    pub fn from(self, current: Cadence) -> Cadence {
        let (more, less) = MARGIN;
        if self.square * more < between(current, current.faster()) * less {
            self.nearest().min(current)
        } else if self.square * less > between(current, current.slower()) * more {
            self.nearest().max(current)
        } else {
            current
        }
    }
}

/// The square of the boundary between two cadences, in seconds.
fn between(one: Cadence, other: Cadence) -> u128 {
    u128::from(seconds(one) * seconds(other))
}

#[cfg(test)]
mod tests;
