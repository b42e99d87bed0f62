//! The engine, put together and run.

use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use pollwheel_connector::Connector;
use pollwheel_core::meter::Prices;
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::Limits;
use pollwheel_local::bus::NdjsonBus;
use pollwheel_local::clock::WheelClock;
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Punctual, Ticks};
use pollwheel_local::queue::LocalQueues;
use pollwheel_local::store::Store;

use crate::args::RunArgs;
use crate::exit::Failure;
use crate::report::{Measured, Report};
use crate::screen::Screen;
use crate::signals::Stop;
use crate::status::Status;
use crate::usage::usage;

/// Everything that the engine works with.
pub(super) struct Cycle<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) store: &'a Store,
    pub(super) bus: &'a NdjsonBus,
    pub(super) connector: &'a Connector,
    pub(super) credentials: &'a MemoryCredentials,
    pub(super) clock: WheelClock,
    /// What the work is priced by, as if it had been done on AWS.
    pub(super) prices: &'a Prices,
}

impl Cycle<'_> {
    /// Polls until the ticks are over or somebody asks to stop.
    pub(super) async fn run(
        &self,
        args: &RunArgs,
        stop: &Stop,
        screen: &Arc<Screen>,
    ) -> Result<Report, Failure> {
        let queues = LocalQueues::new(Rc::new(self.clock), args.seed);
        // Events that may not be there are a reason to stop: polling on would publish and confirm nothing.
        let sync = || self.bus.sync().inspect_err(|_| stop.ask());
        let engine = Engine {
            catalog: self.catalog,
            ports: Ports {
                store: self.store,
                queues: &queues,
                bus: self.bus,
                poller: self.connector,
                credentials: self.credentials,
            },
            trailing: Some(self.store),
            queues: &queues,
            clock: &self.clock,
            surroundings: &Punctual,
            config: config(args.concurrency, args.seed),
            before_completion: &sync,
        };
        let ticks = args.ticks.map_or(Ticks::Endless, Ticks::Count);
        let (before, cpu_before, started) = (self.store.stats(), usage().cpu, Instant::now());
        let mut status = Status::new(screen);
        let totals = engine.run(ticks, stop.asked(), |snapshot| status.show(snapshot)).await;
        status.clear(totals.as_ref().ok());
        let totals = totals
            .context("the end of the run could not be made durable; the next run repeats some polls")?;
        let mut usage = usage();
        usage.cpu = usage.cpu.saturating_sub(cpu_before);
        Ok(Report::of(&Measured {
            totals: &totals,
            published: self.bus.published(),
            before,
            after: self.store.stats(),
            usage,
            wall: started.elapsed(),
            prices: self.prices,
        }))
    }
}

/// So many polls at once, as so many batches of so many. A batch has no more jobs than it polls at once: its time is
/// enough for one longest poll, and a job that waited for another would be cut off, and end as a dead letter.
fn config(at_once: NonZeroUsize, seed: u64) -> EngineConfig {
    let usual = EngineConfig::default();
    let batches_in_flight = at_once.get().div_ceil(usual.limits.concurrency);
    let concurrency = at_once.get() / batches_in_flight;
    let limits = Limits { concurrency, ..usual.limits };
    let batch_size = usual.batch_size.min(concurrency);
    EngineConfig { batch_size, batches_in_flight, limits, seed, ..usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_of_a_batch_is_polled_at_once() {
        for at_once in [1, 2, 31, 32, 33, 63, 64, 65, 128, 1000] {
            let config = config(NonZeroUsize::new(at_once).unwrap(), 0);
            assert!((1..=config.limits.concurrency).contains(&config.batch_size), "{at_once}: {config:?}");
            let open = config.batches_in_flight * config.limits.concurrency;
            assert!(open <= at_once && open * 2 > at_once, "{at_once}: {config:?}");
            assert!(config.function_timeout >= config.limits.poll + config.limits.reserve);
        }
    }
}
