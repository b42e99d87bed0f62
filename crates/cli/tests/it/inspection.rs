//! The commands that look: channel check, job, completions, help.

use serde_json::Value;

use crate::process::{answer, pollwheel};
use crate::site::{CHANNELS, Deployment, Site, accounts, still};

#[test]
fn the_channels_of_this_repository_are_fine() {
    let (code, stdout, stderr) = answer(pollwheel("channel check").arg(CHANNELS));
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for expected in
        ["mastodon: Statuses", "mastodon/statuses", "github/events", "enterprise: every 1 to 15 min"]
    {
        assert!(stdout.contains(expected), "no {expected} in {stdout}");
    }
    let (code, stdout, _) = answer(pollwheel("channel check --json").arg(format!("{CHANNELS}/github")));
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, answer["ok"].as_bool()), (0, Some(true)));
    assert_eq!(answer["channels"][0]["job_types"][0]["job_type"], "github/events");
}

#[test]
fn jobs_are_listed_in_pages_shown_and_explained() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(12));
    let (code, _, log) = answer(&mut deployment.run("--ticks 4"));
    assert_eq!(code, 0, "{log}");

    let (code, first, more) = answer(&mut deployment.job("list --limit 10"));
    assert_eq!((code, first.lines().count()), (0, 10), "{first}{more}");
    let after = more.split('\'').nth(1).expect("a page names the next one").to_owned();
    let (_, rest, end) = answer(deployment.job("list --limit 100").args(["--after", &after]));
    assert_eq!((rest.lines().count(), end.as_str()), (14, ""));
    let mut all: Vec<&str> =
        first.lines().chain(rest.lines()).map(|line| line.split(' ').next().unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 24, "each job on one page");

    let (_, github, _) = answer(&mut deployment.job("list --all --channel github --json"));
    let rows: Vec<Value> = github.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        rows.len() == 12 && rows.iter().all(|row| row["row"]["job"]["job_type"] == "github/events"),
        "{github}"
    );

    let (_, shown, _) = answer(&mut deployment.job("show mastodon/statuses:m3 --json"));
    let row: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(row["subject"]["external_id"], "m3-there");

    let (_, explained, _) = answer(deployment.job("explain m3").arg("--channels").arg(CHANNELS));
    for expected in [
        "mastodon/statuses:m3",
        "next poll  20",
        "activity   about ",
        "worth      a poll every ",
        "cadence    every ",
        "enterprise: every 1 to 15 min",
        "ticks are done up to 20",
    ] {
        assert!(explained.contains(expected), "no {expected} in {explained}");
    }
    let (code, _, stderr) = answer(&mut deployment.job("show nobody"));
    assert!(code == 2 && stderr.contains("there is no job and no account `nobody`"), "{stderr}");
}

#[test]
fn completions_and_help_teach() {
    let (code, stdout, _) = answer(&mut pollwheel("completions bash"));
    assert!(code == 0 && stdout.contains("_pollwheel"), "{stdout}");
    let (_, help, _) = answer(&mut pollwheel("--help"));
    assert!(help.contains("pollwheel run --demo") && help.contains("Exit codes"), "{help}");
    let (_, help, _) = answer(&mut pollwheel("run --help"));
    assert!(help.contains("lateness_seconds_p99") && help.contains("\"account_id\""), "{help}");
}
