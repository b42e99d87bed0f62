//! The engine, put together and run.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use pollwheel_connector::Connector;
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::Limits;
use pollwheel_local::bus::NdjsonBus;
use pollwheel_local::clock::WheelClock;
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Ticks};
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
        let sync = || self.bus.sync();
        let engine = Engine {
            catalog: self.catalog,
            ports: Ports {
                store: self.store,
                queues: &queues,
                bus: self.bus,
                poller: self.connector,
                credentials: self.credentials,
            },
            store: self.store,
            queues: &queues,
            clock: &self.clock,
            config: config(args),
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
        }))
    }
}

/// `--concurrency` polls at once: so many batches of so many polls.
fn config(args: &RunArgs) -> EngineConfig {
    let usual = Limits::default();
    let at_once = args.concurrency.get();
    let batches_in_flight = at_once.div_ceil(usual.concurrency);
    let limits = Limits { concurrency: at_once / batches_in_flight, ..usual };
    EngineConfig { batches_in_flight, limits, seed: args.seed, ..EngineConfig::default() }
}
