//! The pace of a shared limit of which for long more is due than fits: in which of its turns a job is dispatched.
//!
//! Turns are taken by a position that moves on with time, by as much a minute as one turn in so many gives. A job is
//! dispatched in the turns in which the position passes the job's own mark, so that a pace that changes slows or hastens the
//! round and does not disturb it. Nothing is written for a job.
//!
//! Beside it stands the price of a poll ([`Price`]): where more is due than fits it rises, slowly, and the cadences of all jobs
//! that share the limit slow down by the same factor, until what is due fits; where there is room it falls.

use serde::{Deserialize, Serialize};

use crate::activity::Price;
use crate::time::EpochMinute;

/// One turn of a job: a whole round of the position.
const ROUND: u64 = 1_000_000;
const THOUSAND: u64 = 1000;
/// The weight of a minute in the mean is one in so many: minutes differ by which jobs have their turn in them.
const WEIGHT: u64 = 32;

/// A pace is right within the mean divided by so many.
const RIGHT_WITHIN: u64 = 12;

/// The price moves by one in so many of what demand is off by, a minute: cadences follow it with a lag of a turn or several.
const PRICE_WEIGHT: u64 = 60;
/// Minutes without anything due that count at once.
const PRICE_MINUTES: u32 = 60;
/// A minute counts as so many times what is planned at most; after minutes without anything, for each of them.
const MOST_OFF: u128 = 4;
const LEAST_PRICE_MILLIONTHS: u64 = Pace::USUAL_PRICE_MILLIONTHS / 1024;
const MOST_PRICE_MILLIONTHS: u64 = Pace::USUAL_PRICE_MILLIONTHS * 4096;

/// What the scheduler knows of a shared limit from minute to minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Turns, in thousandths, of which a job is dispatched in one, for each unit that its account has due in the minute. Up to
    /// 1000 only accounts with several are put off, at 0 none.
    pub turns_thousandths: u32,
    /// What the last minutes would have needed, in the mean.
    pub mean_thousandths: u32,
    /// How far the round is.
    pub position: u64,
    /// The price of a poll, in millionths of the usual: [`Pace::price`] is coarser.
    pub price_millionths: u64,
    /// The minute that it was last brought up to date in.
    pub at: Option<EpochMinute>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            turns_thousandths: 0,
            mean_thousandths: 0,
            position: 0,
            price_millionths: Self::USUAL_PRICE_MILLIONTHS,
            at: None,
        }
    }
}

/// What the jobs of a limit have due in a minute, beside what it bears.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// Units due, in thousandths.
    pub due: u64,
    /// Units of the limit that are to be used in a minute, in the mean, in thousandths.
    pub planned: u64,
    /// The lowest price.
    pub cheapest: Cheapest,
}

/// How cheap a poll may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cheapest {
    /// As usual: a limit with room changes nothing, and nothing is kept of it. There may be thousands (hosts).
    Usual,
    /// Until what the limit bears is used.
    Used,
}

impl Pace {
    /// The usual price.
    pub const USUAL_PRICE_MILLIONTHS: u64 = 1_000_000;

    /// The price of a poll.
    #[must_use]
    pub fn price(self) -> Price {
        Price::of_thousandths(u32::try_from(self.price_millionths / 1000).unwrap_or(u32::MAX))
    }

    /// The price after `minutes`, in the last of which so much was due and in the others nothing. In a minute it moves by a
    /// sixtieth of how far demand is off; upwards less, by the square of the turns that jobs have to wait for.
    #[must_use]
    pub fn price_after(self, minutes: u32, demand: Demand) -> u64 {
        let Demand { due, planned, cheapest } = demand;
        if planned == 0 {
            return self.price_millionths;
        }
        let least = match cheapest {
            Cheapest::Usual => Self::USUAL_PRICE_MILLIONTHS,
            Cheapest::Used => LEAST_PRICE_MILLIONTHS,
        };
        let empty = minutes.clamp(1, PRICE_MINUTES) - 1;
        let rested = (0..empty).fold(self.price_millionths, |price, _| price - price / PRICE_WEIGHT);
        let (price, planned) = (u128::from(rested), u128::from(planned));
        let off = u128::from(due).min(planned * MOST_OFF * u128::from(empty + 1));
        let weight = planned * u128::from(PRICE_WEIGHT);
        let next = if off > planned {
            // Jobs that have one of several turns hear of the price that much later: it must not run ahead of them.
            let turns = u128::from(self.turns_thousandths.max(1000)).pow(2);
            // A small price must be able to rise.
            price + (price * (off - planned) * 1_000_000 / (weight * turns)).max(1)
        } else {
            price - price * (planned - off) / weight
        };
        u64::try_from(next).unwrap_or(u64::MAX).clamp(least, MOST_PRICE_MILLIONTHS)
    }

