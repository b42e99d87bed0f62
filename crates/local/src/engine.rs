//! The loop that plays EventBridge and Lambda: it ticks every minute of the wheel, and hands the queues' messages to the
//! passes in batches, as SQS event source mappings do.
//!
//! It is one future in one thread. Under tokio's paused time it is deterministic: the same seed gives the same run.
//! It decides nothing about jobs; the passes in the core do.

mod function;
mod mappings;
mod metered;
mod phase;
mod surroundings;
mod ticks;
mod totals;

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::Limits;
use pollwheel_core::ports::{Bus, Clock, ControlStore, CredentialStore, JobStore, Poller, PortError, Queues};
use tokio::time::Instant;

use crate::clock::WheelClock;
use crate::meter::Meter;
use crate::queue::LocalQueues;
use crate::store::Store;
use mappings::Mappings;
use phase::Phase;
pub use surroundings::{Function, Invocation, Punctual, Surroundings};
pub use totals::{JobTypeTotals, Snapshot, Totals};

/// Sleep of a loop that nothing is due in.
const IDLE: Duration = Duration::from_secs(3600);

/// The ports that the passes see: the engine's own, or the same behind injected faults.
#[expect(missing_debug_implementations, reason = "ports need not have one")]
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
    /// Deliveries after which a message goes to its dead-letter queue.
    pub max_receive_count: u32,
    /// Partitions above which a tick fans out through the drains queue.
    pub fan_out_above: usize,
    /// How long a stop waits for what is under way, in real time.
    pub grace: Duration,
    /// The seed of jitter.
    pub seed: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            batch_size: 64,
            batches_in_flight: 4,
            limits: Limits::default(),
            function_timeout: Duration::from_secs(30),
            gather: Duration::from_millis(20),
            max_receive_count: 5,
            // Within one process there is nobody to share the work with.
            fan_out_above: usize::MAX,
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
    /// After a number of ticks, once what they dispatched is done.
    Count(u64),
}

/// The engine: the ports that the passes see, and the parts of the process that it drives itself.
#[expect(missing_debug_implementations, reason = "ports need not have one")]
pub struct Engine<'a, S, Q, B, P, K> {
    /// Every job type.
    pub catalog: &'a Catalog,
    /// What the passes see.
    pub ports: Ports<'a, S, Q, B, P, K>,
    /// The store whose cursors trail: the engine tells it what is unconfirmed. None where queues outlive the process.
    pub trailing: Option<&'a Store>,
    /// The queues themselves: the engine receives and deletes.
    pub queues: &'a LocalQueues,
    /// The time of the wheel.
    pub clock: &'a WheelClock,
    /// When ticks arrive, and the like.
    pub surroundings: &'a dyn Surroundings,
    /// How to run.
    pub config: EngineConfig,
    /// Called before finished polls are applied: makes what they published durable. An error keeps them queued.
    pub before_completion: &'a dyn Fn() -> std::io::Result<()>,
}

/// What the parts of one run share.
struct Run<W> {
    totals: Totals,
    watch: W,
}

impl<S, Q, B, P, K> Engine<'_, S, Q, B, P, K>
where
    S: JobStore + ControlStore,
    Q: Queues,
    B: Bus,
    P: Poller,
    K: CredentialStore,
{
    /// Runs until the ticks are done or `stop` completes; calls `watch` after every tick.
    ///
    /// A stop lets what is under way finish, within the grace. What is still queued then is dispatched again by the next
    /// run on the same store: its cursors trail behind it.
    ///
    /// # Errors
    /// When the cursors cannot be made durable at the end.
    pub async fn run(
        &self,
        ticks: Ticks,
        stop: impl Future<Output = ()>,
        watch: impl FnMut(&Snapshot),
    ) -> Result<Totals, PortError> {
        let run = RefCell::new(Run { totals: Totals::default(), watch });
        let meter = Meter::default();
        let mut mappings = Mappings::create(self.catalog, self.queues, self.clock, &self.config);
        let mut functions = FuturesUnordered::new();
        let mut phase = Phase::Ticking;
        let mut stop = pin!(stop);
        let mut ticking = pin!(self.tick_loop(ticks, &run, &meter));
        loop {
            let (batches, wait) = mappings.receive(self.queues, self.clock, self.surroundings, phase);
            batches.iter().for_each(|batch| batch.count(&meter, self.clock.now()));
            functions.extend(batches.into_iter().map(|batch| self.invoke(batch, &meter)));
            if phase.is_over(&functions, &mappings, self.queues) {
                break;
            }
            tokio::select! {
                biased;
                () = &mut stop, if !phase.is_stopping() => phase = Phase::Stopping { until: Instant::now() + self.config.grace },
                Some(finished) = functions.next() => {
                    mappings.finished(finished.mapping);
                    finished.settle(self.queues, self.surroundings, &mut run.borrow_mut().totals);
                }
                () = &mut ticking, if phase.is_ticking() => phase = Phase::Draining { until: self.drain_until() },
                () = self.queues.arrived() => {}
                () = tokio::time::sleep(wait.unwrap_or(IDLE)) => {}
                () = phase.deadline() => break,
            }
        }
        if let Some(store) = self.trailing {
            self.trail(store, None).await?;
            store.persist_cursors()?;
        }
        let mut totals = std::mem::take(&mut run.borrow_mut().totals);
        totals.pending = mappings.pending(self.queues);
        totals.usage = meter.finish(self.clock.now());
        Ok(totals)
    }

    /// Long enough for everything that the last tick spread over its minute, and for a time-out.
    fn drain_until(&self) -> Instant {
        Instant::now() + self.clock.to_real(Duration::from_secs(60)) + self.config.function_timeout
    }
}
