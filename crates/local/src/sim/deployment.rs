//! The deployment of a run: its job types, its accounts, and what they post.

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::hash::{below, mix};
use pollwheel_core::id::{AccountId, IdError, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::register::NewJob;
use pollwheel_core::row::Subject;

use super::kind::FaultKind;
use super::pool::{POOL, Pool};
use super::run::{HOLD_CAP_MINUTES, JOB_TYPE, START, Setup};
use super::scenario::Scenario;
use super::timeline::Timeline;

/// The channel that is crowded.
const CROWD: &str = "crowd/items";
/// Jobs of the crowd for each account, where there is one.
const CROWD_FACTOR: u32 = 5;
/// Most jobs of a crowd.
const MAX_CROWD: u32 = 100_000;
/// One account in so many has a timeline of torrents, where chains are long.
const KEEN_EVERY: u32 = 10;
/// One account in so many shares the application's limit, where there is one.
const POOL_EVERY: u32 = 4;
/// Which of them.
const POOL_PLACE: u32 = 3;

/// Accounts up to which a minute's jobs leave within a time that the seed draws: a few jobs over most of a minute would
/// hardly ever share a batch, and a batch is where one job's trouble could become another's.
const FEW_ACCOUNTS: u32 = 20_000;
/// What it draws from, in seconds.
const SPREADS: [u16; 4] = [0, 3, 10, 50];

/// The deployment of a run.
#[derive(Debug, Default)]
pub(super) struct Deployment {
    pub(super) catalog: Catalog,
    pub(super) jobs: Vec<NewJob>,
    /// Those of the jobs that are woken all at once.
    pub(super) crowd: Vec<JobId>,
    /// What each account posts, by its number.
    pub(super) timelines: Vec<Timeline>,
    /// The limit that some of them share; none where that fault is not.
    pub(super) pool: Option<Pool>,
}

/// The names of a deployment.
struct Names {
    items: JobTypeId,
    pool: Option<JobTypeId>,
    crowd: Option<JobTypeId>,
    standard: ServiceLevel,
    keen: ServiceLevel,
}

/// The fastest cadence of keen accounts, and their slowest.
const KEEN_MINUTES: [u32; 2] = [5, 60];

fn is_keen(setup: &Setup, number: u32) -> bool {
    setup.faults.has(FaultKind::LongChains) && number % KEEN_EVERY == 1 && number < setup.accounts.get()
}

/// The limit of the accounts that share one.
fn pool(setup: &Setup, seed: u64) -> Option<Pool> {
    let accounts = setup.accounts.get();
    let of = |keen: bool| {
        let is_one = |&number: &u32| number % POOL_EVERY == POOL_PLACE && is_keen(setup, number) == keen;
        u32::try_from((0..accounts).filter(is_one).count()).unwrap_or(u32::MAX)
    };
    let jobs = [(of(false), setup.scenario.fastest), (of(true), Cadence::at_least(KEEN_MINUTES[0]))];
    setup.faults.has(FaultKind::ApplicationLimit).then(|| Pool::of(&jobs, seed))
}

impl Names {
    fn of(setup: &Setup) -> Result<Self, IdError> {
        let named = |kind: FaultKind, id: &str| -> Result<Option<JobTypeId>, IdError> {
            if setup.faults.has(kind) { JobTypeId::new(id).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            items: JobTypeId::new(JOB_TYPE)?,
            pool: named(FaultKind::ApplicationLimit, POOL)?,
            crowd: named(FaultKind::Crowding, CROWD)?,
            standard: ServiceLevel::new("standard")?,
            keen: ServiceLevel::new("keen")?,
        })
    }

    fn catalog(&self, setup: &Setup, seed: u64, pool: Option<Pool>) -> Catalog {
        let quarter = Cadence::at_least(15);
        let range = setup.scenario.range().or_else(|| CadenceRange::new(quarter, quarter).ok());
        let daily = CadenceRange::new(Cadence::SLOWEST, Cadence::SLOWEST).ok();
        let ranges = [(Some(&self.items), range), (self.pool.as_ref(), range), (self.crowd.as_ref(), daily)];
        let mut specs = Vec::new();
        for (id, range) in ranges {
            if let (Some(id), Some(range)) = (id, range) {
                let mut spec = self.spec(id, range, setup, seed);
                if Some(id) == self.pool.as_ref() {
                    spec.budgets.extend(pool.map(Pool::budget));
                }
                specs.push(spec);
            }
        }
        Catalog::new(specs)
    }

    fn spec(&self, id: &JobTypeId, range: CadenceRange, setup: &Setup, seed: u64) -> JobTypeSpec {
        let mut spec = JobTypeSpec::new(id.clone(), range);
        let capped = |range| Policy {
            hold_cap_minutes: HOLD_CAP_MINUTES,
            max_staleness_minutes: HOLD_CAP_MINUTES,
            backoff_cap_minutes: HOLD_CAP_MINUTES / 2,
            ..Policy::new(range)
        };
        spec.default_policy = capped(range);
        let [fastest, slowest] = KEEN_MINUTES.map(Cadence::at_least);
        let keen = CadenceRange::new(fastest, slowest).unwrap_or(range);
        spec.levels.insert(self.keen.clone(), capped(keen));
        spec.backlog_limit = u64::from(setup.accounts.get().max(100)) * 3;
        if setup.accounts.get() <= FEW_ACCOUNTS {
            let drawn = below(mix(seed, 0x5BEAD), 4) as usize;
            spec.spread_seconds = SPREADS.get(drawn).copied().unwrap_or(spec.spread_seconds);
        }
        spec
    }
}

impl Deployment {
    /// The deployment of a setup. Nothing in it depends on anything but the setup and the seed.
    ///
    /// # Errors
    /// When a name of the simulation's own is none.
    pub(super) fn of(setup: &Setup, seed: u64) -> Result<Self, IdError> {
        let names = Names::of(setup)?;
        let accounts = setup.accounts.get();
        let crowded =
            names.crowd.as_ref().map_or(0, |_| accounts.saturating_mul(CROWD_FACTOR).min(MAX_CROWD));
        let (torrent, quiet) = (Scenario::torrent(), Scenario::quiet());
        let pool = pool(setup, seed);
        let mut made = Self { catalog: names.catalog(setup, seed, pool), pool, ..Self::default() };
        let since = ContextMap::from_iter([("since".to_owned(), 0.into())]);
        let context = Context::new(&since).unwrap_or_default();
        for number in 0..accounts + crowded {
            let is_crowd = number >= accounts;
            let is_keen = is_keen(setup, number);
            let job_type = match (&names.crowd, &names.pool) {
                (Some(crowd), _) if is_crowd => crowd,
                (_, Some(pool)) if number % POOL_EVERY == POOL_PLACE => pool,
                _ => &names.items,
            };
            let scenario = match (is_crowd, is_keen) {
                (true, _) => &quiet,
                (false, true) => &torrent,
                (false, false) => &setup.scenario,
            };
            let account = AccountId::new(format!("a{number}"))?;
            let job = JobId { job_type: job_type.clone(), account, target: None };
            if is_crowd {
                made.crowd.push(job.clone());
            }
            made.timelines.push(Timeline::new(seed, number, scenario, START));
            made.jobs.push(NewJob {
                job,
                subject: Subject { external_id: number.to_string(), base_url: None },
                level: if is_keen { names.keen.clone() } else { names.standard.clone() },
                range: None,
                context: context.clone(),
            });
        }
        Ok(made)
    }
}