    /// After a minute that would have needed `turns_thousandths` for each unit. The pace changes only when it is wrong by more
    /// than a little: of jobs with a slow cadence, some would miss their mark each time.
    #[must_use]
    pub fn after(self, minute: EpochMinute, turns_thousandths: u32) -> Self {
        let (old, new) = (u64::from(self.mean_thousandths), u64::from(turns_thousandths));
        let mean = if self.is_idle() { new } else { (old * (WEIGHT - 1) + new) / WEIGHT };
        let mean_thousandths = u32::try_from(mean).unwrap_or(u32::MAX);
        let is_right = u64::from(self.turns_thousandths.abs_diff(mean_thousandths)) * RIGHT_WITHIN <= mean;
        let turns_thousandths = if is_right { self.turns_thousandths } else { mean_thousandths };
        // By the new pace: what the round moves by now is what turns are taken by now.
        Self { turns_thousandths, mean_thousandths, ..self }.unjudged(minute)
    }

    /// After minutes that say nothing of what is asked for: the round goes on, or the same jobs would have every turn.
    #[must_use]
    pub fn unjudged(self, minute: EpochMinute) -> Self {
        let minutes = self.at.map_or(0, |at| minute.since(at));
        let moved = u64::from(minutes).saturating_mul(self.a_minute());
        Self { position: self.position.wrapping_add(moved), at: Some(minute), ..self }
    }

