//! One run: a deployment is made, its accounts are registered, the engine plays its minutes, and the checker judges.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;

use pollwheel_core::cadence::Cadence;
use pollwheel_core::id::{IdError, JobId};
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Clock, PortError};
use pollwheel_core::register::{NewJob, RegisterError, register};
use pollwheel_core::time::Timestamp;

use super::bus::SeenBus;
use super::deployment::Deployment;
use super::judge::{Judged, Verdict, judge};
use super::kind::{FaultKind, FaultSet};
use super::notebook::{Detail, Exactness, Notebook};
use super::plan::Plan;
use super::planted::Planted;
use super::pool::Pool;
use super::scenario::Scenario;
use super::source::{Deployed, Source, Troubled, Upstream};
use super::surroundings::{GRACE_MINUTES, SimSurroundings};
use super::watch::{ClaimedQueues, WatchedQueues, WatchedStore};
use super::world::World;
use crate::clock::{REAL_TICK, WheelClock};
use crate::credentials::MemoryCredentials;
use crate::engine::{Engine, EngineConfig, Ports, Ticks};
use crate::faults::{Faults, FaultyBus, FaultyCredentials, FaultyPoller, FaultyQueues, FaultyStore};
use crate::memory::MemoryStore;
use crate::queue::LocalQueues;
use crate::store::StoreStats;

/// The job type that most accounts have.
pub const JOB_TYPE: &str = "sim/items";
/// Noon of a day in 2025.
pub(super) const START: Timestamp = Timestamp::from_millis(1_740_052_800_000);
/// Accounts above which only some jobs are looked at closely.
const CLOSE_UP_TO: u32 = 20_000;
/// Longest hold of the built-in job types, in minutes: what the second phase must outlast.
pub(super) const HOLD_CAP_MINUTES: u32 = 60;

/// Kinds of faults that never make a dispatch repeat itself, or be lost on its way to a queue.
const EXACT: [FaultKind; 7] = [
    FaultKind::DoubleTicks,
    FaultKind::MissingTicks,
    FaultKind::BusFailures,
    FaultKind::Resets,
    FaultKind::LongChains,
    FaultKind::UpstreamErrors,
    FaultKind::Poison,
];

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Accounts, each with one job.
    pub accounts: NonZeroU32,
    /// Minutes of the run, both phases together.
    pub minutes: NonZeroU32,
    /// Which faults the first phase has.
    pub faults: FaultSet,
    /// What the accounts do.
    pub scenario: Scenario,
    /// A bug to be found.
    pub planted: Option<Planted>,
}

impl Setup {
    /// A small deployment of many bursts, under the faults with which a planted bug shows.
    #[must_use]
    pub fn with_planted(bug: Planted) -> Self {
        Self {
            accounts: NonZeroU32::MIN.saturating_add(59),
            minutes: NonZeroU32::MIN.saturating_add(359),
            faults: bug.shows_under(),
            // Two dispatches of a job that overlap must both write in place, in the middle of a torrent: at one cadence nothing
            // moves, and there are many torrents.
            scenario: match bug {
                Planted::UnfencedWrites => Scenario {
                    slowest: Cadence::at_least(5),
                    burst_every_minutes: NonZeroU32::MIN.saturating_add(29),
                    ..Scenario::torrent()
                },
                Planted::RepeatedTickDispatches
                | Planted::MissedMinutesForgotten
                | Planted::RefusedEntriesCountAsSent
                | Planted::MoveLeavesARowBehind
                | Planted::EventsDropped
                | Planted::DispatchTakesTheRow
                | Planted::EventIdsVary
                | Planted::UnfinishedRecordsConfirmed
                | Planted::DeadLettersSentBack => Scenario::torrent(),
            },
            planted: Some(bug),
        }
    }
}

/// Why a run could not be made. None of these is a finding about the passes.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A name of the simulation's own is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The accounts could not be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The engine could not end.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A deployment with a third party of its own could not be made.
    #[error("the deployment cannot be simulated: {reason}")]
    Deployment {
        /// Why.
        reason: String,
    },
    /// There is no runtime to run in.
    #[error("virtual time cannot be set up")]
    Runtime(#[from] std::io::Error),
}

