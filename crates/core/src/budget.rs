//! Budgets: the declared limits that many jobs share, and how they are kept.
//!
//! A limit of `calls` in `window_seconds` is cut into slots of the clock. Whoever calls reserves units of its slot first, in
//! a counter of the store, and a slot has so few of them that no window sees more than the limit, wherever it begins:
//! a window meets at most `1 + ceil((window + reach) / slot)` slots, so each has the limit divided by that number. The
//! *reach* is how far from its slot a call may come to the server: the clocks of two workers apart, and the way there.
//!
//! Pure arithmetic. The counters are the store's, see [`ControlStore::reserve`](crate::ports::ControlStore::reserve).

mod pace;
mod slots;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::id::{ChannelName, JobTypeId};
use crate::policy::JobTypeSpec;
use crate::row::JobRow;
use crate::throttle::ThrottleScope;
use crate::time::Timestamp;
pub use pace::{Cheapest, Demand, Pace};
pub use slots::Slots;

/// Seconds that the clocks of two workers may be apart.
pub const SKEW_SECONDS: u64 = 30;
/// Seconds from a permit to the request's arrival at the server.
pub const TRANSIT_SECONDS: u64 = 10;

/// What a budget is shared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// Every job of the channel.
    Application,
    /// Every job of the job type.
    Endpoint,
    /// The jobs that use one token of the application's pool; without a pool, every job of the channel.
    Token,
    /// The jobs that poll one host: the channel's own, by its authority, or else the account's.
    Host(Option<Box<str>>),
}

/// Which requests a budget counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// All.
    #[default]
    Every,
    /// Those that carry credentials.
    WithToken,
    /// Those that carry none.
    WithoutToken,
}

/// A declared limit that jobs of a job type share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What it is shared by.
    pub scope: BudgetScope,
    /// Which requests it counts.
    #[serde(default, skip_serializing_if = "is_every")]
    pub counted: Counted,
    /// Units that the third party allows in a window.
    pub calls: u64,
    /// Units of them that are left unused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cushion: u64,
    /// The window's length.
    pub window_seconds: u64,
    /// Units that one request of this job type takes: at least 1.
    pub cost: u64,
    /// Units that the dearest request of all job types that share the budget takes: a slot has room for it.
    pub dearest: u64,
    /// Seconds from a slot within which its calls may come to the server.
    #[serde(default = "usual_reach", skip_serializing_if = "is_usual_reach")]
    pub reach_seconds: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_every(counted: &Counted) -> bool {
    *counted == Counted::Every
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

const fn usual_reach() -> u64 {
    SKEW_SECONDS + TRANSIT_SECONDS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_usual_reach(seconds: &u64) -> bool {
    *seconds == usual_reach()
}

impl Budget {
    /// So many calls in a window, each of one unit, none left unused.
    #[must_use]
    pub const fn new(scope: BudgetScope, calls: u64, window_seconds: u64) -> Self {
        Self {
            scope,
            counted: Counted::Every,
            calls,
            cushion: 0,
            window_seconds,
            cost: 1,
            dearest: 1,
            reach_seconds: usual_reach(),
        }
    }

    /// Units that may be used in any window.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.calls.saturating_sub(self.cushion)
    }

    /// How its time is cut; none when it cannot hold two of the dearest requests, which no cut can keep: then none is made.
    #[must_use]
    pub fn slots(&self) -> Option<Slots> {
        Slots::of(self.units(), self.window_seconds, self.reach_seconds, self.dearest.max(self.cost).max(1))
    }

    /// The scope, as far as the job type alone tells. None for a host or token that only a poll knows.
    #[must_use]
    pub fn shared_by(&self, job_type: &JobTypeId) -> Option<ThrottleScope> {
        let channel = || ChannelName::new(job_type.channel()).ok();
        match &self.scope {
            BudgetScope::Application => Some(ThrottleScope::Channel(channel()?)),
            BudgetScope::Endpoint => Some(ThrottleScope::JobType(job_type.clone())),
            BudgetScope::Host(Some(host)) => Some(ThrottleScope::Host(channel()?, host.clone())),
            BudgetScope::Host(None) | BudgetScope::Token => None,
        }
    }

    /// The scope of one poll: of a host the poll tells, of a token its name. None when the poll takes nothing from it.
    #[must_use]
    pub fn drawn_by(
        &self,
        job_type: &JobTypeId,
        host: Option<&str>,
        token: Option<&str>,
    ) -> Option<ThrottleScope> {
        let channel = || ChannelName::new(job_type.channel()).ok();
        match (&self.scope, host, token) {
            (BudgetScope::Host(_), Some(host), _) => Some(ThrottleScope::Host(channel()?, host.into())),
            (BudgetScope::Token, _, Some(token)) => Some(ThrottleScope::Token(channel()?, token.into())),
            // An application with one token and no pool.
            (BudgetScope::Token, _, None) => Some(ThrottleScope::Channel(channel()?)),
            (BudgetScope::Host(_), None, _) | (BudgetScope::Application | BudgetScope::Endpoint, _, _) => {
                self.shared_by(job_type)
            }
        }
    }

    /// Whether the scheduler paces by it: it counts every request, and a row tells what shares it.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.counted == Counted::Every && self.scope != BudgetScope::Token
    }

    /// The limit that the scheduler paces a job by, if it does. A host of the account's own stands for itself: it takes
    /// nothing from what the channel's jobs share.
    #[must_use]
    pub fn paced_for(&self, row: &JobRow) -> Option<PaceKey> {
        if self.is_paced() { self.shared_with(row) } else { None }
    }

    /// The limit that a job shares, as far as its row tells: none of a pool's token, and none where the host is the account's
    /// own.
    #[must_use]
    pub fn shared_with(&self, row: &JobRow) -> Option<PaceKey> {
        let own_host = row.subject.base_url.as_deref().map(authority);
        let scope = match (&self.scope, own_host) {
            (BudgetScope::Host(_), Some(host)) => self.drawn_by(&row.job.job_type, Some(host), None)?,
            (BudgetScope::Application | BudgetScope::Endpoint | BudgetScope::Token, Some(_)) => return None,
            (_, None) => self.shared_by(&row.job.job_type)?,
        };
        Some(PaceKey { scope, window_seconds: self.window_seconds })
    }

    /// The same, on a wheel that turns faster: a second of the third party is `scale` seconds of the wheel.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds, rounded up; a cast of a float saturates"
    )]
    pub fn scaled(&self, scale: f64) -> Self {
        let longer = |seconds: u64| (seconds as f64 * scale.max(1.0)).ceil() as u64;
        Self {
            window_seconds: longer(self.window_seconds),
            reach_seconds: longer(self.reach_seconds),
            ..self.clone()
        }
    }
}

