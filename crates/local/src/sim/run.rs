//! One run: a deployment is made, its accounts are registered, the engine plays its minutes, and the checker judges.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::id::{AccountId, IdError, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::ports::{Clock, PortError};
use pollwheel_core::register::{NewJob, RegisterError, register};
use pollwheel_core::row::Subject;
use pollwheel_core::time::Timestamp;

use super::bus::SeenBus;
use super::judge::{Judged, Verdict, judge};
use super::kind::{FaultKind, FaultSet};
use super::notebook::{Detail, Exactness, Notebook};
use super::plan::Plan;
use super::planted::Planted;
use super::scenario::Scenario;
use super::surroundings::{GRACE_MINUTES, SimSurroundings};
use super::timeline::Timeline;
use super::watch::{ClaimedQueues, WatchedQueues, WatchedStore};
use super::world::{POOL, World};
use crate::clock::{REAL_TICK, WheelClock};
use crate::credentials::MemoryCredentials;
use crate::engine::{Engine, EngineConfig, Ports, Ticks};
use crate::faults::{Faults, FaultyBus, FaultyCredentials, FaultyPoller, FaultyQueues, FaultyStore};
use crate::memory::MemoryStore;
use crate::queue::LocalQueues;

/// The job type that most accounts have.
pub const JOB_TYPE: &str = "sim/items";
/// The channel that is crowded.
const CROWD: &str = "crowd/items";
/// Noon of a day in 2025.
const START: Timestamp = Timestamp::from_millis(1_740_052_800_000);
/// Accounts above which only some jobs are looked at closely.
const CLOSE_UP_TO: u32 = 20_000;
/// Longest hold of the built-in job types, in minutes: what the second phase must outlast.
const HOLD_CAP_MINUTES: u32 = 60;
/// Jobs of the crowd for each account, where there is one.
const CROWD_FACTOR: u32 = 10;
/// Most jobs of a crowd.
const MAX_CROWD: u32 = 100_000;

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

fn spec(id: &str, range: CadenceRange, accounts: u32) -> Result<JobTypeSpec, IdError> {
    let mut spec = JobTypeSpec::new(JobTypeId::new(id)?, range);
    let capped = |range| Policy {
        hold_cap_minutes: HOLD_CAP_MINUTES,
        max_staleness_minutes: HOLD_CAP_MINUTES,
        backoff_cap_minutes: HOLD_CAP_MINUTES / 2,
        ..Policy::new(range)
    };
    spec.default_policy = capped(range);
    let keen = CadenceRange::new(Cadence::at_least(5), Cadence::at_least(60)).unwrap_or(range);
    spec.levels.insert(ServiceLevel::new("keen")?, capped(keen));
    spec.backlog_limit = u64::from(accounts.max(100)) * 3;
    Ok(spec)
}

/// The deployment of a run: its job types and its jobs.
struct Deployment {
    catalog: Catalog,
    jobs: Vec<NewJob>,
    crowd: Vec<JobId>,
    timelines: Vec<Timeline>,
}

