//! The simulator, in CPU time of the process: `cargo bench -p pollwheel-local --bench simulate -- ACCOUNTS MINUTES SEEDS
//! FAULTS SCENARIO FIRST`. It measures, and fails when a seed does: `just seeds` and CI run hundreds of them here, because this is
//! built in a fraction of the time of the command, whose `pollwheel simulate` runs the same.

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
    let seeds = Seeds { first: number(5, "1").get().into(), count: number(2, "4") };
    println!("seeds {} to {}", seeds.first, seeds.first + u64::from(seeds.count.get()) - 1);
    let started = Instant::now();
    let verdicts = run_seeds(&setup, seeds).unwrap();
    let wall = started.elapsed().as_secs_f64();
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_clean()) {
        eprintln!(
            "{}repeat it with: pollwheel simulate --seed {} --seeds 1 --accounts {} --minutes {} --faults {} --scenario {}",
            verdict.findings(),
            verdict.seed,
            setup.accounts,
            setup.minutes,
            setup.faults,
            word(4, "news"),
        );
    }
    let report = Report::of(&verdicts, setup.minutes.get());
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    let polls = u32::try_from(report.polls).unwrap_or(u32::MAX);
    println!(
        "{wall:.1} s, {:.1} s of all threads, {:.2} microseconds of all threads a poll",
        cpu_seconds(),
        cpu_seconds() * 1e6 / f64::from(polls)
    );
    if !report.failing_seeds.is_empty() {
        std::process::exit(1);
    }
}

/// CPU time of the process. Linux only, as the figure is.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
