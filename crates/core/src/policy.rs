//! The numbers that `decide` works with: a channel's defaults, and the range of a service level.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use crate::cadence::{Cadence, CadenceRange};
use crate::id::{JobTypeId, ServiceLevel};

/// Longest hold, in minutes: a day. No server may ask for more.
pub const MAX_HOLD_MINUTES: u32 = 1440;

/// How the completion treats the jobs of one job type at one service level.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Items in one poll that make a burst: the job goes to its fastest cadence at once.
    pub burst_items: u32,
    /// A job slows down by a step when it was quiet for this many times the slower cadence.
    pub quiet_factor: u32,
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
            quiet_factor: 96,
        }
    }
}

/// What the passes need to know of a job type.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        }
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

/// Every job type that this deployment knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
