//! Faults put between the passes and their ports, drawn from a seed: operations that fail, answers that are lost after
//! the operation took effect, entries that are refused or not answered for, messages that are doubled or late, and
//! functions killed at any operation.
//!
//! For tests and simulation only: nothing in a run of the command line wraps its ports in these. The same seed draws
//! the same faults.

mod bus;
mod credentials;
mod kills;
mod poller;
mod queues;
mod store;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;

use pollwheel_core::hash::{below, mix};
use pollwheel_core::ports::{PortError, Retry};
use pollwheel_core::row::Place;

use crate::engine::{Function, Invocation};
use kills::{Doom, Edge, Kills};

pub use bus::FaultyBus;
pub use credentials::FaultyCredentials;
pub use poller::FaultyPoller;
pub use queues::FaultyQueues;
pub use store::FaultyStore;

/// Edges of one kind that a doomed invocation gets past: fewer than two to the power of one less than this.
const MAX_DEPTH: u32 = 8;

/// Entries of a request to a queue or a bus: as many as AWS takes.
const REQUEST_ENTRIES: usize = 10;

/// How often each fault happens, per thousand operations or entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// An operation fails and does nothing.
    pub fails: u32,
    /// An operation takes effect and its answer is lost.
    pub answer_lost: u32,
    /// A function is killed just before or just after an operation: drawn at every one. It shows as one that never answers.
    pub killed: u32,
    /// An invocation of the scheduler is, at one of its operations.
    pub scheduler_killed: u32,
    /// An invocation of a worker is.
    pub worker_killed: u32,
    /// An invocation of the completion is.
    pub completion_killed: u32,
    /// An entry of a batch is refused.
    pub entry_refused: u32,
    /// The last entries of a batch are in neither list of the answer.
    pub entry_missing: u32,
    /// A message is delivered twice.
    pub doubled: u32,
    /// A message with finished polls is delivered twice, besides.
    pub completion_doubled: u32,
    /// A message is accepted and lost.
    pub lost: u32,
    /// A message is late by up to [`Rates::MAX_DELAY_SECONDS`].
    pub late: u32,
    /// A poll panics.
    pub panics: u32,
    /// The bus refuses an event.
    pub event_refused: u32,
    /// The last events of a batch are in neither list of the bus's answer.
    pub event_missing: u32,
}

impl Rates {
    /// Longest delay of a late message: SQS's longest.
    pub const MAX_DELAY_SECONDS: u16 = 900;
}

/// Whether credentials can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// They cannot.
    Yes,
    /// They can.
    No,
}

/// How many versions of the software write messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// This one.
    One,
    /// This one and a newer one.
    Two,
}

/// A source of faults, shared by the wrapped ports of a run.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    rates: Rates,
    drawn: Cell<u64>,
    on: Cell<bool>,
    kills: Kills,
    throttled: Cell<Option<u64>>,
    denied: Cell<bool>,
    two_versions: Cell<bool>,
    injected: RefCell<BTreeMap<&'static str, u64>>,
}

impl Faults {
    /// Faults at these rates, from this seed. They are on.
    #[must_use]
    pub fn new(seed: u64, rates: Rates) -> Self {
        Self {
            seed,
            rates,
            drawn: Cell::new(0),
            on: Cell::new(true),
            kills: Kills::default(),
            throttled: Cell::new(None),
            denied: Cell::new(false),
            two_versions: Cell::new(false),
            injected: RefCell::default(),
        }
    }

    /// A function is invoked: draws whether it will be killed, and where. The invocation's number.
    pub fn invoked(&self, function: Function) -> u64 {
        let (kind, rate) = match function {
            Function::Scheduler | Function::Drain => ("scheduler_doomed", self.rates.scheduler_killed),
            Function::Worker => ("worker_doomed", self.rates.worker_killed),
            Function::Completion | Function::Burial => ("completion_doomed", self.rates.completion_killed),
        };
        let doom = self.happens(kind, rate).then(|| self.doom(function)).flatten();
        self.kills.invoked(doom)
    }

