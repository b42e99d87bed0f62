//! The channel whose jobs share one limit: who is in it, how tight it is, and how far it stretches cadences.

use pollwheel_core::budget::{Budget, BudgetScope, PaceKey};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::hash::{below, mix};
use pollwheel_core::id::{ChannelName, JobId};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::EpochMinute;

use super::limits::Limit;

/// Its job type.
pub(super) const POOL: &str = "pool/items";
const CHANNEL: &str = "pool";
/// The window of its limit, in minutes: as the usual APIs have it.
const WINDOW_MINUTES: u32 = 15;
/// How many times what is due by the fastest cadences the limit allows: the seed draws one. The first is too tight, because
/// no window of any phase may see more than the limit, and so cadences stretch.
const ROOM: [u32; 3] = [1, 2, 4];
/// The smallest limit, of which each minute has one call.
const LEAST_CALLS: u32 = 20;
/// Minutes over which the mean is taken of what a limit allows.
const MEAN_MINUTES: u32 = 1440;
/// What a scheduler should plan with of what a limit allows, in percent; and what a mean may be beside the mark.
const PLANNED_PERCENT: u64 = 80;

/// The shared limit of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) limit: Limit,
    /// Calls that are made in a window if every job has its fastest cadence.
    demand: u32,
}

impl Pool {
    /// The limit of jobs of which there are so many of each fastest cadence.
    pub(super) fn of(jobs: &[(u32, Cadence)], seed: u64) -> Self {
        let calls = |&(jobs, fastest): &(u32, Cadence)| {
            jobs.saturating_mul(WINDOW_MINUTES).div_ceil(u32::from(fastest.minutes()))
        };
        let demand = jobs.iter().map(calls).sum();
        let room = ROOM.get(below(mix(seed, 0x9001), 3) as usize).copied().unwrap_or(1);
        let calls = room.saturating_mul(demand).max(LEAST_CALLS);
        Self { limit: Limit { calls, window_seconds: WINDOW_MINUTES * 60 }, demand }
    }

    /// The limit, as the job type declares it.
    pub(super) fn budget(self) -> Budget {
        let Limit { calls, window_seconds } = self.limit;
        Budget::new(BudgetScope::Application, calls.into(), window_seconds.into())
    }

    /// The limit's key in the store.
    pub(super) fn key(self) -> Option<PaceKey> {
        let scope = ThrottleScope::Channel(ChannelName::new(CHANNEL).ok()?);
        Some(PaceKey { scope, window_seconds: self.budget().window_seconds })
    }

    /// Whether a job is in it.
    pub(super) fn has(job: &JobId) -> bool {
        job.job_type.as_str() == POOL
    }

    /// How far it may stretch cadences, in thousandths of them: by what is due over what is allowed, and four times as far
    /// while what was put off before takes the most it may, three quarters.
    pub(super) fn most_thousandths(self) -> u32 {
        let slots = self.budget().slots();
        let allowance = |minute| slots.map_or(0, |slots| slots.allowance(EpochMinute::new(minute)));
        let allowed = (0..MEAN_MINUTES).map(allowance).sum::<u64>() * PLANNED_PERCENT / 100;
        let due = u64::from(self.demand) * u64::from(MEAN_MINUTES / WINDOW_MINUTES);
        let longer = (due * 1000).div_ceil(allowed.max(1)).max(1000);
        u32::try_from(longer * 4).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tight_limit_stretches_and_a_roomy_one_does_not() {
        let quarter = Cadence::at_least(15);
        let pools: Vec<Pool> = (0..30).map(|seed| Pool::of(&[(170, quarter)], seed)).collect();
        let most = |calls| {
            let pool = pools.iter().find(|pool| pool.limit.calls == calls);
            pool.map(|pool| pool.most_thousandths())
        };
        // Ten a minute are allowed, of which eight are planned with, and eleven and a third are due.
        assert_eq!(most(170), Some(4 * 1417));
        assert_eq!((most(340), most(680)), (Some(4000), Some(4000)));
    }
}
