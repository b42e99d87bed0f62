//! What `pollwheel channel ...` says about channel files and recorded polls.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{answer, pollwheel};
use crate::site::CHANNELS;

/// A folder with a copy of the channel `mastodon`.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        let from = Path::new(CHANNELS).join("mastodon");
        for part in ["recorded", "expected"] {
            fs::create_dir_all(copy.file(part)).unwrap();
            for entry in fs::read_dir(from.join(part)).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, copy.file(part).join(path.file_name().unwrap())).unwrap();
            }
        }
        fs::copy(from.join("channel.yml"), copy.file("channel.yml")).unwrap();
        copy
    }

    /// How many polls are recorded.
    fn cases(&self) -> usize {
        fs::read_dir(self.file("recorded")).unwrap().count()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("mastodon").join(name)
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "no {from} in {name}");
        fs::write(self.file(name), text.replace(from, to)).unwrap();
    }

    /// `pollwheel channel COMMAND DIR ARGUMENTS`.
    fn channel(&self, command: &str, arguments: &str) -> (i32, String, String) {
        let mut process = pollwheel(&format!("channel {command}"));
        answer(process.arg(self.folder.path()).args(arguments.split_whitespace()))
    }
}

#[test]
fn every_shipped_channel_passes_its_recorded_polls() {
    let (code, stdout, stderr) = answer(pollwheel("channel test --json").arg(CHANNELS));
    assert_eq!(code, 0, "{stdout}{stderr}");
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let channels = answer["channels"].as_array().unwrap();
    assert!(channels.len() >= 2, "{answer}");
    for channel in channels {
        let warnings = channel["warnings"].as_array().unwrap().iter().map(ToString::to_string);
        let unexpected: Vec<String> = warnings.collect();
        assert_eq!(unexpected, Vec::<String>::new(), "{channel}");
    }
}

#[test]
fn a_recorded_poll_that_differs_is_shown_field_by_field_and_blessed_on_request() {
    let copy = Copy::new();
    let (code, stdout, _) = copy.channel("test", "");
    assert!(
        code == 0 && stdout.contains(&format!("{} cases in 1 channel: all as expected", copy.cases())),
        "{stdout}"
    );

    copy.change("channel.yml", "type: mastodon.status", "type: mastodon.post");
    copy.change("recorded/too_many_requests.json", "limit=40", "limit=41");
    let (code, stdout, stderr) = copy.channel("test", "");
    assert_eq!((code, stderr.as_str()), (1, ""));
    for expected in [
        "differs new_statuses: ",
        "mastodon/recorded/new_statuses.json",
        "].type\n      - \"mastodon.status\"\n      + \"mastodon.post\"",
        "exchanges[0].request\n      - /api",
        "ok first_poll",
        " as expected, 2 not",
    ] {
        assert!(stdout.contains(expected), "expected {expected} in {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "colours are for terminals");

    let (code, stdout, _) = copy.channel("test", "--case new_statuses --bless");
    assert!(code == 0 && stdout.contains("changed new_statuses: "), "{stdout}");
    let (code, stdout, _) = copy.channel("test", "--case mastodon/new_statuses --json");
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &answer["ok"]), (0, &Value::Bool(true)), "{answer}");
    // What was asked for is not blessed away.
    assert_eq!(copy.channel("test", "--bless").0, 1);
}

#[test]
fn recorded_and_expected_come_in_pairs() {
    let copy = Copy::new();
    fs::remove_file(copy.file("expected/first_poll.json")).unwrap();
    fs::remove_file(copy.file("recorded/account_gone.json")).unwrap();
    fs::write(copy.file("recorded/new_statuses.json"), "{\n  \"about\": 1\n}").unwrap();
    let (code, stdout, stderr) = copy.channel("test", "");
    assert_eq!(code, 2, "{stdout}");
    for expected in [
        "recorded/first_poll.json: has no expected file: `pollwheel channel test --bless` writes it",
        "expected/account_gone.json: has no recording: add `recorded/account_gone.json`, or delete it",
        "recorded/new_statuses.json:2:12: `about`: invalid type: integer `1`, expected a string",
    ] {
        assert!(stderr.contains(expected), "expected {expected} in {stderr}");
    }
    let (code, stdout, _) = copy.channel("test", "--case first_poll --bless");
    assert!(code == 2 && stdout.contains("written first_poll: "), "{stdout}");
    assert!(copy.file("expected/first_poll.json").is_file());
    let (code, _, stderr) = copy.channel("test", "--case nothing");
    assert!(code == 2 && stderr.contains("expected/account_gone.json"), "{stderr}");
}

