//! The planner: what the registered jobs ask of the limits that they share, and whether it fits. Pure.
//!
//! It plans with each job's cadence as it is now and one request a poll. What a limit bears is what reservations let
//! through of it, see [`crate::budget`], less a tenth for further pages: the scheduler plans its turns with the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::budget::{Budget, BudgetScope, Counted, PaceKey};
use crate::cadence::Cadence;
use crate::id::{AccountId, JobTypeId, ServiceLevel};
use crate::policy::Catalog;
use crate::row::JobRow;
use crate::tick::PLANNED_PERCENT;
use crate::time::{EpochMinute, MINUTES_PER_DAY};

/// Crowded minutes that are named.
const NAMED_MINUTES: usize = 10;
const MINUTES: u64 = MINUTES_PER_DAY as u64;

/// What the jobs ask of every limit that is planned by.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The limits, by scope.
    pub limits: Vec<LimitPlan>,
    /// Jobs that share no limit.
    pub unlimited_jobs: u64,
    /// Jobs with a limit that is not planned by: of a token of the application's pool, or of requests with or without a token
    /// where that is not known. Such a job may share one of `limits` as well.
    pub unplanned_jobs: u64,
    /// Jobs that are parked, and ask for nothing.
    pub parked_jobs: u64,
    /// Whether everything fits.
    pub fits: bool,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitPlan {
    /// What shares it.
    pub scope: String,
    /// Units that the third party allows in a window.
    pub calls: u64,
    /// Units of them that are left unused.
    pub cushion: u64,
    /// The window.
    pub window_seconds: u64,
    /// Which of them are counted.
    pub counted: Counted,
    /// Units that reservations let through in a window.
    pub bears_per_window: u64,
    /// Units of them that may be asked for: the rest is for further pages.
    pub planned_per_window: f64,
    /// Jobs that share it.
    pub jobs: u64,
    /// Accounts that they belong to.
    pub accounts: u64,
    /// Units that their polls take in a window, one request each.
    pub asked_per_window: f64,
    /// The same, if every poll read as many pages as it may.
    pub asked_per_window_at_most: f64,
    /// Whether what is asked for fits.
    pub fits: bool,
    /// Times as long as its cadence that a job of an account with few of them waits in the mean: 1 when everything fits.
    pub stretch: f64,
    /// Minutes of the day in which more is due than the minute's allowance: the rest goes first in the next.
    pub crowded_minutes: u64,
    /// The most crowded of them.
    pub most_crowded: Vec<CrowdedMinute>,
    /// How many more jobs fit, by job type and level, each alone.
    pub room: Vec<Room>,
}

/// A minute in which more is due than may be dispatched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrowdedMinute {
    /// `07:45`, UTC.
    pub minute: String,
    /// Units due.
    pub due: u64,
    /// Units that may be dispatched.
    pub allowance: u64,
}

/// Room for more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Of this job type.
    pub job_type: JobTypeId,
    /// At this level.
    pub level: ServiceLevel,
    /// Jobs that fit at the level's fastest cadence, which new jobs begin with.
    pub at_fastest: u64,
    /// Jobs that fit at its slowest.
    pub at_slowest: u64,
}

/// What the requests of a job carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Credentials.
    Token,
    /// None.
    Nothing,
    /// Nobody knows here.
    Unknown,
}

impl Carried {
    /// Whether a limit counts such requests.
    const fn is_counted(self, counted: Counted) -> Option<bool> {
        match (counted, self) {
            (Counted::Every, _) => Some(true),
            (Counted::WithToken, Self::Token) | (Counted::WithoutToken, Self::Nothing) => Some(true),
            (Counted::WithToken, Self::Nothing) | (Counted::WithoutToken, Self::Token) => Some(false),
            (Counted::WithToken | Counted::WithoutToken, Self::Unknown) => None,
        }
    }
}

/// Gathers rows into a plan.
#[derive(Debug)]
pub struct Planner<'c> {
    catalog: &'c Catalog,
    limits: BTreeMap<PaceKey, Asked<'c>>,
    unlimited_jobs: u64,
    unplanned_jobs: u64,
    parked_jobs: u64,
}