fn deployment(setup: &Setup, seed: u64) -> Result<Deployment, IdError> {
    let accounts = setup.accounts.get();
    let quarter = Cadence::at_least(15);
    let range = setup.scenario.range().or_else(|| CadenceRange::new(quarter, quarter).ok());
    let mut specs = Vec::new();
    let mut named = |id: &str, range: Option<CadenceRange>| -> Result<JobTypeId, IdError> {
        if let Some(range) = range {
            specs.push(spec(id, range, accounts)?);
        }
        JobTypeId::new(id)
    };
    let items = named(JOB_TYPE, range)?;
    let has = |kind| setup.faults.has(kind);
    let pool = if has(FaultKind::ApplicationLimit) { Some(named(POOL, range)?) } else { None };
    let daily = CadenceRange::new(Cadence::SLOWEST, Cadence::SLOWEST).ok();
    let crowd = if has(FaultKind::Crowding) { Some(named(CROWD, daily)?) } else { None };

    let (standard, keen) = (ServiceLevel::new("standard")?, ServiceLevel::new("keen")?);
    let (torrent, quiet) = (Scenario::torrent(), Scenario::quiet());
    let crowded = crowd.as_ref().map_or(0, |_| accounts.saturating_mul(CROWD_FACTOR).min(MAX_CROWD));
    let mut made = Deployment { catalog: Catalog::default(), jobs: Vec::new(), crowd: Vec::new(), timelines: Vec::new() };
    for number in 0..accounts + crowded {
        let is_keen = has(FaultKind::LongChains) && number % 5 == 1 && number < accounts;
        let job_type = match (&crowd, &pool) {
            (Some(crowd), _) if number >= accounts => crowd,
            (_, Some(pool)) if number % 4 == 3 => pool,
            _ => &items,
        };
        let scenario = match number {
            number if number >= accounts => &quiet,
            _ if is_keen => &torrent,
            _ => &setup.scenario,
        };
        let timeline = Timeline::new(seed, number, scenario, START);
        let job = JobId { job_type: job_type.clone(), account: AccountId::new(format!("a{number}"))?, target: None };
        if number >= accounts {
            made.crowd.push(job.clone());
        }
        let members = ContextMap::from_iter([("since".to_owned(), 0.into())]);
        made.jobs.push(NewJob {
            job,
            subject: Subject { external_id: number.to_string(), base_url: None },
            level: if is_keen { keen.clone() } else { standard.clone() },
            context: Context::new(&members).unwrap_or_default(),
        });
        made.timelines.push(timeline);
    }
    made.catalog = Catalog::new(specs);
    Ok(made)
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

/// Simulates one deployment. Call it under paused time: see [`under_virtual_time`].
///
/// # Errors
/// [`SimError`].
pub async fn run_once(setup: &Setup, seed: u64) -> Result<Verdict, SimError> {
    let clock = WheelClock::running(START, REAL_TICK);
    let minutes = setup.minutes.get();
    let faulty = minutes - calm_minutes(setup);
    let plan = Plan::draw(seed, &setup.faults, START.minute(), faulty, setup.scenario.outage);
    let Deployment { catalog, jobs, crowd, timelines } = deployment(setup, seed)?;
    let store = MemoryStore::default();
    register(clock.now(), &jobs, &catalog, &store).await?;
    let ids: Vec<JobId> = jobs.into_iter().map(|job| job.job).collect();
    let registered = store.stats();

    let detail = if setup.accounts.get() <= CLOSE_UP_TO { Detail::All } else { Detail::Sampled };
    let exactness = if setup.faults.only(&EXACT) { Exactness::Once } else { Exactness::AtLeastOnce };
    let notebook = Notebook::new(seed, detail, exactness);
    let faults = Faults::new(seed, plan.rates);
    let queues = LocalQueues::lasting(Rc::new(clock), seed);
    let world = World::new(clock, seed, plan.clone(), timelines);
    let bus = SeenBus::new(clock, &world, &notebook, setup.planted);
    let credentials = MemoryCredentials::default();
    let planted = setup.planted;

    let watched = WatchedStore {
        inner: &store, queues: &queues, notebook: &notebook, faults: &faults, clock, planted, moves: Cell::new(0),
    };
    let watched_queues = WatchedQueues { inner: &queues, notebook: &notebook, faults: &faults, clock };
    let faulty_store = FaultyStore { inner: &watched, faults: &faults };
    let faulty_queues = FaultyQueues { inner: &watched_queues, faults: &faults };
    let claimed = ClaimedQueues { inner: &faulty_queues, planted };
    let faulty_bus = FaultyBus { inner: &bus, faults: &faults };
    let poller = FaultyPoller { inner: &world, faults: &faults };
    let faulty_credentials = FaultyCredentials { inner: &credentials, faults: &faults };
    let cadences = 2 * u32::from(setup.scenario.slowest.minutes());
    let surroundings = SimSurroundings {
        plan: &plan,
        faults: &faults,
        catalog: &catalog,
        store: &store,
        queues: &queues,
        notebook: &notebook,
        world: &world,
        clock,
        planted,
        crowd: &crowd,
        confirmed_by: plan.calm_from.plus(cadences + GRACE_MINUTES),
        unparked: Cell::new(0),
        littered: RefCell::default(),
    };
    let engine = Engine {
        catalog: &catalog,
        ports: Ports {
            store: &faulty_store,
            queues: &claimed,
            bus: &faulty_bus,
            poller: &poller,
            credentials: &faulty_credentials,
        },
        trailing: None,
        queues: &queues,
        clock: &clock,
        surroundings: &surroundings,
        config: config(setup, seed),
        before_completion: &|| Ok(()),
    };
    let totals = engine.run(Ticks::Count(u64::from(minutes)), std::future::pending(), |_| {}).await?;
    let littered = surroundings.littered.take();
    Ok(judge(&Judged {
        setup,
        seed,
        jobs: &ids,
        store: &store,
        registered,
        queues: &queues,
        world: &world,
        bus: &bus,
        notebook: &notebook,
        totals: &totals,
        faults: faults.injected(),
        unparked: surroundings.unparked.get(),
        littered: &littered,
        now: clock.now(),
    }))
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