/// Minutes of the second phase: the longest hold, two cadences, and what a dead letter takes.
fn calm_minutes(setup: &Setup) -> u32 {
    let cadences = 2 * u32::from(setup.scenario.slowest.minutes().max(60));
    let wanted = HOLD_CAP_MINUTES + cadences + 4 * GRACE_MINUTES;
    if setup.faults.is_empty() && setup.scenario.outage.is_none() {
        return 0;
    }
    wanted.min(setup.minutes.get() / 2)
}

fn config(setup: &Setup, seed: u64) -> EngineConfig {
    let usual = EngineConfig::default();
    if setup.accounts.get() <= CLOSE_UP_TO {
        return EngineConfig { seed, ..usual };
    }
    // As many functions as it takes.
    let mut config = EngineConfig { seed, batch_size: 256, batches_in_flight: 64, ..usual };
    config.limits.concurrency = config.batch_size;
    config
}

/// How many messages of a job one window may send: one; one more where messages come twice, where two ticks send the same,
/// where functions are killed after they sent and before that was known, and where answers are lost. A page is never sent
/// again because some of it was refused: those are tried again alone.
fn copies(faults: &FaultSet) -> u64 {
    let again =
        [FaultKind::Duplicates, FaultKind::DoubleTicks, FaultKind::SchedulerCrashes, FaultKind::LostAnswers];
    // An entry that is in neither list of the answer was taken, or not.
    let lost = u64::from(faults.has(FaultKind::PartialBatches) && !faults.has(FaultKind::LostAnswers));
    1 + lost + again.iter().filter(|kind| faults.has(**kind)).count() as u64
}

/// Everything of a run that its ports stand on.
struct Stage<'s, W> {
    setup: &'s Setup,
    seed: u64,
    clock: WheelClock,
    plan: Plan,
    catalog: Catalog,
    store: MemoryStore,
    queues: LocalQueues,
    world: W,
    notebook: Notebook,
    faults: Faults,
    credentials: MemoryCredentials,
    jobs: Vec<JobId>,
    crowd: Vec<JobId>,
    pool: Option<Pool>,
    /// Writes of the registration, which are no run's.
    registered: StoreStats,
}

/// Simulates one deployment. Call it under paused time: see [`under_virtual_time`].
///
/// # Errors
/// [`SimError`].
pub async fn run_once(setup: &Setup, seed: u64) -> Result<Verdict, SimError> {
    let clock = WheelClock::running(START, REAL_TICK);
    let Deployment { catalog, jobs, crowd, timelines, pool } = Deployment::of(setup, seed)?;
    let plan = plan(setup, seed);
    let world = World::new(clock, seed, plan.clone(), timelines, pool.map(|pool| pool.limit));
    let set = Set { catalog, jobs, crowd, pool, credentials: MemoryCredentials::default(), world };
    Stage::set(setup, seed, clock, plan, set).await?.play().await
}

/// The same for a deployment with a third party of its own, which `make` makes for the run's clock.
///
/// # Errors
/// [`SimError`].
pub async fn run_deployed<U: Upstream>(
    setup: &Setup,
    seed: u64,
    make: impl FnOnce(WheelClock) -> Result<Deployed<U>, SimError>,
) -> Result<Verdict, SimError> {
    let clock = WheelClock::running(START, REAL_TICK);
    let Deployed { catalog, jobs, credentials, upstream } = make(clock)?;
    let plan = plan(setup, seed);
    let world = Troubled::new(upstream, clock, plan.clone(), seed);
    let set = Set { catalog, jobs, crowd: Vec::new(), pool: None, credentials, world };
    Stage::set(setup, seed, clock, plan, set).await?.play().await
}

fn plan(setup: &Setup, seed: u64) -> Plan {
    let faulty = setup.minutes.get() - calm_minutes(setup);
    Plan::draw(seed, &setup.faults, START.minute(), faulty, setup.scenario.outage)
}

/// A deployment and whom it polls.
struct Set<W> {
    catalog: Catalog,
    jobs: Vec<NewJob>,
    crowd: Vec<JobId>,
    pool: Option<Pool>,
    credentials: MemoryCredentials,
    world: W,
}

