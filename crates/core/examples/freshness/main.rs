//! How much fresher items are when calls go where the items come from: 1,000 accounts of heavy-tailed activity, a limit of 1,000
//! calls in a quarter of an hour, a week.
//!
//!     cargo run --release -p pollwheel-core --example freshness [SEED]

mod model;

use model::{Report, Setup, run};

fn main() {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    println!(
        "seed {seed}: 1,000 accounts, 1,000 calls in 15 minutes, 7 days; minutes from creation to publication"
    );
    println!(
        "tail   items  polls    moves  price   fixed: every   p50    p90   adaptive: p50    p90   p50 better by"
    );
    for alpha in [1.0, 1.16, 1.5, 2.0, 3.0] {
        let setup = Setup { accounts: 1000, minutes: 7 * 1440, calls: 1000, alpha, least_a_day: 1.0, seed };
        let Some(report) = run(&setup) else { continue };
        let of = Report::quantile;
        println!(
            "{alpha:<4} {:>7} {:>6} {:>8} {:>6} {:>14.1} {:>5.1} {:>6.1} {:>15.1} {:>6.1} {:>15.2}",
            report.items,
            report.polls,
            report.moves,
            report.price,
            report.fixed_cadence,
            of(&report.fixed, 0.5),
            of(&report.fixed, 0.9),
            of(&report.adaptive, 0.5),
            of(&report.adaptive, 0.9),
            report.gain(),
        );
    }
}