#[derive(Debug)]
struct Asked<'c> {
    budget: &'c Budget,
    jobs: u64,
    accounts: BTreeSet<AccountId>,
    /// Units by cadence and phase.
    units: BTreeMap<(Cadence, u16), u64>,
    /// Units a day, at most.
    most: u64,
}

impl<'c> Planner<'c> {
    /// A planner without jobs. Limits that no job asks for are in its plan, too, where the catalog names them.
    #[must_use]
    pub fn new(catalog: &'c Catalog) -> Self {
        let mut limits = BTreeMap::new();
        for spec in catalog.iter() {
            for budget in &spec.budgets {
                if let Some(scope) = budget.shared_by(&spec.id) {
                    let key = PaceKey { scope, window_seconds: budget.window_seconds };
                    limits.entry(key).or_insert_with(|| Asked::of(budget));
                }
            }
        }
        Self { catalog, limits, unlimited_jobs: 0, unplanned_jobs: 0, parked_jobs: 0 }
    }

    /// Counts a job.
    pub fn add(&mut self, row: &JobRow, carried: Carried) {
        let Some(cohort) = row.place.cohort() else {
            self.parked_jobs += 1;
            return;
        };
        let Some(spec) = self.catalog.get(&row.job.job_type) else {
            self.unlimited_jobs += 1;
            return;
        };
        let (mut is_limited, mut is_unplanned) = (false, false);
        for budget in &spec.budgets {
            let is_counted = carried.is_counted(budget.counted);
            if budget.scope == BudgetScope::Token && is_counted != Some(false) || is_counted.is_none() {
                is_unplanned = true;
                continue;
            }
            let Some(key) = budget.shared_with(row).filter(|_| is_counted == Some(true)) else { continue };
            is_limited = true;
            let asked = self.limits.entry(key).or_insert_with(|| Asked::of(budget));
            asked.jobs += 1;
            asked.accounts.insert(row.job.account.clone());
            *asked.units.entry((cohort.cadence, cohort.phase)).or_default() += budget.cost;
            let polls_a_day = MINUTES / u64::from(cohort.cadence.minutes());
            asked.most += polls_a_day * budget.cost * u64::from(spec.max_requests);
        }
        self.unplanned_jobs += u64::from(is_unplanned);
        self.unlimited_jobs += u64::from(!is_limited && !is_unplanned);
    }

