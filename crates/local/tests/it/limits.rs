//! Limits that many accounts share, under virtual time: never passed, shared fairly, overdrawn evenly.

mod price;
mod third_party;
mod workers;

use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;

use pollwheel_core::budget::{Budget, BudgetScope};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::event::Event;
use pollwheel_core::hash::{below, mix};
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel, Target};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::ports::{Bus, Clock, PauseScope, PortError};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::engine::{Engine, EngineConfig, Ports, Punctual, Ticks, Totals};
use pollwheel_local::faults::{Faults, FaultyQueues, FaultyStore, Rates};
use pollwheel_local::queue::LocalQueues;
use pollwheel_local::store::Store;

use crate::sim::{START, under_virtual_time};
use third_party::ThirdParty;

const CALLS: u64 = 300;
const WINDOW_SECONDS: u64 = 900;

struct NoBus;

impl Bus for NoBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        events.iter().map(|_| Ok(())).collect()
    }
}

fn job_type(name: &str) -> JobTypeId {
    JobTypeId::new(format!("pool/{name}")).unwrap()
}

fn range(fastest: u16, slowest: u16) -> CadenceRange {
    CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap()
}

/// A job type under an application limit of 300 in 15 minutes.
fn spec(name: &str, cadence: u16) -> JobTypeSpec {
    let mut spec = JobTypeSpec::new(job_type(name), range(cadence, cadence));
    spec.budgets = vec![Budget::new(BudgetScope::Application, CALLS, WINDOW_SECONDS)];
    spec
}

fn new_job(name: &str, account: &str, target: Option<u32>, level: &str) -> NewJob {
    NewJob {
        job: JobId {
            job_type: job_type(name),
            account: AccountId::new(account).unwrap(),
            target: target.map(|number| Target::new(number.to_string()).unwrap()),
        },
        subject: Subject { external_id: account.to_owned(), base_url: None },
        level: ServiceLevel::new(level).unwrap(),
        range: None,
        context: Context::empty(),
    }
}

fn accounts(number: u32) -> Vec<NewJob> {
    (0..number).map(|number| new_job("items", &format!("a{number}"), None, "free")).collect()
}

/// A deployment that shares one application's limit.
struct Deployment {
    catalog: Catalog,
    clock: WheelClock,
    store: Store,
    queues: Rc<LocalQueues>,
    third_party: ThirdParty,
    credentials: MemoryCredentials,
}

impl Deployment {
    async fn with(specs: Vec<JobTypeSpec>, jobs: &[NewJob]) -> Self {
        let clock = WheelClock::running(START, REAL_TICK);
        let deployment = Self {
            catalog: Catalog::new(specs),
            clock,
            store: Store::in_memory().unwrap(),
            queues: Rc::new(LocalQueues::new(Rc::new(clock), 1)),
            third_party: ThirdParty::new(clock),
            credentials: MemoryCredentials::default(),
        };
        register(clock.now(), jobs, &deployment.catalog, &deployment.store).await.unwrap();
        deployment
    }

    async fn run(&self, minutes: u64, rates: Rates) -> Totals {
        let faults = Faults::new(minutes, rates);
        let store = FaultyStore { inner: &self.store, faults: &faults };
        let queues = FaultyQueues { inner: &*self.queues, faults: &faults };
        let engine = Engine {
            catalog: &self.catalog,
            ports: Ports {
                store: &store,
                queues: &queues,
                bus: &NoBus,
                poller: &self.third_party,
                credentials: &self.credentials,
            },
            trailing: Some(&self.store),
            queues: &self.queues,
            clock: &self.clock,
            surroundings: &Punctual,
            config: EngineConfig::default(),
            before_completion: &|| Ok(()),
        };
        engine.run(Ticks::Count(minutes), pending(), |_| {}).await.unwrap()
    }

    /// How often each account was served since an instant.
    fn served(&self, since: Timestamp) -> BTreeMap<String, u64> {
        let mut served = BTreeMap::new();
        for call in self.third_party.calls.borrow().iter().filter(|call| call.at >= since) {
            *served.entry(call.account.clone()).or_default() += 1;
        }
        served
    }

    fn parked(&self) -> usize {
        let rows = self.store.rows(None, 10_000).unwrap().items;
        rows.iter().filter(|row| row.parked.is_some()).count()
    }

    fn never_passed(&self) -> u64 {
        let fullest = self.third_party.fullest_window(WINDOW_SECONDS);
        assert!(fullest <= CALLS, "{fullest} calls in a window of {CALLS}");
        fullest
    }
}

