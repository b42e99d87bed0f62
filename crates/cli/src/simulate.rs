//! `pollwheel simulate`: what the rules make of a day of faults, seed by seed.
//!
//! Reads arguments, runs the simulator, shows its report. What a run is, and what is checked, is `pollwheel_local::sim`'s.

mod args;
mod channels;

use std::fs;

use anyhow::Context;
use pollwheel_local::sim::{
    CAUGHT_WITHIN, Report, Scenario, Seeds, Setup, Verdict, catch_planted_bugs, run_seeds,
};
use serde::Serialize;

use args::Plant;
pub(crate) use args::SimulateArgs;

use crate::cost::{Billed, PriceTable, USUAL_REGION};
use crate::exit::Failure;
use crate::lateness::Late;
use crate::output::Output;
use crate::screen::Screen;

/// Runs the seeds. Fails when one of them does, unless a bug was planted, which must fail.
pub(crate) fn run(args: &SimulateArgs, screen: &Screen) -> Result<(), Failure> {
    let table = PriceTable::built_in()?;
    let prices = table.region(USUAL_REGION)?;
    let setup = Setup {
        accounts: args.accounts,
        minutes: args.minutes,
        faults: args.faults.clone(),
        scenario: scenario(&args.scenario)?,
        planted: match args.plant {
            Some(Plant::One(bug)) => Some(bug),
            Some(Plant::All) | None => None,
        },
    };
    let seeds = Seeds { first: args.seed, count: args.seeds };
    let verdicts = match &args.channels {
        Some(folder) => channels::run(folder, &setup, seeds)?,
        None => run_seeds(&setup, seeds).context("the simulation could not be run")?,
    };
    let mut report = Report::of(&verdicts, args.minutes.get());
    let mut missed = Vec::new();
    report.planted_bugs_caught = match args.plant {
        Some(Plant::One(_)) => Some(u64::from(!report.failing_seeds.is_empty())),
        Some(Plant::All) => {
            let caught = catch_planted_bugs(args.seed).context("the planted bugs could not be run")?;
            missed.extend(caught.iter().filter(|(_, by)| by.is_none()).map(|(bug, _)| bug.name()));
            Some((caught.len() - missed.len()) as u64)
        }
        None => None,
    };
    let billed = Billed::of(&report.usage, report.polls, prices);
    show(&Shown { report: &report, lateness: Late::all(&report.lateness_by_level), billed }, args)?;
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_clean()) {
        screen.log(failure(verdict, args).as_bytes());
    }
    for bug in &missed {
        screen.log(format!("planted and not caught within {CAUGHT_WITHIN} seeds: {bug}\n").as_bytes());
    }
    if report.failing_seeds.is_empty() && missed.is_empty() { Ok(()) } else { Err(Failure::Verdict) }
}

/// A scenario by its name, or of a file.
fn scenario(text: &str) -> Result<Scenario, Failure> {
    if let Some(named) = Scenario::named(text) {
        return Ok(named);
    }
    let wrong = |reason: String| {
        Failure::Input(format!(
            "`{text}` is not `quiet`, `news`, `torrent` or `outage`, nor a file of a scenario: {reason}"
        ))
    };
    let json = fs::read_to_string(text).map_err(|error| wrong(error.to_string()))?;
    Scenario::read(&json).map_err(|error| wrong(error.to_string()))
}

/// What went wrong with a seed, and the command that repeats it.
fn failure(verdict: &Verdict, args: &SimulateArgs) -> String {
    let channels =
        args.channels.as_ref().map_or_else(String::new, |folder| format!(" --channels {}", folder.display()));
    let plant = args.plant.map_or_else(String::new, |bug| match bug {
        Plant::One(bug) => format!(" --plant {}", bug.name()),
        Plant::All => String::new(),
    });
    let SimulateArgs { accounts, minutes, faults, scenario, .. } = args;
    let (findings, seed) = (verdict.findings(), verdict.seed);
    format!(
        "{findings}repeat it with: pollwheel simulate --seed {seed} --seeds 1 --accounts {accounts} --minutes {minutes} --faults {faults} --scenario {scenario}{channels}{plant}\n"
    )
}

/// The report, and what the run would have cost.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    report: &'a Report,
    lateness: Vec<Late>,
    #[serde(flatten)]
    billed: Billed,
}

fn show(shown: &Shown<'_>, args: &SimulateArgs) -> Result<(), Failure> {
    let mut output = Output::new();
    if args.json {
        output.json(shown)?;
        return output.finish();
    }
    let Shown { report, billed, lateness: _ } = shown;
    let lines = [
        ("seeds", report.seeds.to_string()),
        ("simulated minutes", report.simulated_minutes.to_string()),
        ("polls", report.polls.to_string()),
        ("events", report.events.to_string()),
        ("lost", report.lost.to_string()),
        ("unexpected", report.unexpected.to_string()),
        ("duplicated", report.duplicated.to_string()),
        ("recovered", report.recovered.to_string()),
        ("rate limit violations", report.rate_limit_violations.to_string()),
        ("most hops", report.max_hops.to_string()),
        (
            "lateness p50, p99",
            format!("{:.1} s, {:.1} s", report.lateness_seconds_p50, report.lateness_seconds_p99),
        ),
        (
            "freshness p50, p99",
            format!("{:.1} s, {:.1} s", report.freshness_seconds_p50, report.freshness_seconds_p99),
        ),
        ("writes a poll", format!("{:.4}", report.writes_per_poll)),
        ("event log", report.event_log_hash.clone()),
        (
            "planted bugs caught",
            report.planted_bugs_caught.map_or_else(|| "none planted".to_owned(), |bugs| bugs.to_string()),
        ),
    ];
    for (name, value) in lines {
        output.line(format_args!("{name:<22} {value}"))?;
    }
    for (kind, times) in &report.faults {
        output.line(format_args!("  {kind:<20} {times}"))?;
    }
    if let Some(dollars) = billed.usd_per_million_polls {
        let standing = billed.usd.standing;
        output.line(format_args!("{:<22} {dollars:.4}", "dollars a million polls"))?;
        output.line(format_args!("{:<22} {standing:.4}", "dollars whatever is polled"))?;
    }
    let failing: Vec<String> = report.failing_seeds.iter().map(ToString::to_string).collect();
    if !failing.is_empty() {
        output.line(format_args!("{:<22} {}", "failing seeds", failing.join(", ")))?;
    }
    output.finish()
}
