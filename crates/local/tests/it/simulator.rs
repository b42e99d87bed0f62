//! Whole runs of the simulator: that nothing is lost whatever goes wrong, that a seed is a run, and that the checker finds
//! what it is there to find.

use std::num::NonZeroU32;

use pollwheel_local::sim::{
    FaultKind, FaultSet, Planted, Report, Scenario, Seeds, Setup, Verdict, run_once, run_seeds,
    under_virtual_time,
};

/// Seeds within which every planted bug is caught.
const CAUGHT_WITHIN: u64 = 5;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn setup(accounts: u32, minutes: u32, faults: FaultSet) -> Setup {
    Setup {
        accounts: number(accounts),
        minutes: number(minutes),
        faults,
        scenario: Scenario::news(),
        planted: None,
    }
}

fn run(setup: &Setup, seed: u64) -> Verdict {
    under_virtual_time(run_once(setup, seed)).unwrap().unwrap()
}

#[track_caller]
fn assert_clean(verdict: &Verdict, setup: &Setup) {
    let (seed, faults) = (verdict.seed, &setup.faults);
    assert!(
        verdict.is_clean(),
        "seed {seed} with {faults}: lost {:?}, {} unexpected, {:?}, {} hops, {:#?}",
        verdict.lost,
        verdict.unexpected,
        verdict.violations,
        verdict.max_hops,
        verdict.broken
    );
}

#[test]
fn r01_to_r30_with_every_fault_at_once_nothing_is_lost() {
    let seeds = std::env::var("POLLWHEEL_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let first = std::env::var("POLLWHEEL_SIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let setup = setup(60, 720, FaultSet::all());
    let verdicts = run_seeds(&setup, Seeds { first, count: number(seeds) }).unwrap();
    for verdict in &verdicts {
        assert_clean(verdict, &setup);
    }
    let report = Report::of(&verdicts, 720);
    // A suite in which nothing ever goes wrong would prove nothing.
    assert!(report.duplicated > 0 && report.recovered > 0 && report.events > 0, "{report:?}");
}

#[test]
fn each_kind_of_fault_happens_and_does_no_harm_alone() {
    for kind in FaultKind::ALL {
        let setup = setup(60, 360, FaultSet::of(&[kind]));
        let verdict = run(&setup, 3);
        assert_clean(&verdict, &setup);
        assert!(verdict.polls > 500, "{kind:?}: {verdict:?}");
    }
}

#[test]
fn without_faults_every_due_minute_is_polled_once() {
    let setup = setup(100, 300, FaultSet::none());
    let verdict = run(&setup, 1);
    assert_clean(&verdict, &setup);
    assert_eq!((verdict.polls, verdict.duplicated), (100 * 300 / 15, 0));
    assert!(verdict.writes < verdict.polls / 2, "a quiet poll costs no write: {} writes", verdict.writes);
}

#[test]
fn planted_bugs_are_each_caught_within_five_seeds() {
    for bug in Planted::ALL {
        let base = setup(60, 360, bug.shows_under());
        let scenario = Scenario::torrent();
        let planted = Setup { planted: Some(bug), scenario: scenario.clone(), ..base.clone() };
        let caught = (1..=CAUGHT_WITHIN).find(|&seed| !run(&planted, seed).is_clean());
        let seed = caught.unwrap_or_else(|| panic!("{bug:?} was not caught within {CAUGHT_WITHIN} seeds"));
        // It is the bug that is caught, and not the faults.
        let honest = Setup { scenario, ..base };
        assert_clean(&run(&honest, seed), &honest);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let setup = setup(40, 240, FaultSet::all());
    let hashes = [3, 3, 4].map(|seed| run(&setup, seed).log_hash);
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

#[test]
fn r02_an_outage_of_an_hour_is_made_up() {
    let setup = Setup { scenario: Scenario::outage(), ..setup(60, 480, FaultSet::none()) };
    let verdict = run(&setup, 1);
    assert_clean(&verdict, &setup);
    assert_eq!(verdict.faults.get("ticks_missing"), Some(&60));
}
