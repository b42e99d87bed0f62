//! The numbers that `decide` works with: a channel's defaults, and the range of a service level.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::cadence::{Cadence, CadenceRange};
use crate::hash::{Purpose, below, job_hash, mix};
use crate::id::{JobId, JobTypeId, ServiceLevel};
use crate::row::JobRow;
use crate::time::EpochMinute;
use crate::wheel::spread_delay_seconds;

/// Seconds over which a minute's jobs may leave: the last one must leave before the next minute.
pub const MAX_SPREAD_SECONDS: u16 = 59;
/// Longest hold, in minutes: a day. No server may ask for more.
pub const MAX_HOLD_MINUTES: u32 = 1440;

/// How the completion treats the jobs of one job type at one service level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The cadences allowed.
    pub range: CadenceRange,
    /// Longest wait that a hint may ask for, in minutes. Rate limits and failures are capped by `hold_cap_minutes`.
    pub max_staleness_minutes: u32,
    /// Longest hold, in minutes: at most [`MAX_HOLD_MINUTES`].
    pub hold_cap_minutes: u32,
    /// Wait after a rate limit that did not say when it resets, in minutes.
    pub limit_default_minutes: u32,
    /// First backoff after a failure, in minutes.
    pub backoff_base_minutes: u32,
    /// Longest backoff, in minutes.
    pub backoff_cap_minutes: u32,
    /// Times in a row that a job may be gone before it is parked.
    pub gone_retries: u32,
    /// Times in a row that a job may end its worker before it is quarantined.
    pub quarantine_after: u32,
    /// Items in one poll, beyond three times what was to be expected, that make a burst: the job goes to its fastest cadence at
    /// once.
    pub burst_items: u32,
}

impl Policy {
    /// The defaults for a range.
    #[must_use]
    pub fn new(range: CadenceRange) -> Self {
        Self {
            range,
            max_staleness_minutes: (u32::from(range.slowest().minutes()) * 2).min(MAX_HOLD_MINUTES),
            hold_cap_minutes: MAX_HOLD_MINUTES,
            limit_default_minutes: 15,
            backoff_base_minutes: 1,
            backoff_cap_minutes: 240,
            gone_retries: 3,
            quarantine_after: 5,
            burst_items: 5,
        }
    }
}

/// What the passes need to know of a job type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTypeSpec {
    /// Which.
    pub id: JobTypeId,
    /// Partitions of a cohort. Growing it is safe at any time; shrinking it is not while rows are in the upper ones.
    pub shards: NonZeroU16,
    /// Seconds over which a minute's jobs leave: below 60.
    pub spread_seconds: u16,
    /// Messages in the job queue above which nothing more is dispatched.
    pub backlog_limit: u64,
    /// Policies by service level.
    pub levels: BTreeMap<ServiceLevel, Policy>,
    /// The policy of a level that is not declared.
    pub default_policy: Policy,
    /// The limits that its jobs share with others, and that are kept by reservation. None of them: nothing is reserved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Most requests of one poll, follow-up pages included.
    #[serde(default = "one_request", skip_serializing_if = "is_one")]
    pub max_requests: u32,
}

const fn one_request() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_one(number: &u32) -> bool {
    *number == 1
}

impl JobTypeSpec {
    /// A spec with the usual numbers: one shard, a spread of 50 seconds, every cadence allowed.
    #[must_use]
    pub fn new(id: JobTypeId, range: CadenceRange) -> Self {
        Self {
            id,
            shards: NonZeroU16::MIN,
            spread_seconds: 50,
            backlog_limit: 1_000_000,
            levels: BTreeMap::new(),
            default_policy: Policy::new(range),
            budgets: Vec::new(),
            max_requests: one_request(),
        }
    }

