//! How much fresher items are when calls go where the items come from: 1,000 accounts of heavy-tailed activity, a limit of 1,000
//! calls in a quarter of an hour, a week.
//!
//!     cargo run --release -p pollwheel-core --example freshness [SEED]
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod model;

use model::{Report, Setup, run};

fn main() {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("seed {seed}: 1,000 accounts, a limit of 1,000 calls in 15 minutes, a week; times in minutes");
    println!(
        "{:>5} {:>7} {:>7} {:>6} {:>6} {:>6} | {:>6} {:>5} {:>5} | {:>5} {:>5} | {:>6}",
        "tail", "items", "polls", "moves", "most", "price", "fixed", "p50", "p90", "p50", "p90", "gain"
    );
    for alpha in [1.0, 1.16, 1.5, 2.0, 3.0] {
        let setup = Setup { accounts: 1000, minutes: 7 * 1440, calls: 1000, alpha, least_a_day: 1.0, seed };
        let Some(report) = run(&setup) else { continue };
        let of = Report::quantile;
        println!(
            "{alpha:>5} {:>7} {:>7} {:>6} {:>6} {:>6} | {:>6.1} {:>5.1} {:>5.1} | {:>5.1} {:>5.1} | {:>6.2}",
            report.items,
            report.polls,
            report.moves,
            report.fullest_window,
            f64::from(report.price) / 1000.0,
            report.fixed_cadence,
            of(&report.fixed, 0.5),
            of(&report.fixed, 0.9),
            of(&report.adaptive, 0.5),
            of(&report.adaptive, 0.9),
            report.gain(),
        );
    }
    println!(
        "most: the most calls in any 15 minutes. fixed: the cadence that makes as many calls. p50, p90: from creation to"
    );
    println!(
        "publication, at the fixed cadence and then at those that follow activity. gain: how many times fresher the middle is."
    );
}
