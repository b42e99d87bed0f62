//! `pollwheel plan`, and what registration says of limits that bear less than is asked for.

use std::fs;

use serde_json::{Value, json};

use crate::process::{answer, pollwheel};
use crate::site::CHANNELS;

/// A folder with Hacker News under a limit of 60 an hour, and accounts that are polled every five minutes.
struct Tight(tempfile::TempDir);

impl Tight {
    fn with(accounts: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channel = folder.path().join("channels/hackernews");
        fs::create_dir_all(&channel).unwrap();
        let text = fs::read_to_string(format!("{CHANNELS}/hackernews/channel.yml")).unwrap();
        let tight = text.replace("calls: 10000", "calls: 60");
        assert_ne!(tight, text);
        fs::write(channel.join("channel.yml"), tight).unwrap();
        let line = |number: u32| {
            json!({
                "account_id": format!("h{number}"),
                "channel": "hackernews",
                "service_level": "enterprise",
                "external_id": format!("user{number}"),
            })
        };
        let lines: Vec<String> = (0..accounts).map(|number| line(number).to_string()).collect();
        fs::write(folder.path().join("accounts"), lines.join("\n")).unwrap();
        Self(folder)
    }

    fn run(&self, command: &str) -> (i32, String, String) {
        let mut process = pollwheel(command);
        process.current_dir(self.0.path()).args(["--channels", "channels", "--state", "state"]);
        answer(&mut process)
    }

    /// Registers the accounts, and polls none.
    fn register(&self) -> String {
        let (code, _, log) = self.run("run --accounts accounts --events events --ticks 0");
        assert_eq!(code, 0, "{log}");
        log
    }
}

#[test]
fn what_fits_is_planned_with_room_for_more() {
    let tight = Tight::with(2);
    let log = tight.register();
    assert!(!log.contains("the limit of"), "{log}");
    let (code, plan, log) = tight.run("plan --json");
    assert_eq!(code, 0, "{log}");
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let limit = &plan["limits"][0];
    assert_eq!(
        (plan["fits"].as_bool(), limit["scope"].as_str()),
        (Some(true), Some("host hn.algolia.com of hackernews"))
    );
    // Four in five minutes go through, and nine tenths of them are planned with: 43 an hour, of which 24 are asked for.
    assert_eq!(
        (limit["bears_per_window"].as_u64(), limit["asked_per_window"].as_f64()),
        (Some(48), Some(24.0))
    );
    let room = limit["room"].as_array().unwrap();
    let free = room.iter().find(|room| room["level"] == "free").unwrap();
    assert_eq!((free["at_fastest"].as_u64(), free["at_slowest"].as_u64()), (Some(19), Some(460)));
}

#[test]
fn what_does_not_fit_is_accepted_and_told() {
    let tight = Tight::with(40);
    let log = tight.register();
    let told = "the limit of host hn.algolia.com of hackernews bears 43 calls in 3600 s, and its 40 jobs ask for 480: each is polled every 11.12 cadences in the mean";
    assert!(log.contains(told), "{log}");
    let (code, plan, _) = tight.run("plan");
    assert_eq!(code, 0);
    for expected in [
        "host hn.algolia.com of hackernews: 60 calls in 3600 s",
        "asked for  480.0 a window by 40 jobs of 40 accounts",
        "it does not fit: each job is polled every 11.12 cadences in the mean",
        "room for   0 more hackernews/submissions at level enterprise",
    ] {
        assert!(plan.contains(expected), "no {expected} in {plan}");
    }
}

#[test]
fn accounts_are_planned_before_they_are_registered() {
    let tight = Tight::with(40);
    let planned = |from: &[&str]| {
        let mut process = pollwheel("plan --json");
        let (code, plan, log) =
            answer(process.current_dir(tight.0.path()).args(["--channels", "channels"]).args(from));
        assert_eq!(code, 0, "{log}");
        plan
    };
    let before = planned(&["--accounts", "accounts"]);
    assert!(!tight.0.path().join("state").exists(), "planning registers nothing");
    tight.register();
    assert_eq!(before, planned(&["--state", "state"]));

    fs::write(tight.0.path().join("accounts"), "{}").unwrap();
    let mut process = pollwheel("plan --accounts accounts --channels channels");
    let (code, _, said) = answer(process.current_dir(tight.0.path()));
    assert!(code == 2 && said.contains("accounts:1"), "{said}");
}

#[test]
fn accounts_without_a_token_are_planned_under_the_limit_for_such_requests() {
    let folder = tempfile::tempdir().unwrap();
    let line = |number: u32| {
        let mut account = json!({
            "account_id": format!("g{number}"), "channel": "github", "job_types": ["events"],
            "service_level": "professional", "external_id": format!("user{number}"),
        });
        if number == 0 {
            account["token"] = json!("a-token");
        }
        account.to_string()
    };
    let lines: Vec<String> = (0..4).map(line).collect();
    fs::write(folder.path().join("accounts"), lines.join("\n")).unwrap();
    let (code, plan, log) = answer(
        pollwheel("plan --accounts accounts").current_dir(folder.path()).args(["--channels", CHANNELS]),
    );
    assert_eq!(code, 0, "{log}");
    // Three that are polled every two minutes, and GitHub allows 60 an hour to all of them together.
    for expected in [
        "github, for requests without a token: 60 calls in 3600 s, 5 of them left unused",
        "asked for  90.0 a window by 3 jobs of 3 accounts",
        "it does not fit",
        "1 jobs share no such limit",
    ] {
        assert!(plan.contains(expected), "no {expected} in {plan}");
    }
}

#[test]
fn a_folder_that_is_no_state_folder_is_no_plan() {
    let tight = Tight::with(1);
    let (code, _, said) = tight.run("plan");
    assert!(code == 2 && said.contains("is not a state folder"), "{said}");
}