    /// The plan.
    #[must_use]
    pub fn finish(self) -> Plan {
        let catalog = self.catalog;
        let limits: Vec<LimitPlan> =
            self.limits.iter().map(|(key, asked)| asked.plan(key, catalog)).collect();
        Plan {
            fits: limits.iter().all(|limit| limit.fits),
            limits,
            unlimited_jobs: self.unlimited_jobs,
            unplanned_jobs: self.unplanned_jobs,
            parked_jobs: self.parked_jobs,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people, far below 2^52")]
const fn real(number: u64) -> f64 {
    number as f64
}

impl<'c> Asked<'c> {
    const fn of(budget: &'c Budget) -> Self {
        Self { budget, jobs: 0, accounts: BTreeSet::new(), units: BTreeMap::new(), most: 0 }
    }

    fn plan(&self, key: &PaceKey, catalog: &Catalog) -> LimitPlan {
        let budget = self.budget;
        let slots = budget.slots();
        let bears_a_day = slots.map_or(0, |slots| slots.units_in(MINUTES * 60)) * PLANNED_PERCENT / 100;
        let a_day =
            self.units.iter().map(|((cadence, _), units)| units * (MINUTES / u64::from(cadence.minutes())));
        let a_day: u64 = a_day.sum();
        let per_window = |a_day: u64| real(a_day) * real(budget.window_seconds) / real(MINUTES * 60);
        let mut crowded = self.crowded();
        let crowded_minutes = crowded.len() as u64;
        crowded.sort_by_key(|minute| (std::cmp::Reverse(minute.due), minute.minute.clone()));
        crowded.truncate(NAMED_MINUTES);
        LimitPlan {
            scope: key.scope.to_string(),
            calls: budget.calls,
            cushion: budget.cushion,
            window_seconds: budget.window_seconds,
            counted: budget.counted,
            planned_per_window: per_window(bears_a_day),
            bears_per_window: slots.map_or(0, |slots| slots.units_in(budget.window_seconds)),
            jobs: self.jobs,
            accounts: self.accounts.len() as u64,
            asked_per_window: per_window(a_day),
            asked_per_window_at_most: per_window(self.most),
            fits: a_day <= bears_a_day,
            stretch: if a_day <= bears_a_day { 1.0 } else { real(a_day) / real(bears_a_day.max(1)) },
            crowded_minutes,
            most_crowded: crowded,
            room: room(key, bears_a_day.saturating_sub(a_day), catalog),
        }
    }

    /// The minutes of a day in which more is due than may be dispatched.
    fn crowded(&self) -> Vec<CrowdedMinute> {
        let slots = self.budget.slots();
        let minutes = (0..u32::from(MINUTES_PER_DAY)).map(EpochMinute::new);
        let crowded = minutes.filter_map(|minute| {
            let due: u64 = Cadence::ALL
                .into_iter()
                .filter_map(|cadence| self.units.get(&(cadence, cadence.phase_of(minute))))
                .sum();
            let allowance = slots.map_or(0, |slots| slots.allowance(minute));
            let name = || format!("{:02}:{:02}", minute.get() / 60, minute.get() % 60);
            (due > allowance).then(|| CrowdedMinute { minute: name(), due, allowance })
        });
        crowded.collect()
    }
}

/// How many more jobs fit into so many units a day, by job type and level.
fn room(key: &PaceKey, units_a_day: u64, catalog: &Catalog) -> Vec<Room> {
    let mut room = Vec::new();
    for spec in catalog.iter() {
        let shares = |budget: &&Budget| {
            budget.window_seconds == key.window_seconds
                && budget.shared_by(&spec.id).as_ref() == Some(&key.scope)
        };
        let Some(budget) = spec.budgets.iter().find(shares) else { continue };
        for (level, policy) in &spec.levels {
            let jobs = |cadence: Cadence| {
                let polls_a_day = MINUTES / u64::from(cadence.minutes());
                units_a_day / (polls_a_day * budget.cost.max(1))
            };
            room.push(Room {
                job_type: spec.id.clone(),
                level: level.clone(),
                at_fastest: jobs(policy.range.fastest()),
                at_slowest: jobs(policy.range.slowest()),
            });
        }
    }
    room
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::cadence::CadenceRange;
    use crate::id::JobId;
    use crate::policy::{JobTypeSpec, Policy};
    use crate::row::{Place, Revision, Subject};
    use crate::wheel::Cohort;

    fn catalog() -> Catalog {
        catalog_with(Budget::new(BudgetScope::Application, 300, 900))
    }

    fn catalog_with(budget: Budget) -> Catalog {
        let range = CadenceRange::new(Cadence::new(15).unwrap(), Cadence::new(60).unwrap()).unwrap();
        let mut spec = JobTypeSpec::new(JobTypeId::new("pool/items").unwrap(), range);
        spec.levels.insert(ServiceLevel::new("free").unwrap(), Policy::new(range));
        spec.max_requests = 5;
        spec.budgets = vec![budget];
        Catalog::new([spec])
    }

    fn plan(jobs: u32, phase: impl Fn(u32) -> u16) -> Plan {
        plan_with(&catalog(), jobs, phase, |_| Carried::Unknown)
    }

    fn plan_with(
        catalog: &Catalog,
        jobs: u32,
        phase: impl Fn(u32) -> u16,
        carried: impl Fn(u32) -> Carried,
    ) -> Plan {
        let mut planner = Planner::new(catalog);
        for number in 0..jobs {
            let job = JobId {
                job_type: JobTypeId::new("pool/items").unwrap(),
                account: AccountId::new(format!("a{}", number / 2)).unwrap(),
                target: None,
            };
            let cadence = Cadence::new(15).unwrap();
            let mut cohort = Cohort::of(&job, cadence, NonZeroU16::MIN);
            cohort.phase = phase(number);
            let subject = Subject { external_id: "1".to_owned(), base_url: None };
            let level = ServiceLevel::new("free").unwrap();
            let row =
                JobRow::new(job, Place::Cohort(cohort), subject, level, Revision(1), EpochMinute::new(1));
            planner.add(&row, carried(number));
        }
        planner.finish()
    }

    fn even(number: u32) -> u16 {
        u16::try_from(number % 15).unwrap()
    }

    #[test]
    fn what_fits_fits_and_there_is_room_for_more() {
        let plan = plan(150, even);
        let limit = &plan.limits[0];
        assert!(plan.fits && limit.fits);
        assert_eq!((limit.scope.as_str(), limit.jobs, limit.accounts), ("pool", 150, 75));
        // 17 a minute, by whole minutes.
        assert_eq!((limit.bears_per_window, limit.crowded_minutes), (255, 0));
        assert!((limit.asked_per_window - 150.0).abs() < 0.01 && (limit.stretch - 1.0).abs() < 0.01);
        assert!((limit.asked_per_window_at_most - 750.0).abs() < 0.01);
        // 255 * 0.9 = 229.5 in 15 minutes: 79 more of them, four times as many at an hour.
        assert_eq!((limit.room[0].at_fastest, limit.room[0].at_slowest), (79, 318));
    }

    #[test]
    fn what_does_not_fit_is_stretched_and_crowded_minutes_are_named() {
        let over = &plan(459, even).limits[0];
        assert!(!over.fits && (over.stretch - 2.0).abs() < 0.01, "{over:?}");
        assert_eq!((over.crowded_minutes, over.room[0].at_fastest), (1440, 0));
        let crowded = &plan(40, |_| 7).limits[0];
        assert!(crowded.fits, "in the mean");
        assert_eq!((crowded.crowded_minutes, crowded.most_crowded.len()), (96, 10));
        let first = CrowdedMinute { minute: "00:07".to_owned(), due: 40, allowance: 17 };
        assert_eq!(crowded.most_crowded[0], first);
    }

    #[test]
    fn a_limit_of_requests_without_a_token_is_planned_where_it_is_known_which_have_none() {
        let mut budget = Budget::new(BudgetScope::Application, 300, 900);
        budget.counted = Counted::WithoutToken;
        let catalog = catalog_with(budget);
        let third = |number| if number % 3 == 0 { Carried::Nothing } else { Carried::Token };
        let known = plan_with(&catalog, 150, even, third);
        assert_eq!((known.limits[0].jobs, known.limits[0].counted), (50, Counted::WithoutToken));
        assert_eq!((known.unlimited_jobs, known.unplanned_jobs), (100, 0));
        let unknown = plan_with(&catalog, 150, even, |_| Carried::Unknown);
        assert_eq!((unknown.limits[0].jobs, unknown.unlimited_jobs, unknown.unplanned_jobs), (0, 0, 150));
    }

    #[test]
    fn a_limit_of_a_pools_tokens_is_not_planned_and_said_to_be_there() {
        let catalog = catalog_with(Budget::new(BudgetScope::Token, 300, 900));
        let plan = plan_with(&catalog, 150, even, |_| Carried::Token);
        assert_eq!((plan.limits.len(), plan.unlimited_jobs, plan.unplanned_jobs), (0, 0, 150));
    }

    #[test]
    fn a_limit_that_nobody_asks_for_is_in_the_plan() {
        let plan = plan(0, even);
        assert_eq!((plan.limits.len(), plan.limits[0].jobs, plan.fits), (1, 0, true));
        assert_eq!(plan.limits[0].room[0].at_fastest, 229);
    }
}
