//! The limits that one tick's candidates share: what is left of each in this minute, and how far it is overdrawn.

use std::collections::BTreeMap;

use super::PLANNED_PERCENT;
use crate::activity::Price;
use crate::budget::{Budget, Cheapest, Demand, Pace, PaceKey};
use crate::policy::JobTypeSpec;
use crate::row::JobRow;
use crate::throttle::ThrottleScope;
use crate::time::EpochMinute;

/// Seconds of a million minutes.
const MILLION_MINUTES: u64 = 60_000_000;

/// One limit in one minute.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) key: PaceKey,
    /// Units that may be dispatched in the minute.
    pub(super) allowance: u64,
    /// What turns are planned with: its part of what a minute has in the mean, in millionths of units.
    pub(super) planned_millionths: u64,
    left: u64,
    pub(super) pace: Pace,
}

impl Limit {
    fn new(key: PaceKey, budget: &Budget, minute: EpochMinute) -> Self {
        let slots = budget.slots();
        let allowance = slots.map_or(0, |slots| slots.allowance(minute));
        let a_minute = slots.map_or(0, |slots| slots.units_in(MILLION_MINUTES));
        let planned_millionths = a_minute.saturating_mul(PLANNED_PERCENT) / 100;
        Self { key, allowance, planned_millionths, left: allowance, pace: Pace::default() }
    }

    /// What its jobs have due in the minute, besides what was put off before, beside what it bears.
    pub(super) fn demand(&self, units_due: u64) -> Demand {
        let cheapest = match self.key.scope {
            ThrottleScope::Channel(_) | ThrottleScope::JobType(_) => Cheapest::Used,
            ThrottleScope::Host(..) | ThrottleScope::Token(..) => Cheapest::Usual,
        };
        Demand { due: units_due.saturating_mul(1000), planned: self.planned_millionths / 1000, cheapest }
    }
}

/// What a job takes of a limit, by the limit's place in the list.
pub(super) type Cost = (usize, u64);

/// The limits of a group of job types.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) all: Vec<Limit>,
    places: BTreeMap<PaceKey, usize>,
}

impl Limits {
    /// What a job takes of each limit that it is paced by.
    pub(super) fn costs(&mut self, spec: &JobTypeSpec, row: &JobRow, minute: EpochMinute) -> Vec<Cost> {
        let paced = spec.budgets.iter().filter_map(|budget| Some((budget.paced_for(row)?, budget)));
        let costs = paced.map(|(key, budget)| {
            let place = match self.places.get(&key) {
                Some(place) => *place,
                None => {
                    self.places.insert(key.clone(), self.all.len());
                    self.all.push(Limit::new(key, budget, minute));
                    self.all.len() - 1
                }
            };
            (place, budget.cost.max(1))
        });
        costs.collect()
    }

    pub(super) fn pace(&self, place: usize) -> Pace {
        self.all.get(place).map_or_else(Pace::default, |limit| limit.pace)
    }

    /// What a poll costs that takes from these: as much as from the dearest.
    pub(super) fn price(&self, costs: &[Cost]) -> Price {
        let prices =
            costs.iter().filter_map(|&(place, _)| self.all.get(place)).map(|limit| limit.pace.price());
        prices.max().unwrap_or_default()
    }

    /// Takes what a job needs of every limit, or nothing.
    pub(super) fn take(&mut self, costs: &[Cost]) -> bool {
        let has_room = |&(place, units): &Cost| self.all.get(place).is_some_and(|limit| limit.left >= units);
        if !costs.iter().all(has_room) {
            return false;
        }
        for &(place, units) in costs {
            if let Some(limit) = self.all.get_mut(place) {
                limit.left -= units;
            }
        }
        true
    }
}