    /// An edge of any depth: the first is as likely as all of the second to the fourth.
    fn doom(&self, function: Function) -> Option<Doom> {
        let edges = Edge::of(function);
        let kind = self.draw(u32::try_from(edges.len()).unwrap_or(1)) as usize;
        let depth = 1 << self.draw(MAX_DEPTH);
        Some(Doom { edge: *edges.get(kind)?, spared: self.draw(depth) })
    }

    /// Which invocation goes on.
    pub fn runs(&self, invocation: Invocation) {
        self.kills.runs(invocation);
    }

    /// Which invocation goes on; none before the first.
    #[must_use]
    pub const fn running_invocation(&self) -> Option<Invocation> {
        self.kills.running()
    }

    /// Which function goes on; none before the first.
    #[must_use]
    pub fn running(&self) -> Option<Function> {
        self.kills.running().map(|invocation| invocation.function)
    }

    /// Throttles a tenth of the partitions, chosen by `range`, or none.
    pub fn throttle_keys(&self, range: Option<u64>) {
        self.throttled.set(range);
    }

    /// Whether credentials cannot be read.
    pub fn deny(&self, denied: Denied) {
        self.denied.set(denied == Denied::Yes);
    }

    /// Whether half of the poll messages are written by a newer build.
    pub fn deploy(&self, versions: Versions) {
        self.two_versions.set(versions == Versions::Two);
    }

    /// Counts a fault that happened elsewhere.
    pub fn count(&self, kind: &'static str, times: u64) {
        if times > 0 {
            *self.injected.borrow_mut().entry(kind).or_default() += times;
        }
    }

    /// Whether nothing goes wrong now: batches need not be taken apart.
    fn is_calm(&self) -> bool {
        !self.on.get()
            || (self.rates == Rates::default() && self.throttled.get().is_none() && !self.two_versions.get())
    }

    fn key(&self, place: Place) -> Result<(), PortError> {
        let Some(range) = self.throttled.get().filter(|_| self.on.get()) else { return Ok(()) };
        let key = match place {
            Place::Cohort(cohort) => {
                u64::from(cohort.cadence.minutes()) << 32
                    | u64::from(cohort.phase) << 16
                    | u64::from(cohort.shard)
            }
            Place::Parked { shard } => u64::MAX - u64::from(shard),
        };
        if below(mix(range, key), 10) > 0 {
            return Ok(());
        }
        self.count("key_throttled", 1);
        Err(PortError::new("an operation", Retry::Throttled, "injected: the key range is throttled"))
    }

    /// No more faults: the second phase of a simulation.
    pub fn end(&self) {
        self.on.set(false);
        self.throttled.set(None);
        self.denied.set(false);
        self.two_versions.set(false);
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
    async fn edge(&self, edge: Edge) {
        if !self.on.get() {
            return;
        }
        let ends = self.kills.ends_at(edge);
        if ends {
            self.count("killed", 1);
        }
        if ends || self.happens("killed", self.rates.killed) {
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

    /// Loses whole answers of the requests that these entries went in.
    fn lose_answers<T>(&self, answers: &mut [Result<T, PortError>]) {
        for request in answers.chunks_mut(REQUEST_ENTRIES) {
            if self.happens("answer_lost", self.rates.answer_lost) {
                request.fill_with(|| Err(injected("took effect and its answer was lost")));
            }
        }
    }

    fn refuses_entry(&self) -> bool {
        self.happens("entry_refused", self.rates.entry_refused)
    }

    /// Loses some entries from the end of an answer.
    fn forget_entries<T>(&self, answers: &mut Vec<T>) {
        self.forget("entry_missing", self.rates.entry_missing, answers);
    }

    fn forget<T>(&self, kind: &'static str, rate: u32, answers: &mut Vec<T>) {
        if self.happens(kind, rate) {
            let kept = self.draw(u32::try_from(answers.len()).unwrap_or(u32::MAX)) as usize;
            answers.truncate(kept);
        }
    }
}

fn injected(what: &str) -> PortError {
    PortError::new("an operation", Retry::Transient, format!("injected: it {what}"))
}
