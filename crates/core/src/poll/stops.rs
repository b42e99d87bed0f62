//! Until when shared scopes are stopped: from the store, and from what this very batch runs into.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::id::JobTypeId;
use crate::outcome::{Hints, Outcome, Scope};
use crate::ports::ControlStore;
use crate::throttle::ThrottleScope;
use crate::time::Timestamp;

/// How long a batch leaves a scope alone whose refusal did not say until when; the completion's policy takes over.
const UNSTATED_RESET_SECONDS: u64 = 60;

/// The stops that a batch knows of.
#[derive(Debug, Default)]
pub(super) struct Stops(Mutex<BTreeMap<ThrottleScope, Timestamp>>);

impl Stops {
    /// What the store knows of these scopes. A store that cannot say does not stop the polls: the response's own limits
    /// still do.
    pub(super) async fn read(scopes: BTreeSet<ThrottleScope>, control: &impl ControlStore) -> Self {
        let scopes: Vec<ThrottleScope> = scopes.into_iter().collect();
        let answers = control.throttled_until(&scopes).await.unwrap_or_default();
        let known = scopes.into_iter().zip(answers).filter_map(|(scope, until)| Some((scope, until?)));
        Self(Mutex::new(known.collect()))
    }

    /// Whether none is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Until when a scope is stopped, if it is.
    pub(super) fn until(&self, scope: &ThrottleScope, now: Timestamp) -> Option<Timestamp> {
        let stops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stops.get(scope).copied().filter(|&until| until > now)
    }

    /// A shared limit that this batch runs into stops its other polls at once.
    pub(super) fn note(&self, job_type: &JobTypeId, at: Timestamp, outcome: &Outcome, hints: &Hints) {
        let spent = hints.limits.iter().filter(|limit| limit.is_spent());
        let spent = spent.map(|limit| (&limit.scope, limit.reset_seconds));
        for (scope, seconds) in spent.chain(outcome.refusal()) {
            let Some(scope) = ThrottleScope::of(job_type, scope) else { continue };
            let until = at.plus(Duration::from_secs(seconds.unwrap_or(UNSTATED_RESET_SECONDS)));
            let mut stops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = stops.entry(scope).or_insert(until);
            *known = until.max(*known);
        }
    }

    /// Stops a scope that may be at fault, until it is known.
    pub(super) fn rest(&self, job_type: &JobTypeId, at: Timestamp, scope: &Scope) -> Option<ThrottleScope> {
        let scope = ThrottleScope::of(job_type, scope)?;
        let until = at.plus(Duration::from_secs(UNSTATED_RESET_SECONDS));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone(), until);
        Some(scope)
    }

    /// It was not at fault.
    pub(super) fn release(&self, resting: Option<&ThrottleScope>) {
        if let Some(scope) = resting {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(scope);
        }
    }
}
