//! Simulated deployments: the report, its exit codes, and the command that repeats a failure.

use serde_json::Value;

use crate::process::{answer, pollwheel};

/// The channels of this repository.
const CHANNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../channels");

/// A report, and what went to standard error.
fn report(arguments: &str) -> (i32, Value, String) {
    let (code, stdout, stderr) = answer(&mut pollwheel(&format!("simulate --json {arguments}")));
    let report = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    (code, report, stderr)
}

#[track_caller]
fn assert_clean(report: &Value, stderr: &str) {
    for member in ["lost", "unexpected", "rate_limit_violations"] {
        assert_eq!(report[member], 0, "{member}: {report}\n{stderr}");
    }
    assert_eq!(report["failing_seeds"], serde_json::json!([]), "{stderr}");
    assert!(report["max_hops"].as_u64().is_some_and(|hops| hops <= 8));
}

#[test]
fn a_report_has_every_member_and_the_same_seed_gives_the_same_one() {
    let arguments = "--accounts 30 --minutes 180 --seeds 2 --seed 9";
    let (code, first, stderr) = report(arguments);
    assert_eq!(code, 0, "{stderr}");
    assert_clean(&first, &stderr);
    let members: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    for member in [
        "seeds",
        "simulated_minutes",
        "polls",
        "events",
        "lost",
        "unexpected",
        "duplicated",
        "recovered",
        "rate_limit_violations",
        "max_hops",
        "lateness_seconds_p50",
        "lateness_seconds_p99",
        "lateness",
        "freshness_seconds_p50",
        "freshness_seconds_p99",
        "writes_per_poll",
        "usd_per_million_polls",
        "usd",
        "faults",
        "planted_bugs_caught",
        "event_log_hash",
        "failing_seeds",
    ] {
        assert!(members.contains(&member), "{member} is not in {members:?}");
    }
    assert_eq!((&first["seeds"], &first["simulated_minutes"]), (&2.into(), &360.into()));
    assert_eq!(first["planted_bugs_caught"], Value::Null);
    let late = first["lateness"].as_array().unwrap();
    let polls: u64 = late.iter().map(|of| of["polls"].as_u64().unwrap()).sum();
    assert_eq!(polls, first["polls"].as_u64().unwrap(), "every poll has a job type and a level: {late:?}");
    assert_eq!(report(arguments).1, first);
}

#[test]
fn every_scenario_runs_by_name_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("brisk.json");
    std::fs::write(&file, r#"{"fastest": 5, "slowest": 5, "items_per_day": 48}"#).unwrap();
    let mut polls = Vec::new();
    for scenario in ["quiet", "news", "torrent", "outage", file.to_str().unwrap()] {
        let arguments = format!("--accounts 20 --minutes 300 --faults none --scenario {scenario}");
        let (code, report, stderr) = report(&arguments);
        assert_eq!(code, 0, "{scenario}: {stderr}");
        assert_clean(&report, &stderr);
        assert_eq!(report["events"] == 0, scenario == "quiet", "{scenario}");
        polls.push(report["polls"].as_u64().unwrap());
    }
    assert_eq!((polls[0], polls[4]), (20 * 300 / 15, 20 * 300 / 5));
    let (code, _, stderr) = answer(&mut pollwheel("simulate --scenario nonsense"));
    assert!(code == 2 && stderr.contains("`nonsense` is not `quiet`"), "{stderr}");
}

#[test]
fn a_planted_bug_fails_its_seed_and_is_told_with_what_repeats_it() {
    let arguments =
        "--accounts 60 --minutes 360 --faults none --scenario news --plant dispatch-takes-the-row";
    let (code, report, stderr) = report(arguments);
    assert_eq!((code, &report["planted_bugs_caught"]), (1, &1.into()), "{stderr}");
    assert!(stderr.contains("seed 1 failed:") && stderr.contains("r10: the row of"), "{stderr}");
    let repeat = "repeat it with: pollwheel simulate --seed 1 --seeds 1 ";
    assert!(stderr.contains(&format!("{repeat}{arguments}")), "{stderr}");
}

#[test]
fn all_planted_bugs_are_caught_beside_an_honest_run() {
    let (code, report, stderr) = report("--accounts 20 --minutes 60 --faults none --plant all");
    assert_eq!((code, &report["planted_bugs_caught"]), (0, &10.into()), "{stderr}");
    assert_clean(&report, &stderr);
}

#[test]
fn all_shipped_channels_are_polled_by_their_own_rules_without_a_loss() {
    let arguments = format!("--channels {CHANNELS} --accounts 45 --minutes 480 --faults none");
    let (code, report, stderr) = report(&arguments);
    assert_eq!(code, 0, "{stderr}");
    assert_clean(&report, &stderr);
    assert!(report["events"].as_u64().is_some_and(|events| events > 10), "{report}");
    assert_eq!(report["duplicated"], 0);
}

#[test]
fn shipped_channels_lose_nothing_under_faults() {
    let faults =
        "duplicates,late-messages,worker-crashes,partial-batches,lost-answers,missing-ticks,upstream-errors";
    let arguments = format!("--channels {CHANNELS} --accounts 27 --minutes 720 --faults {faults}");
    let (code, report, stderr) = report(&arguments);
    assert_eq!(code, 0, "{stderr}");
    assert_clean(&report, &stderr);
}