impl<'s, W: Source> Stage<'s, W> {
    async fn set(
        setup: &'s Setup,
        seed: u64,
        clock: WheelClock,
        plan: Plan,
        set: Set<W>,
    ) -> Result<Self, SimError> {
        let Set { catalog, jobs, crowd, pool, credentials, world } = set;
        let store = MemoryStore::default();
        register(clock.now(), &jobs, &catalog, &store).await?;
        let detail = if setup.accounts.get() <= CLOSE_UP_TO { Detail::All } else { Detail::Sampled };
        let exactness = if setup.faults.only(&EXACT) { Exactness::Once } else { Exactness::AtLeastOnce };
        Ok(Self {
            setup,
            seed,
            clock,
            registered: store.stats(),
            store,
            notebook: Notebook::new(seed, detail, exactness, &catalog),
            catalog,
            queues: LocalQueues::lasting(Rc::new(clock), seed),
            world,
            faults: Faults::new(seed, plan.rates),
            credentials,
            plan,
            jobs: jobs.into_iter().map(|job| job.job).collect(),
            crowd,
            pool,
        })
    }

    /// Plays the minutes, and has the checker judge. The ports stand in layers: what the passes see, the faults, whoever
    /// looks on, and the thing itself.
    async fn play(&self) -> Result<Verdict, SimError> {
        let (setup, faults, clock, planted) = (self.setup, &self.faults, self.clock, self.setup.planted);
        let (queues, notebook) = (&self.queues, &self.notebook);
        let moves = Cell::new(0);
        let store = WatchedStore { inner: &self.store, queues, notebook, faults, clock, planted, moves };
        let watched_queues = WatchedQueues { inner: queues, notebook, faults, clock };
        let faulty_queues = FaultyQueues { inner: &watched_queues, faults };
        let bus = SeenBus::new(clock, &self.world, notebook, planted);
        let surroundings = self.surroundings();
        let engine = Engine {
            catalog: &self.catalog,
            ports: Ports {
                store: &FaultyStore { inner: &store, faults },
                queues: &ClaimedQueues { inner: &faulty_queues, planted },
                bus: &FaultyBus { inner: &bus, faults },
                poller: &FaultyPoller { inner: &self.world, faults },
                credentials: &FaultyCredentials { inner: &self.credentials, faults },
            },
            trailing: None,
            queues,
            clock: &clock,
            surroundings: &surroundings,
            config: config(setup, self.seed),
            before_completion: &|| Ok(()),
        };
        let minutes = Ticks::Count(u64::from(setup.minutes.get()));
        let totals = engine.run(minutes, std::future::pending(), |_| {}).await?;
        Ok(judge(&Judged {
            setup,
            seed: self.seed,
            jobs: &self.jobs,
            stretched_thousandths: surroundings.stretched_thousandths.get(),
            store: &self.store,
            registered: self.registered,
            queues,
            world: &self.world,
            bus: &bus,
            notebook,
            totals: &totals,
            faults: faults.injected(),
            unparked: surroundings.unparked.get(),
            littered: &surroundings.littered.take(),
            now: clock.now(),
        }))
    }

    fn surroundings(&self) -> SimSurroundings<'_, W> {
        let cadences = 2 * u32::from(self.setup.scenario.slowest.minutes());
        let mut jobs_by_type = BTreeMap::new();
        for job in &self.jobs {
            *jobs_by_type.entry(job.job_type.clone()).or_default() += 1;
        }
        SimSurroundings {
            plan: &self.plan,
            faults: &self.faults,
            catalog: &self.catalog,
            store: &self.store,
            queues: &self.queues,
            notebook: &self.notebook,
            world: &self.world,
            clock: self.clock,
            planted: self.setup.planted,
            jobs: &self.jobs,
            copies: copies(&self.setup.faults),
            jobs_by_type,
            crowd: &self.crowd,
            pool: self.pool,
            confirmed_by: self.plan.calm_from.plus(cadences + GRACE_MINUTES),
            stretched_thousandths: Cell::new(0),
            last: START.minute().plus(self.setup.minutes.get() - 1),
            unparked: Cell::new(0),
            littered: RefCell::default(),
        }
    }
}

/// Runs a future under virtual time, in this thread.
///
/// # Errors
/// When there is no runtime.
pub fn under_virtual_time<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(async {
        tokio::time::pause();
        future.await
    }))
}
