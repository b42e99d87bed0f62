//! The month's arithmetic against what `pollwheel simulate` says that its runs would have cost.

use std::num::NonZeroU32;

use pollwheel_core::cadence::Cadence;
use pollwheel_core::meter::Usage;
use pollwheel_local::sim::{FaultSet, Report, Scenario, Seeds, Setup, run_seeds};

use super::*;
use crate::cost::Billed;
use crate::cost::workload::float;

/// The report of a quiet fleet in which so many jobs are polled in every one of a few minutes, and its bill.
fn simulated(jobs_a_minute: u32, minutes: u32) -> (Report, Billed) {
    let every_minute = Cadence::new(1).unwrap();
    let setup = Setup {
        accounts: NonZeroU32::new(jobs_a_minute).unwrap(),
        minutes: NonZeroU32::new(minutes).unwrap(),
        faults: FaultSet::none(),
        scenario: Scenario { fastest: every_minute, slowest: every_minute, ..Scenario::quiet() },
        planted: None,
    };
    let verdicts = run_seeds(&setup, Seeds { first: 1, count: NonZeroU32::MIN }).unwrap();
    let report = Report::of(&verdicts, minutes);
    assert!(
        report.failing_seeds.is_empty() && report.polls == u64::from(jobs_a_minute * minutes),
        "{report:?}"
    );
    let table = PriceTable::built_in().unwrap();
    let billed = Billed::of(&report.usage, report.polls, table.region(USUAL_REGION).unwrap());
    (report, billed)
}

/// Dollars that a million polls of a quiet fleet cost, whatever stands besides left out: simulated, and by the closed form.
fn a_million_polls(jobs_a_minute: u32, minutes: u32) -> (f64, f64) {
    let (report, billed) = simulated(jobs_a_minute, minutes);
    let by_simulation = (billed.usd.total - billed.usd.standing) / float(report.polls) * 1e6;
    let workload = workload(u64::from(jobs_a_minute), 1, 0.0, 1);
    let usage = month::usage(&workload).into_iter().fold(Usage::default(), |sum, (_, usage, _)| sum + usage);
    let table = PriceTable::built_in().unwrap();
    let by_month = table.region(USUAL_REGION).unwrap().bill(&usage).total();
    let polls = float(u64::from(jobs_a_minute) * crate::cost::workload::MONTH_MINUTES);
    (by_simulation, by_month / polls * 1e6)
}

#[test]
fn a_simulated_quiet_fleet_costs_what_the_arithmetic_says() {
    // A million accounts at cadence 15.
    let (simulated, arithmetic) = a_million_polls(1_000_000 / 15, 3);
    assert!((simulated - arithmetic).abs() <= 0.05 * arithmetic, "{simulated} and {arithmetic} dollars");
    assert!(simulated <= 0.25, "{simulated} dollars a million polls");
}
