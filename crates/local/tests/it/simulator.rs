//! Whole runs of the simulator: that nothing is lost whatever goes wrong, that a seed is a run, and that the checker finds
//! what it is there to find.

use std::num::NonZeroU32;

use pollwheel_core::time::EpochMinute;
use pollwheel_local::sim::{
    CAUGHT_WITHIN, FaultSet, Report, Scenario, Seeds, Setup, Verdict, catch_planted_bugs, run_once,
    run_seeds, under_virtual_time,
};

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
    for (bug, caught) in catch_planted_bugs(1).unwrap() {
        let seed = caught.unwrap_or_else(|| panic!("{bug:?} was not caught within {CAUGHT_WITHIN} seeds"));
        // It is the bug that is caught, and not the faults.
        let honest = Setup { planted: None, ..Setup::with_planted(bug) };
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
fn r02_after_two_five_and_twelve_hours_dispatch_is_at_most_twice_the_ordinary() {
    for (hours, cadence, minutes) in [(2_u32, 240, 1440), (5, 480, 1500), (12, 1440, 3000)] {
        let scenario = format!(
            r#"{{"fastest": {cadence}, "slowest": {cadence}, "items_per_day": 0,
                 "outage": {{"from_minute": 120, "minutes": {}}}}}"#,
            hours * 60
        );
        // Twenty in an ordinary minute.
        let setup = Setup {
            scenario: Scenario::read(&scenario).unwrap(),
            ..setup(20 * cadence, minutes, FaultSet::none())
        };
        let verdict = run(&setup, 1);
        assert_clean(&verdict, &setup);
        assert_eq!(verdict.faults.get("ticks_missing"), Some(&(u64::from(hours) * 60)));
        let minutes: Vec<(EpochMinute, u64)> = verdict.dispatched_by_minute.into_iter().collect();
        let gap = minutes.windows(2).position(|pair| pair[1].0.since(pair[0].0) > 30).expect("no outage");
        let after = &minutes[gap + 1..];
        // Phases come from hashes: over half an hour they are even.
        let busiest =
            after.windows(30).map(|half| half.iter().map(|&(_, jobs)| jobs).sum::<u64>()).max().unwrap();
        assert!(busiest <= 2 * 20 * 30 * 11 / 10, "{busiest} jobs in half an hour after {hours} hours");
        let caught_up: u64 = after.iter().take(hours as usize * 60).map(|&(_, jobs)| jobs).sum();
        assert!(
            caught_up > u64::from(hours) * 60 * 20 * 14 / 10,
            "{caught_up} jobs in {hours} hours: caught up"
        );
    }
}

#[test]
fn r02_after_an_hour_without_ticks_dispatch_is_at_most_twice_the_ordinary() {
    let verdict = {
        let setup = Setup { scenario: Scenario::outage(), ..setup(3000, 480, FaultSet::none()) };
        let verdict = run(&setup, 1);
        assert_clean(&verdict, &setup);
        assert_eq!(verdict.faults.get("ticks_missing"), Some(&60));
        verdict
    };
    let minutes: Vec<(EpochMinute, u64)> = verdict.dispatched_by_minute.into_iter().collect();
    let gap = minutes.windows(2).position(|pair| pair[1].0.since(pair[0].0) > 30).expect("no outage");
    let (before, after) = minutes.split_at(gap + 1);
    // The phases of jobs come from their hashes, so minutes differ: the busiest ordinary one is what is normal.
    let normal = before.iter().map(|&(_, jobs)| jobs).max().unwrap();
    let busiest = after.iter().map(|&(_, jobs)| jobs).max().unwrap();
    assert!(busiest <= 2 * normal, "{busiest} jobs in a minute, {normal} in an ordinary one");
    // And it is over soon: within a cadence every job was polled once, and none twice as often as usual.
    let round: u64 = after.iter().take(15).map(|&(_, jobs)| jobs).sum();
    assert!((3000..=3000 + 3000 * 8 / 15).contains(&round), "{round} jobs in the first cadence");
    let later = after.iter().skip(15).map(|&(_, jobs)| jobs).max().unwrap();
    assert!(later <= normal, "{later} jobs in a minute long after, {normal} in an ordinary one");
}
