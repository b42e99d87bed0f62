//! What a batch may take from the shared limits of its jobs: units reserved in the store, and handed out call by call.
//!
//! The first job that needs units of a limit reserves for all of the batch that will need some, so that a batch costs one
//! request a limit. Units hold within their slot only. What a batch does not use is nobody's: the limit is never passed,
//! also by a worker that ends between a reservation and its call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::lock::Mutex as TurnMutex;

use crate::budget::{PaceKey, Slots, Spend, SpendSlot};
use crate::ports::{Clock, ControlStore};
use crate::time::Timestamp;

/// Attempts at units of the slot that it is: each slot that ends during a reservation takes one.
const ATTEMPTS: u32 = 3;
/// Seconds after which a job is tried again for which no call may be made at all, or the store did not answer.
const TRY_AGAIN_SECONDS: u64 = 60;

/// A shared limit that has no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spent {
    /// Seconds until it may have.
    pub(super) again_seconds: u64,
    pub(super) reason: String,
}

/// What units are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The first request of a job: reserved together with those of the other jobs.
    First,
    /// A page, a redirect, a second try: it must not take what another job's first request was reserved for.
    Further,
}

/// The limits of a batch.
#[derive(Debug, Default)]
pub(super) struct Purse(Mutex<BTreeMap<PaceKey, Arc<Pot>>>);

/// One limit.
#[derive(Debug, Default)]
struct Pot(TurnMutex<Reserved>);

#[derive(Debug, Default)]
struct Reserved {
    slot: Option<u64>,
    /// Units of the slot that are reserved and not used.
    left: u64,
    /// Whether the store had no more of the slot.
    is_dry: bool,
    /// Units that jobs of the batch will need for their first requests.
    expected: u64,
}

impl Purse {
    fn pot(&self, of: &PaceKey) -> Arc<Pot> {
        let mut pots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pot) = pots.get(of) {
            return Arc::clone(pot);
        }
        Arc::clone(pots.entry(of.clone()).or_default())
    }

    /// Tells that a job of the batch will make a first request.
    pub(super) async fn expect(&self, spends: &[Spend]) {
        for spend in spends {
            self.pot(&spend.from).0.lock().await.expected += spend.units;
        }
    }

    /// Takes what a request needs of every limit, or nothing. Gives the instant by which the request must be made.
    pub(super) async fn take<S: ControlStore, C: Clock>(
        &self,
        spends: &[Spend],
        need: Need,
        store: &S,
        clock: &C,
    ) -> Result<Option<Timestamp>, Spent> {
        let mut taken = Vec::with_capacity(spends.len());
        let mut refused = None;
        for spend in spends {
            let pot = self.pot(&spend.from);
            if refused.is_none() {
                match pot.take(spend, need, store, clock).await {
                    Ok(slot) => taken.push((spend, pot, slot)),
                    Err(spent) => refused = Some(spent),
                }
            } else if need == Need::First {
                let mut reserved = pot.0.lock().await;
                reserved.expected = reserved.expected.saturating_sub(spend.units);
            }
        }
        let Some(spent) = refused else { return Ok(taken.iter().map(|(_, _, slot)| slot.ends).min()) };
        for (spend, pot, slot) in taken {
            pot.put_back(&slot, spend.units).await;
        }
        Err(spent)
    }
}

impl Pot {
    async fn take<S: ControlStore, C: Clock>(
        &self,
        spend: &Spend,
        need: Need,
        store: &S,
        clock: &C,
    ) -> Result<SpendSlot, Spent> {
        let mut reserved = self.0.lock().await;
        let kept = match need {
            Need::First => {
                reserved.expected = reserved.expected.saturating_sub(spend.units);
                0
            }
            Need::Further => reserved.expected,
        };
        let Some(slots) = spend.slots else {
            let reason = format!("the limit of {} has no room for a single request", spend.from.scope);
            return Err(Spent { again_seconds: TRY_AGAIN_SECONDS, reason });
        };
        for _ in 0..ATTEMPTS {
            let slot = reserved.slot_of(slots, &spend.from, clock.now());
            if reserved.left >= kept.saturating_add(spend.units) {
                reserved.left -= spend.units;
                return Ok(slot);
            }
            if reserved.is_dry {
                return Err(spent(spend, &slot, clock.now()));
            }
            let wanted = match need {
                Need::First => spend.units.saturating_add(reserved.expected).saturating_sub(reserved.left),
                // What is there for others stays.
                Need::Further => spend.units,
            };
            let Ok(granted) = store.reserve(&slot, wanted, slots.most).await else {
                let reason = format!("the units left of {} are not known", spend.from.scope);
                return Err(Spent { again_seconds: TRY_AGAIN_SECONDS, reason });
            };
            let granted = granted.min(wanted);
            reserved.left = reserved.left.saturating_add(granted);
            reserved.is_dry = granted < wanted;
            if need == Need::Further && granted == wanted && slot.ends > clock.now() {
                reserved.left -= spend.units;
                return Ok(slot);
            }
        }
        let slot = slots.at(&spend.from, clock.now());
        Err(spent(spend, &slot, clock.now()))
    }

    async fn put_back(&self, slot: &SpendSlot, units: u64) {
        let mut reserved = self.0.lock().await;
        if reserved.slot == Some(slot.index) {
            reserved.left = reserved.left.saturating_add(units);
        }
    }
}

impl Reserved {
    /// The slot that it is. What is left of another one is nobody's.
    fn slot_of(&mut self, slots: Slots, of: &PaceKey, now: Timestamp) -> SpendSlot {
        let slot = slots.at(of, now);
        if self.slot != Some(slot.index) {
            (self.slot, self.left, self.is_dry) = (Some(slot.index), 0, false);
        }
        slot
    }
}

fn spent(spend: &Spend, slot: &SpendSlot, now: Timestamp) -> Spent {
    Spent {
        // Rounded down: the minute that a slot ends with is the one to come back in.
        again_seconds: slot.ends.since(now).as_secs(),
        reason: format!("the limit of {} has no room in this minute", spend.from.scope),
    }
}
