//! The figure of freshness under a limit. `cargo run --release -p pollwheel-core --example freshness` prints more of it.

use crate::model::{Report, Setup, run};

const SEED: u64 = 1;

/// 1,000 accounts of which a fifth brings four fifths of the items, and a limit of one call in 15 minutes for each.
fn week() -> (Setup, Report) {
    let setup =
        Setup { accounts: 1000, minutes: 7 * 1440, calls: 1000, alpha: 1.16, least_a_day: 1.0, seed: SEED };
    let report = run(&setup).expect("the model's names are names");
    (setup, report)
}

#[test]
fn under_a_limit_the_middle_item_is_at_least_twice_as_fresh_as_at_a_fixed_cadence_of_as_many_calls() {
    let (setup, report) = week();
    let [fixed, adaptive] = [&report.fixed, &report.adaptive].map(|delays| Report::quantile(delays, 0.5));
    println!(
        "seed {SEED}: {} items, {} polls, {} moves, price {}; p50 {adaptive:.1} min adaptive, {fixed:.1} min at every {:.1} min",
        report.items, report.polls, report.moves, report.price, report.fixed_cadence
    );
    assert!(report.gain() >= 2.0, "{fixed} min and {adaptive} min");
    assert!(
        adaptive * 2.0 <= 15.0 / 2.0,
        "twice as fresh as at 15 minutes, too, which makes more calls: {adaptive}"
    );
    assert!(report.fullest_window <= setup.calls, "{} calls in a quarter of an hour", report.fullest_window);
    // A limit of 1,000 lets 870 through (docs/rate-limits.md), and nine tenths of those are planned with.
    let bears = 870 * u64::from(setup.minutes) / 15;
    assert!(report.polls * 100 >= bears * 85, "{} calls of {bears} are used", report.polls);
    assert!(report.moves <= 15 * 1000, "{} moves of 1,000 jobs in a week", report.moves);
}
