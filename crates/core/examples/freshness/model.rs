//! A week of accounts that share a limit, over the pure rules: `decide`, cohorts, wake-ups and the price of a poll. No engine, no
//! store, no queue: a poll takes no time and never fails.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::time::Duration;

use pollwheel_core::budget::{Budget, BudgetScope, Cheapest, Demand, Pace};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::decide::{Finished, Step, decide};
use pollwheel_core::hash::mix;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::tick::PLANNED_PERCENT;
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

/// What is modelled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) accounts: u32,
    pub(crate) minutes: u32,
    /// Calls in a quarter of an hour that the third party allows.
    pub(crate) calls: u64,
    /// How heavy the tail of the accounts' rates is: one account in `x^alpha` has more than `x` times the least.
    pub(crate) alpha: f64,
    /// Items a day of the least active account.
    pub(crate) least_a_day: f64,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) items: usize,
    pub(crate) polls: u64,
    /// Rows moved to another cadence.
    pub(crate) moves: u64,
    /// Most polls in any quarter of an hour.
    pub(crate) fullest_window: u64,
    /// Minutes from creation to publication, in order.
    pub(crate) adaptive: Vec<f64>,
    /// The same, where every account is polled at one cadence that makes as many calls.
    pub(crate) fixed: Vec<f64>,
    pub(crate) fixed_cadence: f64,
    /// The price at the end, in thousandths.
    pub(crate) price: u32,
}

