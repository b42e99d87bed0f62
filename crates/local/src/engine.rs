//! The loop that plays EventBridge and Lambda: it ticks every minute of the wheel, and hands the queues' messages to the
//! passes in batches, as SQS event source mappings do.
//!
//! It is one future in one thread. Under tokio's paused time it is deterministic: the same seed gives the same run.
//! It decides nothing about jobs; the passes in the core do.

mod function;
mod mapping;
mod totals;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use pollwheel_core::id::JobTypeId;
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::Limits;
use pollwheel_core::ports::{Bus, Clock, ControlStore, CredentialStore, JobStore, Poller, Queues};
use pollwheel_core::tick::{self, Dispatch, JobTypeTick, TickEnd};
use pollwheel_core::time::{EpochMinute, Timestamp};
use tokio::time::Instant;

use crate::clock::WheelClock;
use crate::queue::{LocalQueues, QueueId};
use crate::store::Store;
use function::Finished;
use mapping::{Mapping, Mappings};
pub use totals::{Snapshot, Totals};

/// The ports that the passes see: the engine's own, or the same behind injected faults.
#[derive(Debug)]
pub struct Ports<'a, S, Q, B, P, K> {
    /// Rows, wake-ups, cursors.
    pub store: &'a S,
    /// Sending to queues.
    pub queues: &'a Q,
    /// Publishing.
    pub bus: &'a B,
    /// The third parties.
    pub poller: &'a P,
    /// What accounts authenticate with.
    pub credentials: &'a K,
}

/// How the engine runs.
#[derive(Debug, Clone, Copy)]
pub struct EngineConfig {
    /// Jobs in a worker's batch.
    pub batch_size: usize,
    /// Batches of one job type under way at once: with `limits.concurrency`, the bound on open requests.
    pub batches_in_flight: usize,
    /// Limits of a batch.
    pub limits: Limits,
    /// Longest run of a function, in real time.
    pub function_timeout: Duration,
    /// How long finished polls are gathered into one commit, in real time.
    pub gather: Duration,
    /// Receives after which a message goes to its dead-letter queue.
    pub max_receive_count: u32,
    /// How long a stop waits for what is under way, in real time.
    pub grace: Duration,
    /// The seed of jitter.
    pub seed: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            batch_size: 64,
            batches_in_flight: 8,
            limits: Limits { concurrency: 32, ..Limits::default() },
            function_timeout: Duration::from_secs(30),
            gather: Duration::from_millis(20),
            max_receive_count: 5,
            grace: Duration::from_secs(10),
            seed: 0,
        }
    }
}

/// When to stop ticking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticks {
    /// At the stop signal only.
    Endless,
    /// After a number of ticks, once everything that they dispatched is done.
    Count(u64),
}

/// The engine. Its queues belong to it; store, bus and third parties come from outside.
#[expect(missing_debug_implementations, reason = "holds ports without Debug")]
pub struct Engine<'a, S, Q, B, P, K> {
    /// Every job type.
    pub catalog: &'a Catalog,
    /// What the passes see.
    pub ports: Ports<'a, S, Q, B, P, K>,
    /// The store itself: it trails its cursors behind what is unconfirmed.
    pub store: &'a Store,
    /// The queues themselves: the engine receives and deletes.
    pub queues: &'a LocalQueues,
    /// The time of the wheel.
    pub clock: &'a WheelClock,
    /// How to run.
    pub config: EngineConfig,
    /// Called before finished polls are applied: makes what they published durable. An error keeps them in their queue.
    pub before_completion: &'a dyn Fn() -> std::io::Result<()>,
}

impl<S, Q, B, P, K> Engine<'_, S, Q, B, P, K>
where
    S: JobStore + ControlStore,
    Q: Queues,
    B: Bus,
    P: Poller,
    K: CredentialStore,
{
    /// Runs until the ticks are done or `stop` completes, and calls `watch` after every tick.
    ///
    /// A stop lets what is under way finish, within the grace. What is still queued then is dispatched again by the
    /// next run: the store's cursors trail behind it.
    pub async fn run(&self, ticks: Ticks, stop: impl Future<Output = ()>, watch: impl FnMut(&Snapshot)) -> Totals {
        let state = RefCell::new(Run::new(watch));
        let mappings = RefCell::new(Mappings::create(self.catalog, self.queues, self.clock, &self.config));
        let mut stop = pin!(stop);
        let mut ticking = pin!(self.tick_loop(ticks, &state));
        let mut functions = FuturesUnordered::new();
        let mut phase = Phase::Ticking;
        loop {
            let next_visible = if phase.receives() { self.start_due(&mappings, &mut functions) } else { None };
            if phase.is_over(functions.is_empty(), next_visible.is_none() && mappings.borrow().are_empty(self.queues)) {
                break;
            }
            let wait = next_visible.map_or(LONG, |instant| self.clock.real_until(instant));
            tokio::select! {
                biased;
                () = &mut stop, if phase != Phase::stopping(phase) => phase = Phase::Stopping(Instant::now() + self.config.grace),
                Some(finished) = functions.next() => self.finish(finished, &mappings, &state),
                () = &mut ticking, if phase == Phase::Ticking => phase = Phase::Draining(Instant::now() + self.drain_limit()),
                () = self.queues.arrived(), if phase.receives() => {}
                () = tokio::time::sleep(wait), if phase.receives() => {}
                () = phase.deadline() => break,
            }
        }
        self.close(&state);
        state.into_inner().totals
    }
}
