//! The shared limits of a job type as the core keeps them: by reservation.
//!
//! A limit without `calls` is kept by what answers tell of it, and one of an account by the account's own holds: neither is
//! a budget.

use pollwheel_core::budget::{Budget, BudgetScope, Counted, Spend};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::Request;

use super::limits::Allowance;
use super::{Auth, Channel, JobType, Limit, LimitScope, Need, Token};
use crate::auth::Sending;
use crate::reading::Host;
use crate::request::Place;

impl Channel {
    /// Puts their budgets into the specs of all job types.
    pub(super) fn set_budgets(&mut self) {
        let found: Vec<_> =
            self.job_types.values().map(|job| (self.budgets(job), self.max_requests(job))).collect();
        for (job, (budgets, max_requests)) in self.job_types.values_mut().zip(found) {
            (job.spec.budgets, job.spec.max_requests) = (budgets, max_requests);
        }
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbour")]
    fn max_requests(&self, job: &JobType) -> u32 {
        job.pages.as_ref().map_or(1, |pages| pages.limit)
    }

    fn budgets(&self, job: &JobType) -> Vec<Budget> {
        let dearest = self.job_types.values().map(|job| job.endpoint.cost).max().unwrap_or(1);
        let of_channel = self.limits.iter().map(|limit| (limit, dearest));
        let own = job.limits.iter().map(|limit| (limit, job.endpoint.cost));
        let mut budgets: Vec<Budget> = Vec::new();
        for (limit, dearest) in of_channel.chain(own) {
            let found = self.of_limit(limit, job, dearest.into());
            // Two that differ in nothing are one: they would take twice from the same units.
            budgets.extend(found.into_iter().filter(|one| !budgets.contains(one)).collect::<Vec<_>>());
        }
        budgets
    }

    fn of_limit(&self, limit: &Limit, job: &JobType, dearest: u64) -> Vec<Budget> {
        let budget = |((scope, allowance), counted): ((BudgetScope, Allowance), Counted)| Budget {
            counted,
            cushion: limit.cushion_of(allowance),
            cost: u64::from(job.endpoint.cost),
            // A limit of the endpoint is no other job type's.
            dearest: if scope == BudgetScope::Endpoint { u64::from(job.endpoint.cost) } else { dearest },
            ..Budget::new(scope, allowance.calls, allowance.window_seconds)
        };
        self.counted(limit, job).into_iter().map(budget).collect()
    }

    /// What a limit is shared by and how much it allows, for the requests that there are: with a token, without one, or any.
    fn counted(&self, limit: &Limit, job: &JobType) -> Vec<((BudgetScope, Allowance), Counted)> {
        let of = |token| self.shared(limit.scope(token), job).zip(limit.allowance_of(token));
        let (with, without) = (of(Token::Present), of(Token::Absent));
        let every = |of: Option<_>| of.map(|of| (of, Counted::Every)).into_iter().collect();
        match (&self.auth, job.need) {
            (Auth::None, _) => every(without),
            (Auth::By(_), Need::Required) => every(with),
            (Auth::By(_), Need::Optional) if with == without => every(with),
            (Auth::By(_), Need::Optional) => {
                let with = with.map(|of| (of, Counted::WithToken));
                let without = without.map(|of| (of, Counted::WithoutToken));
                with.into_iter().chain(without).collect()
            }
        }
    }

    fn shared(&self, scope: LimitScope, job: &JobType) -> Option<BudgetScope> {
        match scope {
            LimitScope::Account => None,
            LimitScope::Application => Some(BudgetScope::Application),
            LimitScope::Endpoint => Some(BudgetScope::Endpoint),
            LimitScope::Token => Some(BudgetScope::Token),
            LimitScope::Host => Some(BudgetScope::Host(match (&job.endpoint.place, &self.base_url) {
                (Place::Path(_), Some(base)) => Some(base.origin().authority().into()),
                (Place::Path(_), None) | (Place::Url(_), _) => None,
            })),
        }
    }

    /// What each request of a poll takes. A host that an account brings speaks for itself alone.
    pub(crate) fn spends(&self, job: &JobType, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        let Ok(base) = self.base_of(job, request.row) else { return Vec::new() };
        let host = self.whose(&base);
        let Ok(sending) = Sending::of(&self.auth, job.need, host, *request) else { return Vec::new() };
        let is_counted = |budget: &&Budget| match budget.counted {
            Counted::Every => true,
            Counted::WithToken => sending.is_something(),
            Counted::WithoutToken => !sending.is_something(),
        };
        let token = request.token.map(|token| &*token.name);
        let drawn = spec.budgets.iter().filter(is_counted).filter_map(|budget| {
            match (&budget.scope, host) {
                (BudgetScope::Application | BudgetScope::Endpoint | BudgetScope::Token, Host::Accounts) => {
                    return None;
                }
                (BudgetScope::Host(_), _) | (_, Host::Channels) => {}
            }
            let scope = budget.drawn_by(&request.row.job.job_type, Some(base.origin().authority()), token)?;
            Some(Spend::of(scope, budget))
        });
        Spend::tightest(drawn)
    }
}