    /// Whether the scheduler dispatches its jobs by the allowance of a shared limit.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.budgets.iter().any(Budget::is_paced)
    }

    /// Whether the workers alone keep one of its limits: the scheduler dispatches more than may fit.
    #[must_use]
    pub fn is_kept_by_workers(&self) -> bool {
        self.budgets.iter().any(|budget| !budget.is_paced())
    }

    /// How long after its minute begins a job leaves, in seconds.
    ///
    /// The same second in every minute. Where the workers alone keep a limit, the first tenth is for jobs that were put off
    /// in their last turn, in another order in every minute: who leaves last would find no room in any minute.
    #[must_use]
    pub fn leaves_after_seconds(&self, row: &JobRow, due: EpochMinute) -> u16 {
        let first = self.first_seconds();
        if first > 0 && row.was_put_off(due) {
            let hash = mix(job_hash(&row.job, Purpose::Spread), u64::from(due.get()));
            u16::try_from(below(hash, u32::from(first))).unwrap_or(first)
        } else {
            self.usual_seconds(&row.job)
        }
    }

    /// The same of a job that was not put off.
    #[must_use]
    pub fn usual_seconds(&self, job: &JobId) -> u16 {
        let first = self.first_seconds();
        first + spread_delay_seconds(job, self.spread_seconds - first)
    }

    fn first_seconds(&self) -> u16 {
        if self.is_kept_by_workers() { self.spread_seconds / 10 } else { 0 }
    }

    /// The policy of a service level.
    #[must_use]
    pub fn policy(&self, level: &ServiceLevel) -> &Policy {
        self.levels.get(level).unwrap_or(&self.default_policy)
    }

    /// The cadence that a job of this level starts with: the fastest allowed.
    #[must_use]
    pub fn first_cadence(&self, level: &ServiceLevel) -> Cadence {
        self.policy(level).range.fastest()
    }
}

/// Every job type that this deployment knows. In JSON it is the list of its job types: the `catalog.json` that is packed
/// with the functions. Reading one refuses what no job type can mean, so that a damaged package stops at its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<JobTypeSpec>", into = "Vec<JobTypeSpec>")]
pub struct Catalog {
    specs: BTreeMap<JobTypeId, JobTypeSpec>,
}

impl Catalog {
    /// From its job types; a later one replaces an earlier one of the same id.
    #[must_use]
    pub fn new(specs: impl IntoIterator<Item = JobTypeSpec>) -> Self {
        Self { specs: specs.into_iter().map(|spec| (spec.id.clone(), spec)).collect() }
    }

    /// One job type.
    #[must_use]
    pub fn get(&self, id: &JobTypeId) -> Option<&JobTypeSpec> {
        self.specs.get(id)
    }

    /// Every job type, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &JobTypeSpec> {
        self.specs.values()
    }
}

impl From<Catalog> for Vec<JobTypeSpec> {
    fn from(catalog: Catalog) -> Self {
        catalog.specs.into_values().collect()
    }
}

/// Why a list of job types is no catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Functions with nothing to do are a packaging mistake.
    #[error("the catalog has no job type: render it anew from the channels")]
    Empty,
    /// Which of the two counts would depend on their order.
    #[error("job type `{0}` stands twice in the catalog: keep one")]
    Twice(JobTypeId),
    /// A number that the passes cannot work with.
    #[error("job type `{id}`: `{field}` is {value}, use {rule}")]
    Number {
        /// The job type.
        id: JobTypeId,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// What it may hold.
        rule: &'static str,
    },
}

impl TryFrom<Vec<JobTypeSpec>> for Catalog {
    type Error = CatalogError;

    fn try_from(list: Vec<JobTypeSpec>) -> Result<Self, CatalogError> {
        let mut specs = BTreeMap::new();
        for spec in list {
            spec.check()?;
            if let Some(twin) = specs.insert(spec.id.clone(), spec) {
                return Err(CatalogError::Twice(twin.id));
            }
        }
        if specs.is_empty() { Err(CatalogError::Empty) } else { Ok(Self { specs }) }
    }
}

