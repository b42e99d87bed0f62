//! Many seeds, on all cores: each run is one thread's own, so how many cores there are changes nothing about what it does.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use pollwheel_core::hash::mix;

use super::judge::Verdict;
use super::planted::Planted;
use super::run::{Setup, SimError, run_once, under_virtual_time};

/// Accounts above which a run is two deployments of half of them each, in two threads: always two, so that the same seed
/// is the same run on every machine.
const SPLIT_ABOVE: u32 = 100_000;

/// Which seeds to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many, one after the other.
    pub count: NonZeroU32,
}

/// One run of a seed, or of a part of its accounts.
#[derive(Debug, Clone, Copy)]
struct Unit {
    seed: u64,
    part: u32,
    parts: u32,
    /// The same again: its log must have the same hash.
    again: bool,
}

/// Runs every seed; one in a hundred twice. The verdicts are in the order of the seeds.
///
/// # Errors
/// When a run cannot be made.
pub fn run_seeds(setup: &Setup, seeds: Seeds) -> Result<Vec<Verdict>, SimError> {
    run_seeds_by(setup, seeds, |setup, seed| under_virtual_time(run_once(setup, seed))?)
}

/// The same with another way to run one, in a thread of its own.
///
/// # Errors
/// When a run cannot be made.
pub fn run_seeds_by(
    setup: &Setup,
    seeds: Seeds,
    run: impl Fn(&Setup, u64) -> Result<Verdict, SimError> + Sync,
) -> Result<Vec<Verdict>, SimError> {
    silence_injected_panics();
    let units = units(setup, seeds);
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Verdict, SimError>>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(units.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, unit)) = take(&units, &next) {
                    let verdict = run_unit(setup, unit, &run);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, verdict);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut verdicts: BTreeMap<u64, Verdict> = BTreeMap::new();
    for (index, verdict) in done {
        let (Some(unit), verdict) = (units.get(index), verdict?) else { continue };
        match verdicts.get_mut(&unit.seed) {
            Some(known) if unit.again => compare(known, &verdict),
            Some(known) => join(known, verdict),
            None => drop(verdicts.insert(unit.seed, Verdict { seed: unit.seed, ..verdict })),
        }
    }
    Ok(verdicts.into_values().collect())
}

/// Seeds within which every planted bug is caught.
pub const CAUGHT_WITHIN: u32 = 5;

/// Plants every bug, one at a time, from a seed on: with each the seed that catches it, or none of [`CAUGHT_WITHIN`].
///
/// # Errors
/// When a run cannot be made.
pub fn catch_planted_bugs(first: u64) -> Result<Vec<(Planted, Option<u64>)>, SimError> {
    silence_injected_panics();
    let mut caught = Vec::new();
    for bug in Planted::ALL {
        let setup = Setup::with_planted(bug);
        let mut by = None;
        for seed in (0..u64::from(CAUGHT_WITHIN)).map(|number| first.wrapping_add(number)) {
            if !under_virtual_time(run_once(&setup, seed))??.is_clean() {
                by = Some(seed);
                break;
            }
        }
        caught.push((bug, by));
    }
    Ok(caught)
}

fn units(setup: &Setup, seeds: Seeds) -> Vec<Unit> {
    let parts = if setup.accounts.get() > SPLIT_ABOVE { 2 } else { 1 };
    let all = (0..u64::from(seeds.count.get())).map(|number| seeds.first.wrapping_add(number));
    let mut units: Vec<Unit> = all
        .clone()
        .flat_map(|seed| (0..parts).map(move |part| Unit { seed, part, parts, again: false }))
        .collect();
    if seeds.count.get() > 1 && parts == 1 {
        units.extend(all.step_by(100).map(|seed| Unit { seed, part: 0, parts, again: true }));
    }
    units
}

fn take<'u>(units: &'u [Unit], next: &AtomicUsize) -> Option<(usize, &'u Unit)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    units.get(index).map(|unit| (index, unit))
}

fn run_unit(
    setup: &Setup,
    unit: &Unit,
    run: &impl Fn(&Setup, u64) -> Result<Verdict, SimError>,
) -> Result<Verdict, SimError> {
    let accounts =
        setup.accounts.get() / unit.parts + u32::from(unit.part < setup.accounts.get() % unit.parts);
    let setup = Setup { accounts: NonZeroU32::new(accounts).unwrap_or(NonZeroU32::MIN), ..setup.clone() };
    let seed = if unit.parts == 1 { unit.seed } else { mix(unit.seed, u64::from(unit.part)) };
    run(&setup, seed)
}

fn compare(known: &mut Verdict, again: &Verdict) {
    if known.log_hash != again.log_hash {
        known.broken.insert("the same seed gave another run: its event log has another hash".to_owned());
    }
}

/// Adds the verdict of another part of the same seed.
fn join(whole: &mut Verdict, part: Verdict) {
    let add = |sum: &mut Option<Histogram<u64>>, more: Option<Histogram<u64>>| match (sum, more) {
        // It grows as needed.
        (Some(sum), Some(more)) => drop(sum.add(more)),
        (sum @ None, more) => *sum = more,
        (Some(_), None) => {}
    };
    whole.polls += part.polls;
    whole.events += part.events;
    whole.notices += part.notices;
    whole.lost.extend(part.lost);
    whole.unexpected += part.unexpected;
    whole.duplicated += part.duplicated;
    whole.recovered += part.recovered;
    whole.violations.fixed += part.violations.fixed;
    whole.violations.sliding += part.violations.sliding;
    whole.violations.first = whole.violations.first.take().or(part.violations.first);
    whole.max_hops = whole.max_hops.max(part.max_hops);
    whole.broken.extend(part.broken);
    whole.writes += part.writes;
    whole.usage.working += part.usage.working;
    whole.usage.standing += part.usage.standing;
    for (kind, times) in part.faults {
        *whole.faults.entry(kind).or_default() += times;
    }
    for (minute, jobs) in part.dispatched_by_minute {
        *whole.dispatched_by_minute.entry(minute).or_default() += jobs;
    }
    whole.log_hash = mix(whole.log_hash, part.log_hash);
    add(&mut whole.lateness, part.lateness);
    whole.lateness_by_level += &part.lateness_by_level;
    add(&mut whole.freshness, part.freshness);
}

/// The panics that a simulation injects need not be seen.
fn silence_injected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>().copied().unwrap_or_default();
            if !text.starts_with("injected") {
                hook(info);
            }
        }));
    });
}
