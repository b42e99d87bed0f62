//! Faults put between the passes and their ports, drawn from a seed: operations that fail, answers that are lost after
//! the operation took effect, entries that are refused or not answered for, messages that are doubled or late, and
//! functions killed at any operation.
//!
//! For tests and simulation only: nothing in a run of the command line wraps its ports in these. The same seed draws
//! the same faults.

mod bus;
mod poller;
mod queues;
mod store;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;

use pollwheel_core::hash::{below, mix};
use pollwheel_core::ports::{PortError, Retry};

pub use bus::FaultyBus;
pub use poller::FaultyPoller;
pub use queues::FaultyQueues;
pub use store::FaultyStore;

/// How often each fault happens, per thousand operations or entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// An operation fails and does nothing.
    pub fails: u32,
    /// An operation takes effect and its answer is lost.
    pub answer_lost: u32,
    /// The function is killed just before or just after an operation. It shows as one that never answers.
    pub killed: u32,
    /// An entry of a batch is refused.
    pub entry_refused: u32,
    /// The last entries of a batch are in neither list of the answer.
    pub entry_missing: u32,
    /// A message is delivered twice.
    pub doubled: u32,
    /// A message is late by up to [`Rates::MAX_DELAY_SECONDS`].
    pub late: u32,
    /// A poll panics.
    pub panics: u32,
}

impl Rates {
    /// Longest delay of a late message: SQS's longest.
    pub const MAX_DELAY_SECONDS: u16 = 900;

    /// Rates drawn from a seed: each fault from never to often, some runs with few kinds and some with all.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let draw = |number: u64, most: u32| {
            let on = below(mix(seed, number), 4) > 0;
            if on { below(mix(seed, number + 100), most + 1) } else { 0 }
        };
        Self {
            fails: draw(1, 50),
            answer_lost: draw(2, 50),
            killed: draw(3, 20),
            entry_refused: draw(4, 100),
            entry_missing: draw(5, 50),
            doubled: draw(6, 300),
            late: draw(7, 200),
            panics: draw(8, 20),
        }
    }
}

/// A source of faults, shared by the wrapped ports of a run.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    rates: Rates,
    drawn: Cell<u64>,
    on: Cell<bool>,
    injected: RefCell<BTreeMap<&'static str, u64>>,
}

impl Faults {
    /// Faults at these rates, from this seed. They are on.
    #[must_use]
    pub fn new(seed: u64, rates: Rates) -> Self {
        Self { seed, rates, drawn: Cell::new(0), on: Cell::new(true), injected: RefCell::default() }
    }

    /// No more faults: the second phase of a simulation.
    pub fn end(&self) {
        self.on.set(false);
    }

    /// How many faults of each kind were injected.
    #[must_use]
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.injected.borrow().clone()
    }

    fn draw(&self, bound: u32) -> u32 {
        self.drawn.set(self.drawn.get() + 1);
        below(mix(self.seed, self.drawn.get()), bound)
    }

    fn happens(&self, kind: &'static str, per_thousand: u32) -> bool {
        let happens = per_thousand > 0 && self.on.get() && self.draw(1000) < per_thousand;
        if happens {
            *self.injected.borrow_mut().entry(kind).or_default() += 1;
        }
        happens
    }

    /// An edge of an operation: the function may be killed here. A killed function never goes on; whoever waits for it
    /// gives up at its time-out.
    async fn edge(&self) {
        if self.happens("killed", self.rates.killed) {
            pending::<()>().await;
        }
    }

    fn fails(&self) -> Result<(), PortError> {
        if self.happens("fails", self.rates.fails) {
            Err(injected("failed before it took effect"))
        } else {
            Ok(())
        }
    }

    fn answer<T>(&self, answer: T) -> Result<T, PortError> {
        if self.happens("answer_lost", self.rates.answer_lost) {
            Err(injected("took effect and its answer was lost"))
        } else {
            Ok(answer)
        }
    }

    fn refuses_entry(&self) -> bool {
        self.happens("entry_refused", self.rates.entry_refused)
    }

    /// Loses some entries from the end of an answer.
    fn forget_entries<T>(&self, answers: &mut Vec<T>) {
        if self.happens("entry_missing", self.rates.entry_missing) {
            let kept = self.draw(u32::try_from(answers.len()).unwrap_or(u32::MAX)) as usize;
            answers.truncate(kept);
        }
    }
}

fn injected(what: &str) -> PortError {
    PortError::new("an operation", Retry::Transient, format!("injected: it {what}"))
}