/// Rates drawn from a seed: each fault from never to often, some runs with few kinds and some with all.
fn drawn(seed: u64) -> Rates {
    let draw = |number: u64, most: u32| {
        let on = below(mix(seed, number), 4) > 0;
        if on { below(mix(seed, number + 100), most + 1) } else { 0 }
    };
    Rates {
        fails: draw(1, 50),
        answer_lost: draw(2, 50),
        killed: draw(3, 20),
        entry_refused: draw(4, 100),
        entry_missing: draw(5, 50),
        doubled: draw(6, 300),
        late: draw(7, 200),
        ..Rates::default()
    }
}

fn hours(number: u64) -> std::time::Duration {
    std::time::Duration::from_secs(number * 3600)
}

#[test]
fn r17_an_application_limit_is_never_passed_and_serves_all_accounts_evenly() {
    for (jobs, most_ratio) in [(200, 1.1), (500, 1.6), (2000, 2.0)] {
        under_virtual_time(async {
            let deployment = Deployment::with(vec![spec("items", 15)], &accounts(jobs)).await;
            let minutes = if jobs == 2000 { 40 * 60 } else { 12 * 60 };
            let totals = deployment.run(minutes, Rates::default()).await;
            let fullest = deployment.never_passed();
            // The first hour finds out how many they are.
            let served = deployment.served(START.plus(hours(1)));
            assert_eq!(served.len(), jobs as usize, "every account is served");
            let (least, most) = (served.values().min().unwrap(), served.values().max().unwrap());
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let ratio = *most as f64 / *least as f64;
            let calls: u64 = served.values().sum();
            eprintln!(
                "{jobs} jobs: fullest window {fullest} of {CALLS}, {calls} calls, each account {least} to {most} (ratio {ratio:.2}), \
                 over budget {}, stretched {}, deferred {}",
                totals.over_budget, totals.stretched, totals.deferred
            );
            assert!(ratio <= most_ratio, "{jobs} jobs: {least} to {most}");
            let possible = (minutes - 60) / 15 * CALLS;
            let wanted = u64::from(jobs) * (minutes - 60) / 15;
            assert!(
                calls * 100 >= possible.min(wanted) * 65,
                "{jobs} jobs: {calls} of {possible} or {wanted} calls"
            );
            if jobs == 200 {
                assert!(calls * 100 >= wanted * 99, "what fits is served in full: {calls} of {wanted}");
            }
        });
    }
}

/// 600 jobs of each of two job types, of which 17 a minute fit; then one of the two is paused.
#[test]
fn a_paused_job_type_does_not_keep_the_others_from_their_turns() {
    under_virtual_time(async {
        let jobs: Vec<NewJob> = ["items", "posts"]
            .into_iter()
            .flat_map(|name| {
                (0..600).map(move |number| new_job(name, &format!("{name}{number}"), None, "free"))
            })
            .collect();
        let deployment = Deployment::with(vec![spec("items", 15), spec("posts", 15)], &jobs).await;
        deployment.run(4 * 60, Rates::default()).await;
        deployment.store.pause(&PauseScope::JobType(job_type("posts"))).unwrap();
        let paused_at = deployment.clock.now();
        deployment.run(6 * 60, Rates::default()).await;
        deployment.never_passed();
        let served = deployment.served(paused_at.plus(hours(1)));
        let of = |name: &str| -> Vec<u64> {
            served.iter().filter(|(account, _)| account.starts_with(name)).map(|(_, calls)| *calls).collect()
        };
        let items = of("items");
        let (least, most) = (items.iter().min().unwrap(), items.iter().max().unwrap());
        eprintln!("{} accounts, {least} to {most} calls each in 5 hours", items.len());
        assert_eq!((items.len(), of("posts").len()), (600, 0));
        assert!(least * 2 >= *most, "{least} to {most}");
    });
}

#[test]
fn an_account_with_a_hundred_times_the_jobs_does_not_take_the_others_turns() {
    under_virtual_time(async {
        let mut jobs: Vec<NewJob> =
            (0..10_000).map(|number| new_job("items", "heavy", Some(number), "free")).collect();
        jobs.extend(accounts(100));
        let deployment = Deployment::with(vec![spec("items", 15)], &jobs).await;
        deployment.run(6 * 60, Rates::default()).await;
        let fullest = deployment.never_passed();
        let mut served = deployment.served(START.plus(hours(1)));
        let heavy = served.remove("heavy").unwrap();
        let least = served.values().min().unwrap();
        eprintln!(
            "fullest window {fullest}, heavy account {heavy} calls, each of 100 others at least {least} of 20 turns"
        );
        assert_eq!(served.len(), 100);
        assert!(*least >= 18, "light accounts keep their cadence: {served:?}");
        assert!(heavy > 500, "what they leave is the heavy one's: {heavy}");
    });
}

