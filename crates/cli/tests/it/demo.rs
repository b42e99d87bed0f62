//! The README's first command.

use std::fs;

use serde_json::Value;

use crate::process::{Running, answer, json_lines, pollwheel, until};

#[test]
fn the_demo_publishes_events_keeps_the_limits_and_sums_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = pollwheel("run --demo --ticks 6 --json");
    let (code, stdout, stderr) = answer(command.current_dir(folder.path()));
    assert_eq!(code, 0, "{stderr}");
    let events: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let report: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert!(events.iter().any(|event| event["type"] == "mastodon.status"), "{stderr}");
    assert!(events.iter().any(|event| event["type"] == "github.event"), "{stderr}");
    assert_eq!(report["events_published"], events.len());
    for none in ["lost", "failed", "parked"] {
        assert_eq!(report[none], 0, "{report}");
    }
    assert_eq!(stderr.matches(", 0 over the limit").count(), 2, "{stderr}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is kept");
}

#[test]
fn the_demo_needs_nothing_and_ends_with_a_summary_on_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&mut pollwheel("run --demo"), folder.path());
    until("events are printed", || json_lines(&folder.path().join("stdout")).len() >= 3);
    running.signal(nix::sys::signal::Signal::SIGINT);
    let mut running = running;
    assert!(running.wait().success());
    let log = running.log();
    assert!(log.contains("polls") && log.contains("\"not modified\"") && log.contains("a poll"), "{log}");
}
