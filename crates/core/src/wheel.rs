//! The wheel: the day as 1440 minute slots, and where a job sits in it.
//!
//! A job has no slot of its own. It belongs to a cohort (cadence, phase, shard), and the cohort is due in every minute
//! whose remainder by the cadence is the phase. The tick asks which cohorts are due in a window of minutes; nothing is
//! moved to answer it.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::cadence::Cadence;
use crate::hash::{Purpose, below, job_hash};
use crate::id::JobId;
use crate::time::EpochMinute;

/// Minutes from which on a late tick makes up for no wake-ups: in a day every cohort is due, and answers for its jobs.
pub const MAX_CATCH_UP_MINUTES: u32 = 1440;
/// Most shards that a job type may have: bounds the partitions of one tick.
pub const MAX_SHARDS: u16 = 1024;

/// The jobs of one job type with the same cadence and phase, in one shard: one partition, read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cohort {
    /// Minutes between two polls.
    pub cadence: Cadence,
    /// The minute within the cadence: below `cadence.minutes()`.
    pub phase: u16,
    /// Which of the partitions that share cadence and phase.
    pub shard: u16,
}

impl Cohort {
    /// The first of the due minutes that a dispatch for `due` and `missed` earlier ones answers for.
    #[must_use]
    pub const fn first_due(&self, due: EpochMinute, missed: u32) -> EpochMinute {
        due.minus(missed.saturating_mul(self.cadence.minutes() as u32))
    }

    /// Where a job of this cadence belongs: phase and shard from its stable hash.
    #[must_use]
    pub fn of(job: &JobId, cadence: Cadence, shards: NonZeroU16) -> Self {
        Self { cadence, phase: phase(job, cadence), shard: shard(job, shards) }
    }

    /// Whether the cohort is due in this minute.
    #[must_use]
    pub fn is_due(self, minute: EpochMinute) -> bool {
        self.cadence.phase_of(minute) == self.phase
    }

    /// The first minute at or after `minute` in which the cohort is due.
    #[must_use]
    pub fn next_due(self, minute: EpochMinute) -> EpochMinute {
        let cadence = self.cadence.minutes();
        let behind = self.cadence.phase_of(minute);
        minute.plus(u32::from((self.phase + cadence - behind) % cadence))
    }
}

fn phase(job: &JobId, cadence: Cadence) -> u16 {
    narrow(below(job_hash(job, Purpose::Phase), u32::from(cadence.minutes())))
}

/// The shard of a job among `shards`.
#[must_use]
pub fn shard(job: &JobId, shards: NonZeroU16) -> u16 {
    narrow(below(job_hash(job, Purpose::Shard), u32::from(shards.get())))
}

fn narrow(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// How long after its minute begins a job leaves, in seconds: below `spread_seconds`, the same every time, so that a
/// minute's jobs leave evenly over the minute.
#[must_use]
pub fn spread_delay_seconds(job: &JobId, spread_seconds: u16) -> u16 {
    narrow(below(job_hash(job, Purpose::Spread), u32::from(spread_seconds)))
}

/// The minutes (after, to] that a tick has to answer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    after: EpochMinute,
    to: EpochMinute,
}

/// The due minutes of one cadence and phase in a window: the last of them, and how many came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The phase.
    pub phase: u16,
    /// The latest due minute in the window: the one that the dispatch is for.
    pub minute: EpochMinute,
    /// Earlier due minutes in the window that this one dispatch makes up for.
    pub missed: u32,
}

impl Window {
    /// The window from a cursor to the tick's minute. Without a cursor (the first tick ever) it is that one minute.
    /// A cursor at or past the minute leaves nothing: the tick was a repeat.
    #[must_use]
    pub fn new(cursor: Option<EpochMinute>, minute: EpochMinute) -> Option<Self> {
        let after = cursor.unwrap_or_else(|| minute.minus(1));
        (after < minute).then_some(Self { after, to: minute })
    }

