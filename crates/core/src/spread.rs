//! How a number of times is spread: counts in buckets that grow with the time, a fifth wide each, so that a report of any number of
//! polls stays small and two reports add up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::id::{JobTypeId, ServiceLevel};

/// How fresh items were when they were published: seconds from their creation, by job type and service level. Items whose time
/// the third party does not tell are not in it, nor are those of a job's first poll: they were there before the job was.
pub type Freshness = BTreeMap<(JobTypeId, ServiceLevel), Spread>;

/// How late polls began, by job type and service level: seconds. Found without copying a name, because every poll is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lateness(BTreeMap<JobTypeId, BTreeMap<ServiceLevel, Spread>>);

impl Lateness {
    /// Counts a poll.
    pub fn record(&mut self, job_type: &JobTypeId, level: &ServiceLevel, seconds: u64) {
        match self.0.get_mut(job_type).and_then(|levels| levels.get_mut(level)) {
            Some(spread) => spread.record(seconds),
            None => self.of(job_type, level).record(seconds),
        }
    }

    /// Every job type and level that was polled.
    pub fn iter(&self) -> impl Iterator<Item = (&JobTypeId, &ServiceLevel, &Spread)> {
        let of = |(job_type, levels)| {
            let levels: &BTreeMap<ServiceLevel, Spread> = levels;
            levels.iter().map(move |(level, spread)| (job_type, level, spread))
        };
        self.0.iter().flat_map(of)
    }

    fn of(&mut self, job_type: &JobTypeId, level: &ServiceLevel) -> &mut Spread {
        self.0.entry(job_type.clone()).or_default().entry(level.clone()).or_default()
    }
}

impl AddAssign<&Self> for Lateness {
    fn add_assign(&mut self, other: &Self) {
        for (job_type, level, spread) in other.iter() {
            *self.of(job_type, level) += spread;
        }
    }
}

/// Buckets to a doubling: two bits below the highest.
const BITS: u32 = 2;

/// Seconds, counted by size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    buckets: BTreeMap<u16, u64>,
}

impl Spread {
    /// Counts one.
    pub fn record(&mut self, seconds: u64) {
        *self.buckets.entry(bucket(seconds)).or_default() += 1;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.values().sum()
    }

    /// Whether none was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The seconds that so many of a hundred are not over, within a fifth: 50 is the middle. 0 of none.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count() * percent.min(100)).div_ceil(100).max(1);
        self.of_rank(rank)
    }

    /// At most `most` seconds that stand for all: as many as there are, or evenly chosen among them.
    #[must_use]
    pub fn samples(&self, most: u64) -> Vec<u64> {
        let all = self.count();
        let wanted = all.min(most);
        (0..wanted).map(|number| self.of_rank((number * 2 + 1) * all / (wanted * 2) + 1)).collect()
    }

    /// The seconds of the one at a place in the order, from 1 on.
    fn of_rank(&self, rank: u64) -> u64 {
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return seconds(*bucket);
            }
        }
        self.buckets.keys().next_back().map_or(0, |bucket| seconds(*bucket))
    }
}

impl AddAssign<&Self> for Spread {
    fn add_assign(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }
}

/// Small numbers are their own bucket.
fn bucket(seconds: u64) -> u16 {
    let high = seconds.max(1).ilog2();
    let index = match high.checked_sub(BITS) {
        None | Some(0) => seconds,
        Some(shift) => (u64::from(shift) << BITS) + (seconds >> shift),
    };
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The middle of a bucket.
fn seconds(bucket: u16) -> u64 {
    let index = u64::from(bucket);
    if index < 1 << (BITS + 1) {
        return index;
    }
    let shift = (index >> BITS) - 1;
    let low = (index - (shift << BITS)) << shift;
    low + ((1 << shift) - 1) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lateness_is_counted_by_job_type_and_level_and_adds_up() {
        let [posts, likes] = ["toy/posts", "toy/likes"].map(|name| JobTypeId::new(name).unwrap());
        let [free, paid] = ["free", "paid"].map(|name| ServiceLevel::new(name).unwrap());
        let mut sum = Lateness::default();
        for (job_type, level, seconds) in [(&posts, &free, 60), (&posts, &paid, 0), (&likes, &free, 1)] {
            let mut one = Lateness::default();
            one.record(job_type, level, seconds);
            sum += &one;
            sum.record(job_type, level, seconds);
        }
        let all: Vec<_> = sum
            .iter()
            .map(|(job_type, level, of)| (job_type, level, of.count(), of.percentile(50)))
            .collect();
        assert_eq!(all, [(&likes, &free, 2, 1), (&posts, &free, 2, all[1].3), (&posts, &paid, 2, 0)]);
        assert!((48..=72).contains(&all[1].3), "within a fifth of a minute: {all:?}");
    }

    fn of(all: impl IntoIterator<Item = u64>) -> Spread {
        let mut spread = Spread::default();
        all.into_iter().for_each(|seconds| spread.record(seconds));
        spread
    }

    #[test]
    fn percentiles_are_those_of_what_was_counted() {
        let spread = of(1..=1000);
        for (percent, truth) in [(1, 10), (50, 500), (90, 900), (99, 990), (100, 1000)] {
            let told = spread.percentile(percent);
            assert!(told.abs_diff(truth) * 8 <= truth + 8, "{percent} %: {told} and not {truth}");
        }
        assert_eq!(
            (Spread::default().percentile(50), of([7]).percentile(50), of([0]).percentile(99)),
            (0, 7, 0)
        );
    }

    #[test]
    fn samples_stand_for_all() {
        assert_eq!(of([3, 1, 2]).samples(100), [1, 2, 3]);
        assert_eq!(of([5; 300]).samples(100), [5; 100]);
        let few = of((0..90).map(|_| 4).chain([1000; 10])).samples(10);
        assert_eq!((few.iter().filter(|seconds| **seconds == 4).count(), few.len()), (9, 10));
        assert!(Spread::default().samples(100).is_empty());
    }

    proptest! {
        #[test]
        fn a_bucket_holds_what_is_near(seconds in any::<u64>()) {
            let told = super::seconds(bucket(seconds));
            prop_assert!(u128::from(told.abs_diff(seconds)) * 8 <= u128::from(seconds), "{} for {}", told, seconds);
            prop_assert_eq!(bucket(told), bucket(seconds));
        }

        #[test]
        fn two_add_up(one in proptest::collection::vec(0_u64..100_000, 0..50), other in proptest::collection::vec(0_u64..100_000, 0..50)) {
            let mut sum = of(one.clone());
            sum += &of(other.clone());
            prop_assert_eq!(sum, of(one.into_iter().chain(other)));
        }
    }
}