    /// Whether it is as if nothing were known: then nothing need be kept.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        self.turns_thousandths == 0 && self.mean_thousandths == 0
    }

    /// Turns of which a job is dispatched in one whose account has no other due: at least 1.
    #[must_use]
    pub fn turns(self) -> f64 {
        f64::from(self.turns_thousandths).max(1000.0) / 1000.0
    }

    /// What the position moves by in a minute.
    fn a_minute(self) -> u64 {
        ROUND * THOUSAND / u64::from(self.turns_thousandths.max(1))
    }

    /// Whether a job's turn is taken: a job of this cadence, with its mark at `hash`, of an account that has so many units due
    /// in the minute.
    #[must_use]
    pub fn takes_turn(self, cadence_minutes: u16, hash: u64, units_due: u64) -> bool {
        let units = units_due.max(1);
        let step = self.a_minute() / units;
        if step >= ROUND {
            return true;
        }
        let turns = self.position / u64::from(cadence_minutes.max(1)) / units;
        (turns % ROUND + hash % ROUND) % ROUND < step
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(number: u32) -> EpochMinute {
        EpochMinute::new(29_000_000 + number)
    }

    fn steady(turns_thousandths: u32) -> Pace {
        Pace::default().after(minute(0), turns_thousandths)
    }

    proptest! {
        #[test]
        fn turns_are_taken_evenly_at_any_pace(
            thousandths in 1000_u32..30_000, hash in any::<u64>(), cadence in proptest::sample::select(vec![1_u16, 5, 15, 60]),
        ) {
            let mut pace = steady(thousandths);
            let mut taken = Vec::new();
            for turn in 0..400_u32 {
                let at = minute(turn * u32::from(cadence));
                pace = pace.after(at, thousandths);
                if pace.takes_turn(cadence, hash, 1) {
                    taken.push(turn);
                }
            }
            let wait = pace.turns();
            prop_assert!(!taken.is_empty());
            for pair in taken.windows(2) {
                let gap = f64::from(pair[1] - pair[0]);
                prop_assert!((gap - wait).abs() <= 1.01, "a gap of {gap} at one turn in {wait}");
            }
        }
    }

    #[test]
    fn the_pace_is_the_mean_of_the_last_minutes() {
        let first = steady(8700);
        assert_eq!(first.turns_thousandths, 8700, "the first minute counts whole");
        let still = first.after(minute(1), 8000);
        assert_eq!((still.turns_thousandths, still.mean_thousandths), (8700, (8700 * 31 + 8000) / 32));
        let more = first.after(minute(1), 40_000);
        assert_eq!(more.turns_thousandths, (8700 * 31 + 40_000) / 32);
        assert_eq!(more.position, ROUND * 1000 / u64::from(more.turns_thousandths));
        let mut calm = first;
        for number in 1..400 {
            calm = calm.after(minute(number), 0);
        }
        assert!(calm.is_idle() && calm.takes_turn(15, 7, 1), "what has passed is forgotten: {calm:?}");
    }

    #[test]
    fn the_round_goes_on_through_minutes_that_say_nothing() {
        let first = steady(8700);
        let judged = (1..=50).fold(first, |pace, number| pace.after(minute(number), 8700));
        let unjudged = first.unjudged(minute(20)).unjudged(minute(50));
        assert_eq!(unjudged.position, judged.position);
        assert_eq!((unjudged.turns_thousandths, unjudged.at), (8700, Some(minute(50))));
    }

    fn price_after_minutes(mut pace: Pace, minutes: u32, due: u64, cheapest: Cheapest) -> Pace {
        for _ in 0..minutes {
            pace.price_millionths = pace.price_after(1, Demand { due, planned: 1000, cheapest });
        }
        pace
    }

    #[test]
    fn the_price_rises_while_more_is_due_than_is_planned_and_falls_while_there_is_room() {
        let usual = Pace::default();
        assert!(usual.price().is_usual());
        let price = |due, minutes| price_after_minutes(usual, minutes, due, Cheapest::Used).price_millionths;
        assert_eq!(price(1000, 500), Pace::USUAL_PRICE_MILLIONTHS, "as much as is planned");
        assert_eq!(price(2000, 1), Pace::USUAL_PRICE_MILLIONTHS * 61 / 60);
        assert_eq!(price(500, 1), Pace::USUAL_PRICE_MILLIONTHS - Pace::USUAL_PRICE_MILLIONTHS / 120);
        assert_eq!(price(u64::MAX, 1), Pace::USUAL_PRICE_MILLIONTHS * 63 / 60, "a surge counts for no more");
        assert_eq!([price(u64::MAX, 2000), price(0, 2000)], [MOST_PRICE_MILLIONTHS, LEAST_PRICE_MILLIONTHS]);
        let stretched = Pace { turns_thousandths: 5000, ..usual };
        let slowly = price_after_minutes(stretched, 1, 2000, Cheapest::Used).price_millionths;
        assert_eq!(slowly, Pace::USUAL_PRICE_MILLIONTHS + Pace::USUAL_PRICE_MILLIONTHS / 60 / 25);
        let cheap = Pace { price_millionths: 1, ..usual };
        assert!(
            price_after_minutes(cheap, 300, 1500, Cheapest::Used).price_millionths > 10_000,
            "it rises from anywhere"
        );
    }

    #[test]
    fn a_limit_of_which_there_may_be_thousands_is_never_cheaper_than_usual() {
        let usual = Pace::default();
        assert_eq!(price_after_minutes(usual, 100, 0, Cheapest::Usual), usual, "nothing to write down");
        let dear = price_after_minutes(usual, 100, 4000, Cheapest::Usual);
        assert!(dear.price_millionths > Pace::USUAL_PRICE_MILLIONTHS * 3);
        assert_eq!(price_after_minutes(dear, 500, 0, Cheapest::Usual), usual);
    }

    #[test]
    fn minutes_in_which_nothing_was_due_count() {
        let dear = Pace { price_millionths: 50_000_000, ..Pace::default() };
        let demand = |due| Demand { due, planned: 1000, cheapest: Cheapest::Used };
        let one_by_one =
            (0..29).fold(dear, |pace, _| Pace { price_millionths: pace.price_after(1, demand(0)), ..pace });
        assert_eq!(dear.price_after(30, demand(2000)), one_by_one.price_after(1, demand(2000)));
        // Thirty units in the last of thirty minutes are one a minute.
        let (none, thirty) = (dear.price_after(30, demand(0)), dear.price_after(30, demand(30_000)));
        assert!(thirty > none * 3 / 2, "{thirty} and {none}");
        let nowhere = Demand { planned: 0, ..demand(7) };
        assert_eq!(dear.price_after(1, nowhere), dear.price_millionths);
    }

    #[test]
    fn an_account_with_more_due_waits_as_many_times_as_long_for_each() {
        let pace = steady(500);
        assert!((0..1000).all(|hash| pace.takes_turn(15, hash * 997, 1)), "half a turn is less than one");
        let taken = (0..1000).filter(|hash| pace.takes_turn(15, hash * 997, 10)).count();
        assert!((150..=250).contains(&taken), "one in five: {taken}");
    }

    #[test]
    fn a_change_of_pace_does_not_disturb_the_round() {
        let mut pace = steady(4000);
        let mut taken = Vec::new();
        for turn in 0..400_u32 {
            // Up and down by a third.
            pace = pace.after(minute(turn), if turn / 40 % 2 == 0 { 3000 } else { 5000 });
            if pace.takes_turn(1, 12_345, 1) {
                taken.push(turn);
            }
        }
        let gaps: Vec<u32> = taken.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (3..=6).contains(gap)), "{gaps:?}");
    }
}