/// The scheduler knows nothing of a token's limit: the workers put jobs off one by one, and which leaves first in a minute is
/// by a hash that is always the same.
#[test]
fn a_limit_that_the_workers_alone_keep_leaves_no_account_behind() {
    for jobs in [25, 100] {
        under_virtual_time(async {
            let mut by_token = spec("items", 1);
            by_token.budgets = vec![Budget::new(BudgetScope::Token, CALLS, WINDOW_SECONDS)];
            let deployment = Deployment::with(vec![by_token], &accounts(jobs)).await;
            deployment.run(12 * 60, Rates::default()).await;
            let fullest = deployment.never_passed();
            let served = deployment.served(START.plus(hours(1)));
            let (least, most) = (served.values().min().unwrap(), served.values().max().unwrap());
            let mean = served.values().sum::<u64>() / u64::from(jobs);
            eprintln!(
                "{jobs} jobs: fullest window {fullest} of {CALLS}, each {least} to {most}, {mean} in the mean"
            );
            assert_eq!(served.len(), jobs as usize, "every account is served");
            assert!(least * 100 >= mean * 45, "{jobs} jobs: {least} where the mean is {mean}");
        });
    }
}

#[test]
fn higher_levels_go_first_and_no_level_waits_for_ever() {
    under_virtual_time(async {
        let mut shared = spec("items", 60);
        for (level, cadence) in [("enterprise", 5), ("free", 60)] {
            shared.levels.insert(ServiceLevel::new(level).unwrap(), Policy::new(range(cadence, cadence)));
        }
        let mut jobs: Vec<NewJob> =
            (0..60).map(|number| new_job("items", &format!("e{number}"), None, "enterprise")).collect();
        // 12 and 4 a minute: what is over is little, so that the order alone decides.
        jobs.extend((0..240).map(|number| new_job("items", &format!("f{number}"), None, "free")));
        let deployment = Deployment::with(vec![shared], &jobs).await;
        deployment.run(6 * 60, Rates::default()).await;
        deployment.never_passed();
        let served = deployment.served(START.plus(hours(1)));
        let least = |prefix| {
            served.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, calls)| *calls).min()
        };
        eprintln!("least served: enterprise {:?} of 60, free {:?} of 5", least('e'), least('f'));
        assert!(least('e') >= Some(48) && least('f') >= Some(3), "{served:?}");
        assert_eq!(served.len(), 300);
    });
}

#[test]
fn r17_pages_and_job_types_of_a_channel_take_from_one_limit() {
    under_virtual_time(async {
        let mut dear = spec("searches", 15);
        dear.budgets[0].cost = 3;
        let mut cheap = spec("items", 15);
        for budget in dear.budgets.iter_mut().chain(&mut cheap.budgets) {
            budget.dearest = 3;
        }
        let mut jobs = accounts(150);
        jobs.extend((0..60).map(|number| new_job("searches", &format!("s{number}"), None, "free")));
        let deployment = Deployment::with(vec![cheap, dear], &jobs).await;
        deployment.third_party.pages.set(4);
        deployment.third_party.dear.set(3);
        deployment.run(6 * 60, Rates::default()).await;
        let fullest = deployment.never_passed();
        let served = deployment.served(START.plus(hours(1)));
        eprintln!("fullest window {fullest} of {CALLS}, {} accounts served", served.len());
        assert_eq!(served.len(), 210);
    });
}

#[test]
fn r17_faults_lose_units_and_never_double_them() {
    for seed in 1..=6 {
        under_virtual_time(async {
            let deployment = Deployment::with(vec![spec("items", 15)], &accounts(500)).await;
            deployment.third_party.pages.set(2);
            deployment.run(180, drawn(seed)).await;
            let fullest = deployment.never_passed();
            // A job that ended its workers backs off for up to four hours, and one that did five times is parked.
            deployment.run(8 * 60, Rates::default()).await;
            deployment.never_passed();
            let calm = Timestamp::from_millis(deployment.clock.now().millis() - 4 * 3_600_000);
            let served = deployment.served(calm).len();
            let parked = deployment.parked();
            eprintln!(
                "seed {seed}: fullest window {fullest}, {served} of 500 served after the faults, {parked} parked"
            );
            assert_eq!(served + parked, 500, "nobody is forgotten");
        });
    }
}