impl Report {
    /// The quantile of sorted delays, in minutes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    pub(crate) fn quantile(delays: &[f64], share: f64) -> f64 {
        let index = (delays.len() as f64 * share) as usize;
        delays.get(index.min(delays.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// How many times fresher the middle item is than at the fixed cadence.
    pub(crate) fn gain(&self) -> f64 {
        Self::quantile(&self.fixed, 0.5) / Self::quantile(&self.adaptive, 0.5)
    }
}

const START: EpochMinute = EpochMinute::new(29_000_880);
const DAY: f64 = 1440.0;
const WINDOW_SECONDS: u64 = 900;

/// A number from 0 (exclusive) to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are enough")]
fn uniform(seed: u64, number: u64) -> f64 {
    ((mix(seed, number) >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// The minutes in which an account's items come: a Poisson process at a rate with a Pareto distribution.
fn timeline(setup: &Setup, account: u32) -> Vec<f64> {
    let seed = mix(setup.seed, u64::from(account));
    let a_minute = setup.least_a_day * uniform(seed, 0).powf(-1.0 / setup.alpha) / DAY;
    let (mut at, mut times) = (0.0, Vec::new());
    for number in 1.. {
        at -= uniform(seed, number).ln() / a_minute;
        if at >= f64::from(setup.minutes) {
            break;
        }
        times.push(at);
    }
    times
}

struct Account {
    row: JobRow,
    items: Vec<f64>,
    /// Items that were published.
    seen: usize,
    spread_seconds: u16,
}

fn account(setup: &Setup, number: u32, spec: &JobTypeSpec) -> Option<Account> {
    let level = ServiceLevel::new("any").ok()?;
    let account = AccountId::new(format!("a{number}")).ok()?;
    let job = JobId { job_type: spec.id.clone(), account, target: None };
    let place = Place::Cohort(Cohort::of(&job, spec.first_cadence(&level), NonZeroU16::MIN));
    let subject = Subject { external_id: number.to_string(), base_url: None };
    let spread_seconds = spec.usual_seconds(&job);
    let row = JobRow::new(job, place, subject, level, Revision(1), START);
    Some(Account { row, items: timeline(setup, number), seen: 0, spread_seconds })
}

/// Runs the model. None only if the names in it were no names.
pub(crate) fn run(setup: &Setup) -> Option<Report> {
    let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).ok()?;
    let mut spec = JobTypeSpec::new(JobTypeId::new("pool/items").ok()?, range);
    spec.budgets = vec![Budget::new(BudgetScope::Application, setup.calls, WINDOW_SECONDS)];
    let slots = spec.budgets.first()?.slots()?;
    let mut accounts: Vec<Account> =
        (0..setup.accounts).filter_map(|number| account(setup, number, &spec)).collect();
    let mut wheel = Wheel { wakes: BTreeMap::new(), pace: Pace::default(), moves: 0, delays: Vec::new() };
    let mut by_minute = Vec::new();
    for number in 0..setup.minutes {
        let minute = START.plus(number);
        let woken = wheel.wakes.remove(&minute).unwrap_or_default();
        let due: Vec<usize> = (0..accounts.len())
            .filter(|index| !woken.contains(index) && is_due(&accounts[*index].row, minute))
            .collect();
        let planned = slots.units_in(60_000) * PLANNED_PERCENT / 100;
        let demand = Demand { due: due.len() as u64 * 1000, planned, cheapest: Cheapest::Used };
        wheel.pace.price_millionths = wheel.pace.price_after(1, demand);
        let order = in_order(woken, due, minute);
        let allowance = usize::try_from(slots.allowance(minute)).unwrap_or(usize::MAX).min(order.len());
        let (go, wait) = order.split_at(allowance);
        for index in go {
            wheel.poll(*index, &mut accounts[*index], minute, &spec);
        }
        wheel.wakes.entry(minute.plus(1)).or_default().extend(wait);
        by_minute.push(go.len() as u64);
    }
    Some(report(setup, &accounts, wheel, &by_minute))
}

fn is_due(row: &JobRow, minute: EpochMinute) -> bool {
    !row.is_held(minute) && row.place.cohort().is_some_and(|cohort| cohort.is_due(minute))
}

/// What was put off first, then by a hash that differs from minute to minute.
fn in_order(woken: BTreeSet<usize>, mut due: Vec<usize>, minute: EpochMinute) -> Vec<usize> {
    due.sort_by_key(|index| mix(u64::from(minute.get()), *index as u64));
    woken.into_iter().chain(due).collect()
}

struct Wheel {
    wakes: BTreeMap<EpochMinute, BTreeSet<usize>>,
    pace: Pace,
    moves: u64,
    delays: Vec<f64>,
}

impl Wheel {
    fn poll(&mut self, index: usize, account: &mut Account, minute: EpochMinute, spec: &JobTypeSpec) {
        let at = f64::from(minute.since(START)) + f64::from(account.spread_seconds) / 60.0;
        let fresh: Vec<f64> =
            account.items.iter().skip(account.seen).take_while(|item| **item <= at).copied().collect();
        account.seen += fresh.len();
        self.delays.extend(fresh.iter().map(|item| at - item));
        let context = Context::empty();
        let items = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        let outcome = match items {
            0 => Outcome::Unchanged { context: None },
            _ => Outcome::New { items, more: false, context },
        };
        let hints = Hints::default();
        let polled_at = minute.start().plus(Duration::from_secs(u64::from(account.spread_seconds)));
        let finished =
            Finished { due: minute, polled_at, outcome: &outcome, hints: &hints, price: self.pace.price() };
        let decision = decide(polled_at, &account.row, &finished, spec, 1);
        if let Some(wake) = decision.wake {
            self.wakes.entry(wake).or_default().insert(index);
        }
        match decision.step {
            Step::Stay => {}
            Step::Update(row) | Step::Park(row) => account.row = *row,
            Step::Move(row) => {
                self.moves += 1;
                account.row = *row;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few million polls")]
fn report(setup: &Setup, accounts: &[Account], wheel: Wheel, by_minute: &[u64]) -> Report {
    let polls: u64 = by_minute.iter().sum();
    let cadence = f64::from(setup.accounts) * f64::from(setup.minutes) / polls as f64;
    let mut fixed = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        let phase = uniform(mix(setup.seed, 0xF1CED), number as u64) * cadence;
        for item in account.items.iter().take(account.seen) {
            let turns = ((item - phase) / cadence).ceil();
            fixed.push(phase + turns * cadence - item);
        }
    }
    let mut adaptive = wheel.delays;
    adaptive.sort_by(f64::total_cmp);
    fixed.sort_by(f64::total_cmp);
    Report {
        items: adaptive.len(),
        polls,
        moves: wheel.moves,
        fullest_window: by_minute.windows(15).map(|window| window.iter().sum()).max().unwrap_or_default(),
        adaptive,
        fixed,
        fixed_cadence: cadence,
        price: wheel.pace.price().thousandths(),
    }
}
