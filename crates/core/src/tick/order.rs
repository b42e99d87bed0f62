//! Who goes first when not everything fits. Pure.
//!
//! Two questions, answered apart. Which turns are taken at all, when for long more is due than fits: [`turns`], the same
//! share for every account that asks for the same, and no account's wishes at another's expense. And in which order a
//! minute's turns are dispatched: [`in_order`], what was put off before, then by level, each account's first job before
//! any account's second.

use std::collections::BTreeMap;

use super::limits::{Cost, Limits};
use crate::hash::{Purpose, job_hash, mix};
use crate::id::AccountId;
use crate::policy::JobTypeSpec;
use crate::row::JobRow;
use crate::time::EpochMinute;

/// A job that could be dispatched in a minute.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The place of its job type in the group.
    pub(super) member: usize,
    pub(super) row: JobRow,
    pub(super) due: EpochMinute,
    pub(super) missed: u32,
    /// Whether a wake-up names it: it did not fit before, or is owed.
    pub(super) is_woken: bool,
    /// In how many minutes its turn is, in the catch-up of a late window: 0 for now, none when its own next turn is nearer.
    pub(super) wait: Option<u32>,
    /// What it takes of the limits that it shares.
    pub(super) costs: Vec<Cost>,
}

impl Candidate {
    /// The due minutes that its dispatch answers for.
    pub(super) fn due_minutes(&self) -> u64 {
        u64::from(self.missed) + 1
    }

    /// Makes one of two of the same job: of two wake-ups, or of one and the job's own turn. The turn is what it is for, and
    /// it goes where the wake-up would.
    pub(super) fn join(&mut self, other: Self) {
        let wait = [self.wait, other.wait].into_iter().flatten().min();
        let is_woken = self.is_woken || other.is_woken;
        if self.is_woken {
            *self = other;
        }
        (self.wait, self.is_woken) = (wait, is_woken);
    }

    fn cost(&self, limit: usize) -> u64 {
        self.costs.iter().find(|(place, _)| *place == limit).map_or(0, |(_, units)| *units)
    }
}

/// Of the units that are planned with, those that must be due before a minute counts as crowded at all.
const CROWDED_PERCENT: u128 = 70;
/// Most turns that are worth telling apart, in thousandths.
const MOST_TURNS: u128 = 1_000_000_000;
const MILLION: u64 = 1_000_000;

/// Of how many turns, in thousandths, a job may be dispatched in one, for each unit that its account has due, so that all of
/// them keep within `planned` units a minute, in millionths: a limit may allow less than one a minute.
///
/// Where all fit it is as many as put nobody off, the less the more room there is, so that the mean of the minutes is that of
/// what is due. 0 with much room.
///
/// Each account may have as much as every other; what one leaves, others share (max-min fairness). What was put off before
/// comes first and takes from the units.
pub(super) fn turns_needed(limit: usize, planned: u64, candidates: &[Candidate]) -> u32 {
    let mut woken = 0_u64;
    let mut by_account = BTreeMap::<&AccountId, u64>::new();
    for candidate in candidates {
        let cost = candidate.cost(limit).saturating_mul(MILLION);
        let sum = if candidate.is_woken {
            &mut woken
        } else {
            by_account.entry(&candidate.row.job.account).or_default()
        };
        *sum = sum.saturating_add(cost);
    }
    let mut wishes: Vec<u64> = by_account.into_values().filter(|units| *units > 0).collect();
    wishes.sort_unstable();
    let room = planned.saturating_sub(woken).max(planned / 4);
    let thousandths = |turns: u128, units: u128| {
        let needed = turns.saturating_mul(1000).checked_div(units).unwrap_or(MOST_TURNS);
        u32::try_from(needed.min(MOST_TURNS)).unwrap_or(u32::MAX)
    };
    let mut units = room;
    for (served, wish) in wishes.iter().enumerate() {
        let left = (wishes.len() - served) as u64;
        if wish.saturating_mul(left) > units {
            return thousandths(u128::from(left) * u128::from(MILLION), units.into());
        }
        units -= wish;
    }
    let (due, most) = (u128::from(room - units), u128::from(wishes.last().copied().unwrap_or(MILLION)));
    let room = u128::from(room);
    if due * 100 < room * CROWDED_PERCENT { 0 } else { thousandths(due * u128::from(MILLION), room * most) }
}

/// Units that the jobs of a limit have due in the minute, without those that a wake-up names: most of them were due before.
pub(super) fn units_due(limit: usize, candidates: &[Candidate]) -> u64 {
    candidates.iter().filter(|candidate| !candidate.is_woken).map(|candidate| candidate.cost(limit)).sum()
}

/// The candidates whose turn it is, and those that are left to a later turn. What a wake-up names has its turn.
pub(super) fn turns(candidates: Vec<Candidate>, limits: &Limits) -> (Vec<Candidate>, Vec<Candidate>) {
    if limits.all.iter().all(|limit| limit.pace.is_idle()) {
        return (candidates, Vec::new());
    }
    let mut wishes = BTreeMap::<(usize, AccountId), u64>::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_woken) {
        for &(limit, units) in &candidate.costs {
            *wishes.entry((limit, candidate.row.job.account.clone())).or_default() += units;
        }
    }
    candidates.into_iter().partition(|candidate| {
        let Some(cohort) = candidate.row.place.cohort().filter(|_| !candidate.is_woken) else { return true };
        let hash = job_hash(&candidate.row.job, Purpose::Spread);
        candidate.costs.iter().all(|&(limit, _)| {
            let wish = wishes.get(&(limit, candidate.row.job.account.clone())).copied().unwrap_or(1);
            limits.pace(limit).takes_turn(cohort.cadence.minutes(), hash, wish)
        })
    })
}

/// The order in which candidates are dispatched.
///
/// What was put off before comes first, whatever its level, so that no level waits for ever. Then the levels, the one with
/// the fastest cadence first. Within each, the first job of every account comes before the second of any, and what has been
/// due for longest comes first. Otherwise by a hash that is another one in every minute.
pub(super) fn in_order(
    candidates: Vec<Candidate>,
    specs: &[&JobTypeSpec],
    minute: EpochMinute,
) -> Vec<Candidate> {
    let class = |candidate: &Candidate| {
        let policy = specs.get(candidate.member).map(|spec| spec.policy(&candidate.row.level));
        let fastest = policy.map_or(0, |policy| policy.range.fastest().minutes());
        if candidate.is_woken { (0_u8, 0) } else { (1, fastest) }
    };
    let hash =
        |candidate: &Candidate| mix(job_hash(&candidate.row.job, Purpose::Spread), u64::from(minute.get()));
    let mut keyed: Vec<_> = candidates
        .into_iter()
        .map(|candidate| ((class(&candidate), candidate.due, hash(&candidate)), candidate))
        .collect();
    keyed.sort_unstable_by_key(|(key, _)| *key);
    let mut jobs = BTreeMap::<AccountId, u32>::new();
    let mut ranked: Vec<_> = keyed
        .into_iter()
        .map(|((class, due, hash), candidate)| {
            let jobs = jobs.entry(candidate.row.job.account.clone()).or_default();
            *jobs += 1;
            ((class, *jobs, due, hash), candidate)
        })
        .collect();
    ranked.sort_unstable_by_key(|(key, _)| *key);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}