#[test]
fn a_new_channel_passes_its_checks_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let new = |name: &str| answer(pollwheel("channel new").arg(name).current_dir(folder.path()));
    let (code, stdout, stderr) = new("acme");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("channels/acme/expected/first_poll.json\n\nNext:\n  1. Edit"), "{stdout}");
    for command in ["channel check channels", "channel test"] {
        let (code, stdout, stderr) = answer(pollwheel(command).current_dir(folder.path()));
        assert_eq!((code, stderr.as_str()), (0, ""), "{command}: {stdout}");
    }
    let (_, stdout, _) = answer(pollwheel("channel test").current_dir(folder.path()));
    assert!(stdout.contains("note: 1 poll recorded: fewer than 3"), "{stdout}");
    let before = fs::read(folder.path().join("channels/acme/channel.yml")).unwrap();
    let (code, _, stderr) = new("acme");
    assert!(code == 2 && stderr.contains("nothing is overwritten"), "{stderr}");
    assert_eq!(fs::read(folder.path().join("channels/acme/channel.yml")).unwrap(), before);
    assert_eq!(new("../acme").0, 2);
}

#[test]
fn a_changed_file_is_replayed_and_the_difference_in_events_is_told() {
    let copy = Copy::new();
    let changed = copy.folder.path().join("changed.yml");
    let with = format!("--with {}", changed.display());
    let text = fs::read_to_string(copy.file("channel.yml")).unwrap();
    fs::write(&changed, &text).unwrap();
    let (code, stdout, _) = copy.channel("replay", &with);
    assert!(code == 0 && stdout.contains(&format!("{} cases: the same events", copy.cases())), "{stdout}");

    fs::write(
        &changed,
        text.replace("spoiler_text, content,", "spoiler_text,").replace("limit: 40", "limit: 20"),
    )
    .unwrap();
    let (code, stdout, _) = copy.channel("replay", &with);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("].data.content\n      - \"<p>"), "{stdout}");
    assert!(stdout.contains("other requests (the recorded answers were taken)"), "{stdout}");

    fs::write(
        &changed,
        text.replace("      id: .id\n", "      id: '.id + \"x\"'\n")
            .replace("greatest_id: numeric", "greatest_id: lexicographic"),
    )
    .unwrap();
    let (code, stdout, _) = copy.channel("replay", &format!("{with} --case new_statuses"));
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("gets another event id by its item id"), "{stdout}");
    assert!(stdout.contains("Events with another id are new to consumers"), "{stdout}");

    fs::write(&changed, text.replace("items:", "itemz:")).unwrap();
    let (code, _, stderr) = copy.channel("replay", &with);
    assert!(code == 2 && stderr.contains("changed.yml:") && stderr.contains("itemz"), "{stderr}");
    fs::write(&changed, text.replace("channel: mastodon", "channel: elsewhere")).unwrap();
    let (code, _, stderr) = copy.channel("replay", &with);
    assert!(code == 2 && stderr.contains("has recordings of `mastodon`"), "{stderr}");
}

#[test]
fn every_shipped_channel_polls_politely() {
    let (code, stdout, stderr) = answer(pollwheel("channel score --min 90").arg(CHANNELS));
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn an_impolite_channel_loses_points_and_is_told_why() {
    let copy = Copy::new();
    let (code, stdout, _) = copy.channel("score", "--json");
    let polite: Value = serde_json::from_str(&stdout).unwrap();
    let score = |answer: &Value| answer["channels"][0]["score"].as_u64().unwrap();
    assert_eq!(code, 0, "{polite}");

    copy.change("channel.yml", "    floor: [Cache-Control]\n", "    conditional: false\n");
    let text = fs::read_to_string(copy.file("channel.yml")).unwrap();
    let (start, end) = (text.find("\nlimits:").unwrap(), text.find("\nservice_levels:").unwrap());
    fs::write(copy.file("channel.yml"), format!("{}{}", &text[..start], &text[end..])).unwrap();
    let (code, stdout, _) = copy.channel("score", "--json --min 90");
    let impolite: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &impolite["ok"]), (1, &Value::Bool(false)), "{impolite}");
    assert!(score(&impolite) + 20 < score(&polite), "{impolite}");
    let (_, stdout, _) = copy.channel("score", "");
    for expected in [
        "validators are sent back verbatim\n          ",
        "`conditional: false`, and recorded answers carry validators",
        "answers tell of a limit, and none is declared: x-ratelimit-limit, x-ratelimit-remaining",
        "-   with the cushion reached, nothing is asked before the reset",
    ] {
        assert!(stdout.contains(expected), "expected {expected} in {stdout}");
    }
}