/// The authority in a base URL, as far as pacing needs to know it: what is reserved goes by the poller's own reading.
fn authority(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// A shared limit, by what shares it and its window: a scope may have several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaceKey {
    /// What shares it.
    pub scope: ThrottleScope,
    /// The window's length.
    pub window_seconds: u64,
}

/// One slot of a shared limit: the counter that reservations are made in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendSlot {
    /// The limit.
    pub of: PaceKey,
    /// The number of the slot since 1970, on the clock of whoever reserves.
    pub index: u64,
    /// When it ends on that clock. Nothing asks for it long after.
    pub ends: Timestamp,
}

/// What one request of a poll takes from one shared limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The limit.
    pub from: PaceKey,
    /// How its time is cut; none when no call may be made at all.
    pub slots: Option<Slots>,
    /// Units.
    pub units: u64,
}

impl Spend {
    /// What a request takes that every budget of its job type counts: of a host and a token, where it has one.
    #[must_use]
    pub fn of_every(spec: &JobTypeSpec, host: Option<&str>, token: Option<&str>) -> Vec<Self> {
        let drawn = spec.budgets.iter().filter_map(|budget| {
            let scope = budget.drawn_by(&spec.id, host, token)?;
            Some(Self::of(scope, budget))
        });
        Self::tightest(drawn)
    }

    /// One of those that are counted together, the one that allows least: what shares a scope and a window has one counter. So
    /// it is with a limit of tokens where there is no pool, and one of the application.
    #[must_use]
    pub fn tightest(spends: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut kept: Vec<Self> = Vec::new();
        for spend in spends {
            match kept.iter_mut().find(|other| other.from == spend.from) {
                Some(other) if spend.most_a_second() < other.most_a_second() => *other = spend,
                Some(_) => {}
                None => kept.push(spend),
            }
        }
        kept
    }

    /// Units, in millionths.
    fn most_a_second(&self) -> u128 {
        self.slots.map_or(0, |slots| u128::from(slots.most) * 1_000_000 / u128::from(slots.seconds.max(1)))
    }

    /// What a request takes from a budget that `scope` shares.
    #[must_use]
    pub fn of(scope: ThrottleScope, budget: &Budget) -> Self {
        let from = PaceKey { scope, window_seconds: budget.window_seconds };
        Self { from, slots: budget.slots(), units: budget.cost.max(1) }
    }
}
