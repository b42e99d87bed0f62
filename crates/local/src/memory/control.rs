//! Cursors, pauses and throttles: the `ControlStore` port.

use std::collections::BTreeSet;

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::outcome::Scope;
use pollwheel_core::ports::{ControlStore, Gate, PauseScope, PortError};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::MemoryStore;
use crate::store::{StoreStats, WAKE_MARGIN_MINUTES};

/// Slots of a limit that are kept: of a worker whose clock is behind.
const KEPT_SLOTS: u64 = 64;

/// Channels and job types that are paused, by name: a channel has no slash.
pub(super) type Paused = BTreeSet<Box<str>>;

fn name(scope: &PauseScope) -> &str {
    match scope {
        PauseScope::Channel(channel) => channel.as_str(),
        PauseScope::JobType(job_type) => job_type.as_str(),
    }
}

impl MemoryStore {
    /// Stops dispatch.
    pub fn pause(&self, scope: &PauseScope) {
        self.paused.borrow_mut().insert(name(scope).into());
    }

    /// Lets dispatch go on.
    pub fn resume(&self, scope: &PauseScope) {
        self.paused.borrow_mut().remove(name(scope));
    }

    fn purge_wakes(&self, job_type: &JobTypeId, before: EpochMinute) {
        if let Some(minutes) = self.wakes.borrow_mut().get_mut(job_type) {
            *minutes = minutes.split_off(&before);
        }
    }
}

impl ControlStore for MemoryStore {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        let paused = self.paused.borrow();
        let throttles = self.throttles.borrow();
        let scopes = [Scope::Application, Scope::Endpoint].map(|scope| ThrottleScope::of(job_type, &scope));
        Ok(Gate {
            cursor: self.cursors.borrow().get(job_type).copied(),
            paused: paused.contains(job_type.as_str()) || paused.contains(job_type.channel()),
            throttled_until: scopes.iter().flatten().filter_map(|scope| throttles.get(scope)).max().copied(),
        })
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let stands = self.cursors.borrow().get(job_type).copied();
        if stands != from {
            return Ok(false);
        }
        self.cursors.borrow_mut().insert(job_type.clone(), to);
        self.purge_wakes(job_type, to.minus(WAKE_MARGIN_MINUTES));
        self.count(StoreStats { cursor_writes: 1, ..StoreStats::default() });
        Ok(true)
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        let mut throttles = self.throttles.borrow_mut();
        if throttles.get(scope).is_none_or(|known| *known < until) {
            throttles.insert(scope.clone(), until);
            self.count(StoreStats { control_writes: 1, ..StoreStats::default() });
        }
        Ok(())
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        let throttles = self.throttles.borrow();
        Ok(scopes.iter().map(|scope| throttles.get(scope).copied()).collect())
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        let mut spent = self.spent.borrow_mut();
        let slots = spent.entry(slot.of.clone()).or_default();
        let used = slots.get(&slot.index).copied().unwrap_or_default();
        let granted = units.min(most.saturating_sub(used));
        if granted > 0 {
            slots.insert(slot.index, used.saturating_add(granted));
            *slots = slots.split_off(&slot.index.saturating_sub(KEPT_SLOTS));
            self.count(StoreStats { control_writes: 1, ..StoreStats::default() });
        }
        Ok(granted)
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        let paces = self.paces.borrow();
        Ok(of.iter().map(|key| paces.get(key).copied().unwrap_or_default()).collect())
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.paces.borrow_mut().insert(of.clone(), pace);
        self.count(StoreStats { control_writes: 1, ..StoreStats::default() });
        Ok(())
    }
}
