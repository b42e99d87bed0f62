//! A small deployment for single cases: the real passes, engine, store and queues under virtual time, and a third party
//! that answers by script. Whole runs with faults and their checker are the simulator's, `pollwheel_local::sim`.

pub(crate) mod world;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Clock, QueueName};
use pollwheel_core::ports::{Outgoing, PortError, Queues};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Punctual, Ticks, Totals};
use pollwheel_local::queue::{LocalQueues, QueueConfig};
use pollwheel_local::store::Store;

pub(crate) use world::{MemoryBus, World};

/// Noon of a day in 2025.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_740_052_800_000);

/// Everything of one simulated deployment.
pub(crate) struct Sim {
    pub(crate) catalog: Catalog,
    pub(crate) clock: WheelClock,
    pub(crate) store: Store,
    pub(crate) queues: Rc<LocalQueues>,
    pub(crate) world: World,
    pub(crate) bus: MemoryBus,
    pub(crate) config: EngineConfig,
    pub(crate) hops: RefCell<u8>,
    credentials: MemoryCredentials,
}

pub(crate) fn job_type() -> JobTypeId {
    JobTypeId::new("sim/items").unwrap()
}

pub(crate) fn job(number: u32) -> JobId {
    JobId { job_type: job_type(), account: AccountId::new(format!("a{number}")).unwrap(), target: None }
}

pub(crate) fn spec(fastest: u16, slowest: u16) -> JobTypeSpec {
    let range = CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap();
    JobTypeSpec::new(job_type(), range)
}

impl Sim {
    /// A deployment with this many accounts, all at item 0 of their timelines. Call under paused time.
    pub(crate) async fn start(seed: u64, accounts: u32, spec: JobTypeSpec) -> Self {
        let clock = WheelClock::running(START, REAL_TICK);
        let sim = Self {
            catalog: Catalog::new([spec]),
            clock,
            store: Store::in_memory().unwrap(),
            queues: Rc::new(LocalQueues::new(Rc::new(clock), seed)),
            world: World::new(seed, clock),
            bus: MemoryBus::default(),
            config: EngineConfig { seed, ..EngineConfig::default() },
            hops: RefCell::default(),
            credentials: MemoryCredentials::default(),
        };
        let jobs: Vec<NewJob> = (0..accounts).map(|number| new_job(number, Some(0))).collect();
        register(clock.now(), &jobs, &sim.catalog, &sim.store).await.unwrap();
        sim
    }

    /// Makes the queues, for a test that ticks by hand.
    pub(crate) fn create_queues(&self) {
        let config =
            QueueConfig { visibility_seconds: 180, max_receive_count: Some(5), retention_seconds: 1_209_600 };
        for queue in [QueueName::Completed, QueueName::Drains, QueueName::Jobs(job_type())] {
            self.queues.create(queue, config);
        }
    }

    /// Runs a number of ticks.
    pub(crate) async fn run(&self, ticks: u64) -> Totals {
        let queues = CountedHops { inner: &*self.queues, hops: &self.hops };
        let engine = Engine {
            catalog: &self.catalog,
            ports: Ports {
                store: &self.store,
                queues: &queues,
                bus: &self.bus,
                poller: &self.world,
                credentials: &self.credentials,
            },
            trailing: Some(&self.store),
            queues: &self.queues,
            clock: &self.clock,
            surroundings: &Punctual,
            config: self.config,
            before_completion: &|| Ok(()),
        };
        engine.run(Ticks::Count(ticks), std::future::pending(), |_| {}).await.unwrap()
    }

    /// Waits without ticks: an outage of the scheduler.
    pub(crate) async fn pass(&self, minutes: u64) {
        tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
    }
}

pub(crate) fn new_job(number: u32, since: Option<u64>) -> NewJob {
    let members = ContextMap::from_iter(since.map(|since| ("since".to_owned(), since.into())));
    NewJob {
        job: job(number),
        subject: Subject { external_id: number.to_string(), base_url: None },
        level: ServiceLevel::new("standard").unwrap(),
        range: None,
        context: Context::new(&members).unwrap(),
    }
}

/// Runs a future under virtual time, in one thread.
pub(crate) fn under_virtual_time<T>(future: impl Future<Output = T>) -> T {
    // The panics that are injected need not be seen.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<&str>().copied().unwrap_or_default();
        if !text.starts_with("injected") {
            hook(info);
        }
    }));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// Queues that note the most hops that a message has made.
struct CountedHops<'a, Q> {
    inner: &'a Q,
    hops: &'a RefCell<u8>,
}

impl<Q: Queues> Queues for CountedHops<'_, Q> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        for message in &messages {
            let json: serde_json::Value = serde_json::from_str(&message.body).unwrap_or_default();
            // Messages of ours have a hop; those that a test makes up may not.
            let hop = json["m"]["hop"].as_u64().and_then(|hop| u8::try_from(hop).ok()).unwrap_or_default();
            let mut most = self.hops.borrow_mut();
            *most = hop.max(*most);
        }
        self.inner.send(queue, messages).await
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        self.inner.backlog(queue).await
    }
}