    /// Minutes in the window, at least 1.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        self.to.since(self.after)
    }

    /// The tick's minute.
    #[must_use]
    pub const fn to(self) -> EpochMinute {
        self.to
    }

    /// The phases of a cadence that are due in the window, each once, however long the window is.
    pub fn due(self, cadence: Cadence) -> impl Iterator<Item = Due> {
        let length = self.minutes();
        let every = u32::from(cadence.minutes());
        (0..length.min(every)).map(move |back| {
            let minute = self.to.minus(back);
            Due { phase: cadence.phase_of(minute), minute, missed: (length - back - 1) / every }
        })
    }

    /// The minutes whose wake-ups are due, oldest first: none in a window of [`MAX_CATCH_UP_MINUTES`] and more, in which every
    /// cohort is.
    pub fn wake_minutes(self) -> impl Iterator<Item = EpochMinute> {
        let length = if self.minutes() < MAX_CATCH_UP_MINUTES { self.minutes() } else { 0 };
        (0..length).rev().map(move |back| self.to.minus(back))
    }

    /// Whether the window holds a minute in which the cohort is due.
    #[must_use]
    pub fn covers(self, cohort: Cohort) -> bool {
        cohort.next_due(self.after.plus(1)) <= self.to
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::id::{AccountId, JobTypeId};

    fn job(number: u32) -> JobId {
        JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new(format!("account-{number}")).unwrap(),
            target: None,
        }
    }

    const ONE: NonZeroU16 = NonZeroU16::MIN;

    #[test]
    fn an_ordinary_window_is_one_minute_with_one_phase_a_cadence() {
        let window = Window::new(Some(EpochMinute::new(99)), EpochMinute::new(100)).unwrap();
        for cadence in Cadence::ALL {
            let due: Vec<_> = window.due(cadence).collect();
            assert_eq!(
                due,
                [Due {
                    phase: cadence.phase_of(EpochMinute::new(100)),
                    minute: EpochMinute::new(100),
                    missed: 0
                }]
            );
        }
        assert_eq!(window.wake_minutes().collect::<Vec<_>>(), [EpochMinute::new(100)]);
    }

    #[test]
    fn r01_a_repeated_tick_has_an_empty_window() {
        assert_eq!(Window::new(Some(EpochMinute::new(100)), EpochMinute::new(100)), None);
        assert_eq!(Window::new(Some(EpochMinute::new(101)), EpochMinute::new(100)), None);
    }

    #[test]
    fn a_year_without_ticks_is_one_round() {
        let window = Window::new(Some(EpochMinute::new(0)), EpochMinute::new(525_600)).unwrap();
        let rounds: usize = Cadence::ALL.into_iter().map(|cadence| window.due(cadence).count()).sum();
        assert_eq!(rounds, Cadence::ALL.iter().map(|cadence| usize::from(cadence.minutes())).sum::<usize>());
        assert_eq!(window.wake_minutes().count(), 0, "every cohort answers for its jobs' wake-ups");
        let day = Window::new(Some(EpochMinute::new(60)), EpochMinute::new(1499)).unwrap();
        assert_eq!(day.wake_minutes().count(), 1439);
    }

    #[test]
    fn phases_and_spread_fill_their_range_evenly() {
        let mut phases = BTreeMap::<u16, u32>::new();
        let mut delays = BTreeMap::<u16, u32>::new();
        for number in 0..10_000 {
            *phases.entry(Cohort::of(&job(number), Cadence::at_most(10), ONE).phase).or_default() += 1;
            *delays.entry(spread_delay_seconds(&job(number), 50)).or_default() += 1;
        }
        assert_eq!((phases.len(), delays.len()), (10, 50));
        assert!(phases.values().all(|count| (900..1100).contains(count)), "{phases:?}");
        assert!(delays.values().all(|count| (140..260).contains(count)), "{delays:?}");
    }

    #[test]
    fn growing_shards_leaves_the_phase_alone() {
        for number in 0..100 {
            let few = Cohort::of(&job(number), Cadence::SLOWEST, ONE);
            let many = Cohort::of(&job(number), Cadence::SLOWEST, NonZeroU16::new(64).unwrap());
            assert_eq!((few.phase, few.shard), (many.phase, 0));
            assert!(many.shard < 64);
        }
    }

    proptest! {
        /// The promise of the wheel: over days of ticks that come late, doubled or not at all, every job is dispatched
        /// exactly once a window that holds a due minute of its own, and the windows cover every minute once.
        #[test]
        fn r02_every_due_minute_is_answered_once_a_window(
            number in 0_u32..1000,
            cadence in proptest::sample::select(Cadence::ALL.to_vec()),
            start in 1_u32..10_000_000,
            steps in proptest::collection::vec((0_u32..4, 0_u32..130), 1..300),
        ) {
            let cohort = Cohort::of(&job(number), cadence, ONE);
            let mut cursor = EpochMinute::new(start);
            let mut minute = cursor;
            let (mut answered, mut dispatched) = (0_u32, 0_u32);
            for (repeats, missing) in steps {
                // Mostly one minute on; at times `missing` minutes pass without a tick.
                minute = minute.plus(if missing < 100 { 1 } else { missing - 98 });
                let due: Vec<Due> = Window::new(Some(cursor), minute)
                    .map(|window| window.due(cadence).filter(|due| due.phase == cohort.phase).collect())
                    .unwrap_or_default();
                let expected = (cursor.get() + 1..=minute.get()).filter(|&m| cohort.is_due(EpochMinute::new(m))).count();
                prop_assert_eq!(due.len(), usize::from(expected > 0));
                if let Some(due) = due.first() {
                    prop_assert!(cohort.is_due(due.minute) && due.minute <= minute && due.minute > cursor);
                    prop_assert_eq!(due.missed as usize + 1, expected);
                    answered += due.missed + 1;
                    dispatched += 1;
                }
                cursor = minute;
                for _ in 0..repeats {
                    prop_assert_eq!(Window::new(Some(cursor), minute), None);
                }
            }
            let all = (start + 1..=minute.get()).filter(|&m| cohort.is_due(EpochMinute::new(m))).count();
            prop_assert_eq!(answered as usize, all);
            prop_assert!(dispatched <= answered);
        }

        #[test]
        fn next_due_is_due_and_nothing_before_it_is(
            number in 0_u32..1000,
            cadence in proptest::sample::select(Cadence::ALL.to_vec()),
            from in 0_u32..100_000_000,
            length in 1_u32..3000,
        ) {
            let cohort = Cohort::of(&job(number), cadence, ONE);
            let from = EpochMinute::new(from);
            let next = cohort.next_due(from);
            prop_assert!(cohort.is_due(next) && next >= from && next.since(from) < u32::from(cadence.minutes()));
            prop_assert!((from.get()..next.get()).all(|minute| !cohort.is_due(EpochMinute::new(minute))));
            let window = Window::new(Some(from), from.plus(length)).unwrap();
            prop_assert_eq!(window.covers(cohort), window.due(cadence).any(|due| due.phase == cohort.phase));
        }
    }
}
