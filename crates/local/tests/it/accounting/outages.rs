//! Wake-ups that no tick read for hours.

use std::time::Duration;

use pollwheel_core::ports::{Change, JobStore};
use pollwheel_core::row::WakeUp;

use super::wheel::{NAMES, START, Wheel, id, now};

/// Minutes before the outage.
const BEFORE: u32 = 30;

/// Ticks as they should be, then none for some hours, and then again for as long and an hour more. Every job of the slowest
/// cadence has a wake-up somewhere in the outage.
fn wakes_of_an_outage(hours: u32, fan_out_above: usize) {
    let outage = hours * 60;
    let mut wheel = Wheel::new(120, &[], 100_000, fan_out_above);
    let slow: Vec<_> =
        wheel.rows.iter().filter(|row| row.place.cohort().unwrap().cadence.minutes() == 1440).collect();
    let wakes = (0_u32..).zip(&slow).map(|(number, row)| {
        let minute = START.plus(BEFORE + number * 37 % outage);
        Change::Wake(WakeUp { minute, job: row.job.clone(), place: row.place })
    });
    now(wheel.store.apply(wakes.collect()));
    let comes = |from: u32, to: u32| {
        let due =
            |minute| slow.iter().filter(move |row| row.place.cohort().unwrap().is_due(START.plus(minute)));
        (from..to).map(|minute| due(minute).count()).sum::<usize>()
    };
    let (first, last) = (BEFORE + outage, BEFORE + 2 * outage + 60);
    let (jobs, covered) = (slow.len() as u64, comes(BEFORE, last) as u64);
    for offset in (0..BEFORE).chain(first..last) {
        wheel.world.now.set(START.plus(offset).start().plus(Duration::from_secs(2)));
        wheel.drain();
        wheel.tick(START.plus(offset));
        wheel.check(START.plus(offset));
    }
    let reports = NAMES.map(|name| wheel.accounts[&id(name)]);
    let sum = |of: fn(&pollwheel_core::tick::DrainReport) -> u64| reports.iter().map(of).sum::<u64>();
    let counted = sum(|report| report.woken) + sum(|report| report.covered_wakes);
    assert!(counted >= jobs, "{counted} of {jobs} wake-ups were counted");
    let woken = sum(|report| report.woken);
    assert!(
        woken + covered >= jobs,
        "{woken} wake-ups were dispatched of {jobs}, of which {covered} come round anyway"
    );
}

#[test]
fn r02_wake_ups_of_an_outage_of_hours_are_dispatched_or_left_to_the_jobs_own_turn_and_counted() {
    for (hours, fan_out_above) in [(2, usize::MAX), (5, 0), (12, 256)] {
        wakes_of_an_outage(hours, fan_out_above);
    }
}
