//! The simulator, in CPU time of the process: `cargo bench -p pollwheel-local --bench simulate -- ACCOUNTS MINUTES SEEDS
//! FAULTS SCENARIO`. Not run as a test: it measures, and says on standard error what a seed found.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench: it prints its figures, or stops")]

use std::num::NonZeroU32;
use std::time::Instant;

use pollwheel_local::sim::{Report, Scenario, Seeds, Setup, run_seeds};

/// As the command line has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let word = |index: usize, usual: &str| words.get(index).cloned().unwrap_or_else(|| usual.to_owned());
    let number = |index: usize, usual: &str| word(index, usual).parse::<NonZeroU32>().unwrap();
    let setup = Setup {
        accounts: number(0, "200"),
        minutes: number(1, "1440"),
        faults: word(3, "all").parse().unwrap(),
        scenario: Scenario::named(&word(4, "news")).unwrap(),
        planted: None,
    };
    let started = Instant::now();
    let verdicts = run_seeds(&setup, Seeds { first: 1, count: number(2, "4") }).unwrap();
    let wall = started.elapsed().as_secs_f64();
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_clean()) {
        eprintln!(
            "seed {}: {} lost {:?}, {} unexpected, {:?}, {} hops\n{:#?}",
            verdict.seed,
            verdict.lost.len(),
            verdict.lost.iter().take(5).collect::<Vec<_>>(),
            verdict.unexpected,
            verdict.violations,
            verdict.max_hops,
            verdict.broken
        );
    }
    let report = Report::of(&verdicts, setup.minutes.get());
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    let polls = u32::try_from(report.polls).unwrap_or(u32::MAX);
    println!("{wall:.1} s, {:.2} microseconds of all threads a poll", cpu_seconds() * 1e6 / f64::from(polls));
}

/// CPU time of the process. Linux only, as the figure is.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