impl JobTypeSpec {
    /// Refuses numbers that the passes cannot work with.
    fn check(&self) -> Result<(), CatalogError> {
        let number = |ok: bool, field, value, rule| {
            if ok { Ok(()) } else { Err(CatalogError::Number { id: self.id.clone(), field, value, rule }) }
        };
        let spread = self.spread_seconds;
        number(spread <= MAX_SPREAD_SECONDS, "spread_seconds", u64::from(spread), "at most 59")?;
        number(self.backlog_limit > 0, "backlog_limit", self.backlog_limit, "at least 1")?;
        for budget in &self.budgets {
            number(budget.window_seconds > 0, "budgets.window_seconds", 0, "at least 1")?;
            number(budget.cost > 0, "budgets.cost", 0, "at least 1")?;
        }
        for policy in self.levels.values().chain([&self.default_policy]) {
            let hold = policy.hold_cap_minutes;
            number((1..=MAX_HOLD_MINUTES).contains(&hold), "hold_cap_minutes", u64::from(hold), "1 to 1440")?;
            let backoff = policy.backoff_base_minutes;
            number(backoff > 0, "backoff_base_minutes", u64::from(backoff), "at least 1")?;
            let cap = policy.backoff_cap_minutes;
            number(cap >= backoff, "backoff_cap_minutes", u64::from(cap), "at least backoff_base_minutes")?;
            let crashes = policy.quarantine_after;
            number(crashes > 0, "quarantine_after", u64::from(crashes), "at least 1")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn list() -> Value {
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).unwrap();
        let mut spec = JobTypeSpec::new(JobTypeId::new("toy/posts").unwrap(), range);
        spec.levels.insert(ServiceLevel::new("free").unwrap(), Policy::new(range));
        serde_json::to_value(Catalog::new([spec])).unwrap()
    }

    fn read(list: Value) -> Result<Catalog, String> {
        serde_json::from_value(list).map_err(|error| error.to_string())
    }

    #[test]
    fn a_catalog_is_a_list_and_comes_back() {
        let list = list();
        assert_eq!(list[0]["id"], json!("toy/posts"));
        assert_eq!(serde_json::to_value(read(list.clone()).unwrap()).unwrap(), list);
    }

    #[test]
    fn what_no_job_type_can_mean_is_refused() {
        let cases = [
            ("/0/shards", json!(0), "zero"),
            ("/0/spread_seconds", json!(60), "`spread_seconds` is 60, use at most 59"),
            ("/0/backlog_limit", json!(0), "`backlog_limit` is 0"),
            ("/0/default_policy/range/fastest", json!(7), "`7` is not a cadence"),
            ("/0/levels/free/range/slowest", json!(0), "`0` is not a cadence"),
            ("/0/levels/free/range", json!({"fastest": 60, "slowest": 5}), "swap them"),
            ("/0/levels/free/hold_cap_minutes", json!(1441), "`hold_cap_minutes` is 1441"),
            ("/0/levels/free/backoff_base_minutes", json!(0), "`backoff_base_minutes` is 0"),
            ("/0/levels/free/backoff_cap_minutes", json!(0), "`backoff_cap_minutes` is 0"),
            ("/0/default_policy/quarantine_after", json!(0), "`quarantine_after` is 0"),
            ("/0/id", json!("toy"), "is not of the form"),
            ("/0/levels/free", json!({}), "missing field"),
            ("", json!([]), "no job type"),
            ("", json!([list()[0], list()[0]]), "stands twice"),
        ];
        for (place, bad, says) in cases {
            let mut list = list();
            *list.pointer_mut(place).unwrap() = bad.clone();
            let error = read(list).unwrap_err();
            assert!(error.contains(says), "{place} {bad}: {error}");
        }
        let mut unknown = list();
        unknown[0]["shard"] = json!(3);
        assert!(read(unknown).unwrap_err().contains("unknown field `shard`"));
    }
}
