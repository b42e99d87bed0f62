//! `pollwheel simulate`: what the rules make of a day of faults, seed by seed.
//!
//! Reads arguments, runs the simulator, shows its report. What a run is, and what is checked, is `pollwheel_local::sim`'s.

mod args;

use std::fs;

use anyhow::Context;
use pollwheel_local::sim::{Report, Scenario, Seeds, Setup, Verdict, run_seeds};

pub(crate) use args::SimulateArgs;

use crate::exit::Failure;
use crate::output::Output;
use crate::screen::Screen;

/// Runs the seeds. Fails when one of them does, unless a bug was planted, which must fail.
pub(crate) fn run(args: &SimulateArgs, screen: &Screen) -> Result<(), Failure> {
    if let Some(folder) = &args.channels {
        let reason =
            "a folder of channels cannot be simulated yet: leave `--channels` out for the built-in job type";
        return Err(Failure::Input(format!("{}: {reason}", folder.display())));
    }
    let setup = Setup {
        accounts: args.accounts,
        minutes: args.minutes,
        faults: args.faults.clone(),
        scenario: scenario(&args.scenario)?,
        planted: args.plant,
    };
    let verdicts = run_seeds(&setup, Seeds { first: args.seed, count: args.seeds })
        .context("the simulation could not be run")?;
    let mut report = Report::of(&verdicts, args.minutes.get());
    report.planted_bugs_caught = args.plant.map(|_| u64::from(!report.failing_seeds.is_empty()));
    show(&report, args)?;
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_clean()) {
        screen.log(failure(verdict, args).as_bytes());
    }
    if report.failing_seeds.is_empty() { Ok(()) } else { Err(Failure::Verdict) }
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
    let plant = args.plant.map_or_else(String::new, |bug| format!(" --plant {}", bug.name()));
    let SimulateArgs { accounts, minutes, faults, scenario, .. } = args;
    let (findings, seed) = (verdict.findings(), verdict.seed);
    format!(
        "{findings}repeat it with: pollwheel simulate --seed {seed} --seeds 1 --accounts {accounts} --minutes {minutes} --faults {faults} --scenario {scenario}{plant}\n"
    )
}

fn show(report: &Report, args: &SimulateArgs) -> Result<(), Failure> {
    let mut output = Output::new();
    if args.json {
        output.json(report)?;
        return output.finish();
    }
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
    ];
    for (name, value) in lines {
        output.line(format_args!("{name:<22} {value}"))?;
    }
    for (kind, times) in &report.faults {
        output.line(format_args!("  {kind:<20} {times}"))?;
    }
    if let Some(dollars) = report.usd_per_million_polls {
        output.line(format_args!("{:<22} {dollars:.4}", "dollars a million polls"))?;
    }
    let failing: Vec<String> = report.failing_seeds.iter().map(ToString::to_string).collect();
    if !failing.is_empty() {
        output.line(format_args!("{:<22} {}", "failing seeds", failing.join(", ")))?;
    }
    output.finish()
}
