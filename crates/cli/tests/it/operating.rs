//! What an operator does between two runs: pause and resume, park and unpark, and see where things stand.

use std::process::Command;

use serde_json::Value;

use crate::process::{answer, pollwheel};
use crate::site::{CHANNELS, Deployment, Site, accounts, still};

fn command(deployment: &Deployment, arguments: &str) -> Command {
    let mut command = pollwheel(arguments);
    command.arg("--state").arg(deployment.file("state"));
    command
}

fn with_channels(mut command: Command) -> Command {
    command.arg("--channels").arg(CHANNELS);
    command
}

fn lines(mut command: Command) -> Vec<Value> {
    let (code, stdout, stderr) = answer(&mut command);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn status(deployment: &Deployment, job_type: &str) -> Value {
    let all = lines(command(deployment, "status --json"));
    all.into_iter().find(|standing| standing["job_type"] == job_type).unwrap()
}

fn run(deployment: &Deployment, ticks: u32) -> Value {
    let (code, _, log) = answer(&mut deployment.run(&format!("--ticks {ticks}")));
    assert_eq!(code, 0, "{log}");
    deployment.report()
}

#[test]
fn a_paused_channel_is_told_of_and_not_polled_until_it_is_resumed() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(3));
    let report = run(&deployment, 2);
    let of_type = &report["job_types"]["mastodon/statuses"];
    assert_eq!(of_type["due"], of_type["dispatched"], "{report}");
    assert_eq!(
        (&of_type["behind_minutes"], &of_type["late"]["dispatches"]),
        (&0.into(), &0.into()),
        "{report}"
    );

    let paused = lines(command(&deployment, "pause --channel mastodon --json"));
    assert_eq!((&paused[0]["scope"], &paused[0]["result"]), (&"mastodon".into(), &"paused".into()));
    assert_eq!(status(&deployment, "mastodon/statuses")["paused_by"], serde_json::json!(["mastodon"]));
    assert_eq!(status(&deployment, "github/events")["paused_by"], serde_json::json!([]));
    let (_, shown, _) = answer(&mut deployment.job("show m1"));
    assert!(shown.contains("paused by `mastodon`"), "{shown}");

    let report = run(&deployment, 3);
    let of_type = |name: &str| report["job_types"][name].clone();
    assert_eq!(of_type("mastodon/statuses")["dispatched"], 0, "{report}");
    assert_eq!(of_type("mastodon/statuses")["minutes_not_dispatched"]["paused"], 3, "{report}");
    assert!(of_type("mastodon/statuses")["behind_minutes"].as_u64().unwrap() >= 3, "{report}");
    // GitHub asks for more time between polls: what is due there is held, and accounted for all the same.
    assert!(of_type("github/events")["due"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(of_type("github/events")["behind_minutes"], 0, "{report}");

    lines(command(&deployment, "resume --channel mastodon --json"));
    let report = run(&deployment, 3);
    let made_up = &report["job_types"]["mastodon/statuses"];
    assert!(made_up["dispatched"].as_u64().unwrap() > 0, "{report}");
    let count = |of: &Value| of.as_u64().unwrap();
    let skipped: u64 = made_up["skipped"].as_object().unwrap().values().map(count).sum();
    assert_eq!(
        count(&made_up["due"]),
        count(&made_up["dispatched"]) + count(&made_up["caught_up"]) + skipped,
        "{report}"
    );
    assert!(count(&made_up["late"]["dispatches"]) > 0, "{report}");
}

#[test]
fn a_paused_account_is_parked_until_it_is_resumed_whatever_the_accounts_file_says() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(2));
    run(&deployment, 1);
    let paused = lines(with_channels(command(&deployment, "pause --account m1 --json")));
    assert_eq!(paused.len(), 1, "{paused:?}");
    assert_eq!(paused[0]["result"], "paused");
    run(&deployment, 2);
    assert_eq!(status(&deployment, "mastodon/statuses")["parked"], serde_json::json!({"paused": 1}));
    let resumed = lines(with_channels(command(&deployment, "resume --account m1 --json")));
    assert_eq!((&resumed[0]["result"], &resumed[0]["was"]), (&"resumed".into(), &"paused".into()));
    assert_eq!(status(&deployment, "mastodon/statuses")["parked"], serde_json::json!({}));
}

#[test]
fn jobs_are_parked_by_hand_and_unparked_by_name_by_reason_and_by_the_page() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(5));
    run(&deployment, 1);
    for account in 0..5 {
        let parked = lines(with_channels(deployment.job(&format!("park m{account} --json"))));
        assert_eq!(parked[0]["result"], "parked");
    }
    let again = lines(with_channels(deployment.job("park m0 --json")));
    assert_eq!(again[0]["result"], "was parked already");
    assert_eq!(status(&deployment, "mastodon/statuses")["parked"]["paused"], 5);

    let one = lines(with_channels(deployment.job("unpark mastodon/statuses:m0 --json")));
    assert_eq!((&one[0]["result"], &one[0]["was"]), (&"unparked".into(), &"paused".into()));
    let (code, page, more) = answer(&mut with_channels(deployment.job("unpark --reason paused --limit 3")));
    assert_eq!((code, page.lines().count()), (0, 3), "{page}{more}");
    assert!(more.contains("there are more"), "{more}");
    let other = lines(with_channels(deployment.job("unpark --reason gone --all --json")));
    assert!(other.is_empty(), "{other:?}");
    let rest = lines(with_channels(deployment.job("unpark --job-type mastodon/statuses --all --json")));
    assert_eq!(rest.len(), 1);
    assert_eq!(status(&deployment, "mastodon/statuses")["parked"], serde_json::json!({}));
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(1));
    run(&deployment, 1);
    for (arguments, says) in [
        ("pause --channel mastodn", "`pollwheel status` lists what there is"),
        ("pause --account m0", "--channels"),
        ("pause", "--channel"),
        ("job unpark", "--channels"),
    ] {
        let (code, _, stderr) = answer(&mut command(&deployment, arguments));
        assert_eq!(code, 2, "{arguments}: {stderr}");
        assert!(stderr.contains(says), "{arguments}: {stderr}");
    }
    let (code, _, stderr) = answer(&mut with_channels(deployment.job("unpark")));
    assert!(code == 2 && stderr.contains("--reason"), "{stderr}");
}
