//! Whole runs of the simulator: that nothing is lost whatever goes wrong, that a seed is a run, and that the checker finds
//! what it is there to find.

use std::num::NonZeroU32;

use pollwheel_local::sim::{
    FaultSet, Planted, Report, Scenario, Seeds, Setup, Verdict, run_once, run_seeds, under_virtual_time,
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
fn with_every_fault_at_once_nothing_is_lost() {
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

/// The case's faults alone: they happen, and do no harm.
fn alone(faults: &str) {
    let setup = setup(60, 360, faults.parse().unwrap());
    let verdict = run(&setup, 3);
    assert_clean(&verdict, &setup);
    assert!(verdict.polls > 500, "{verdict:?}");
    let injects_at_its_ports = !matches!(faults, "r16" | "r17" | "r19" | "upstream-errors");
    assert!(!injects_at_its_ports || !verdict.faults.is_empty(), "no fault happened: {verdict:?}");
}

macro_rules! cases {
    ($(fn $name:ident: $faults:literal,)*) => {
        $(#[test]
        fn $name() {
            alone($faults);
        })*
    };
}

cases! {
    fn r01_double_ticks_do_no_harm: "r01",
    fn r02_missing_ticks_are_made_up: "r02",
    fn r03_schedulers_that_are_killed_lose_nothing: "r03",
    fn r04_batches_that_fail_in_part_lose_nothing: "r04",
    fn r05_throttled_key_ranges_drain_afterwards: "r05",
    fn r06_lost_answers_double_no_row: "r06",
    fn r07_completions_that_come_twice_change_nothing: "r07",
    fn r08_duplicates_and_late_messages_are_fenced: "r08",
    fn r09_workers_that_are_killed_lose_nothing: "r09",
    fn r10_purges_and_lost_messages_cost_no_job: "r10",
    fn r11_a_mapping_that_is_off_for_hours_is_made_up: "r11",
    fn r12_poison_fails_no_neighbour: "r12",
    fn r15_a_bus_that_fails_in_part_loses_nothing: "r15",
    fn r16_absurd_resets_hold_a_job_up_to_the_cap: "r16",
    fn r17_a_limit_that_all_workers_share_is_kept: "r17",
    fn r18_clocks_that_are_off_lose_no_minute: "r18",
    fn r19_long_chains_end_within_eight_hops: "r19",
    fn r20_credentials_that_cannot_be_read_cost_no_job: "r20",
    fn r29_a_crowded_channel_leaves_the_others_alone: "r29",
    fn r30_messages_of_a_newer_version_are_kept: "r30",
    fn errors_of_the_third_party_cost_no_item: "upstream-errors",
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
