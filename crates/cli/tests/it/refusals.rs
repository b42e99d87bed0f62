//! Bad input is refused by name, before anything is written.

use std::fs;

use pollwheel_upstream::Channel;
use serde_json::json;

use crate::process::{answer, pollwheel};
use crate::site::{Account, Deployment, Site, still};

fn deployment() -> (Site, Deployment) {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &[Account::new(Channel::Mastodon, "a1")]);
    (site, deployment)
}

/// What stands in the deployment's folder.
fn names(deployment: &Deployment) -> Vec<String> {
    let entries = fs::read_dir(deployment.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_bad_accounts_file_is_refused_with_file_line_and_field() {
    let (_site, deployment) = deployment();
    let good = fs::read_to_string(deployment.file("accounts.jsonl")).unwrap();
    let cadence = |range: &str| good.replacen('{', &format!("{{\"cadence\": {range}, "), 1);
    let cases = [
        (good.replace("mastodon", "mastodn"), ":1: `channel`: no channel `mastodn`"),
        (good.replace("enterprise", "enterprize"), "did you mean `enterprise`?"),
        (good.replace("\"token\"", "\"tokens\""), "did you mean `token`?"),
        (good.replace("http://", "gopher://"), ":1: `base_url`: its scheme is not http or https"),
        (
            cadence(r#"{"fastest": 7, "slowest": 60}"#),
            ":1: `cadence`: `7` is not a cadence: use one of 1, 2,",
        ),
        (cadence(r#"{"fastest": 60, "slowest": 5}"#), "slower than the slowest (5 minutes): swap them"),
        (cadence(r#"{"fastest": 60}"#), ":1: `cadence`: missing field `slowest`"),
        (cadence("15"), ":1: `cadence`: is no range: write `{\"fastest\": 5, \"slowest\": 60}`, in minutes"),
        (
            format!("{good}{good}"),
            ":2: `account_id`: channel `mastodon` has the account `a1` on line 1 already",
        ),
        (format!("{good}{{"), ":2:1: is not JSON"),
        (String::new(), "has no accounts"),
    ];
    for (text, expected) in cases {
        fs::write(deployment.file("accounts.jsonl"), &text).unwrap();
        let (code, stdout, stderr) = answer(&mut deployment.run("--ticks 1"));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains(expected) && stderr.contains("accounts.jsonl"),
            "expected {expected} in {stderr}"
        );
        assert_eq!(names(&deployment), ["accounts.jsonl"], "nothing is left behind");
    }
}

#[test]
fn a_bad_channel_is_refused_with_file_line_column_and_field() {
    let (_site, deployment) = deployment();
    let folder = deployment.file("channels");
    fs::create_dir_all(folder.join("mastodon")).unwrap();
    let channel = fs::read_to_string(format!("{}/mastodon/channel.yml", crate::site::CHANNELS)).unwrap();
    fs::write(
        folder.join("mastodon/channel.yml"),
        channel.replace("professional: {fastest: 2,", "professional: {fastest: 4,"),
    )
    .unwrap();
    for command in ["run --memory --accounts accounts.jsonl --channels", "channel check"] {
        let (code, _, stderr) = answer(pollwheel(command).arg(&folder).current_dir(deployment.path()));
        assert_eq!(code, 2, "{stderr}");
        assert!(
            stderr.contains("mastodon/channel.yml:") && stderr.contains("`4` is not a cadence"),
            "{stderr}"
        );
    }
    let (code, stdout, _) = answer(pollwheel("channel check --json").arg(&folder));
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &answer["ok"]), (2, &json!(false)));
    assert!(answer["problems"][0]["line"].as_u64() > Some(1), "{answer}");
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_anything_starts() {
    let (site, deployment) = deployment();
    for (arguments, expected) in [
        ("--events /nowhere/events.ndjson", "cannot write events to `/nowhere/events.ndjson`"),
        ("--report /nowhere/report.json", "cannot write the report to `/nowhere/report.json`"),
        ("--events /", "cannot write events to `/`: it is a folder"),
    ] {
        // The last of two wins, and the harness names both already.
        let mut command = pollwheel("run --allow-private-addresses --channels");
        command
            .arg(crate::site::CHANNELS)
            .args(["--accounts", "accounts.jsonl"])
            .current_dir(deployment.path());
        let (code, _, stderr) = answer(command.args(arguments.split_whitespace()));
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(names(&deployment), ["accounts.jsonl"], "nothing is left behind");
    }
    assert_eq!(site.stats().total.requests, 0);
}

#[test]
fn r33_a_damaged_store_is_named_and_left_as_it_is() {
    let (site, deployment) = deployment();
    fs::create_dir(deployment.file("state")).unwrap();
    let store = deployment.file("state/pollwheel.redb");
    fs::write(&store, b"this is no store").unwrap();
    let (code, _, stderr) = answer(&mut deployment.run("--ticks 1"));
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("pollwheel.redb") && stderr.contains("damaged"), "{stderr}");
    assert_eq!(fs::read(&store).unwrap(), b"this is no store");
    assert_eq!(site.stats().total.requests, 0);
}

#[test]
fn r33_a_store_of_a_newer_version_is_named_and_left_as_it_is() {
    let (_site, deployment) = deployment();
    assert_eq!(answer(&mut deployment.run("--ticks 1")).0, 0);
    let store = deployment.file("state/pollwheel.redb");
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(&store).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(meta).unwrap().insert("format", 99).unwrap();
    transaction.commit().unwrap();
    drop(database);

    for mut command in [deployment.run("--ticks 1"), deployment.job("list")] {
        let (code, stdout, stderr) = answer(&mut command);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("has format 99") && stderr.contains("use the newer build"), "{stderr}");
    }
}

#[test]
fn r22_private_addresses_are_refused_unless_they_are_allowed() {
    let (site, deployment) = deployment();
    let mut command = pollwheel("run --memory --tick 100ms --ticks 3 --json --channels");
    command.arg(crate::site::CHANNELS).args(["--accounts", "accounts.jsonl"]).current_dir(deployment.path());
    let (code, _, stderr) = answer(&mut command);
    let expected = "accounts.jsonl:1: `base_url`: its host is a loopback address (127.0.0.0/8): \
                    `--allow-private-addresses` allows requests to it";
    assert!(code == 2 && stderr.contains(expected), "{stderr}");
    assert_eq!(site.stats().total.requests, 0, "not even a connection");
}

#[test]
fn bad_arguments_say_what_to_write() {
    for (arguments, expected) in [
        ("run", "--channels"),
        ("run --demo --tick 5", "such as `200ms`, `1s` or `1m`"),
        ("run --demo --tick 5h", "a tick lasts from 1ms to 1m"),
        ("run --demo --state x", "cannot be used with"),
        ("run --demo --tick -1s", "a duration must be positive"),
        ("run --demo --concurrency 0", "write a whole number from 1 on"),
        ("run --demo --log loud=very", "is not a log filter"),
        ("run --demo --log loud!!", "use `off`, `error`, `warn`, `info`, `debug`, `trace`"),
        ("run --demo --events same --report ./same", "`./same` is where the events go"),
        ("job show a1 --state /nowhere", "is not a state folder"),
        ("channel check /nowhere", "/nowhere"),
    ] {
        let (code, stdout, stderr) = answer(&mut pollwheel(arguments));
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments}: {stderr}");
        assert!(stderr.contains(expected), "{arguments}: {stderr}");
    }
}

#[test]
fn outputs_that_would_overwrite_what_a_run_reads_or_keeps_are_refused() {
    let (site, deployment) = deployment();
    let channels = deployment.file("channels");
    fs::create_dir_all(channels.join("mastodon")).unwrap();
    let channel = format!("{}/mastodon/channel.yml", crate::site::CHANNELS);
    fs::copy(channel, channels.join("mastodon/channel.yml")).unwrap();
    std::os::unix::fs::symlink("accounts.jsonl", deployment.file("link")).unwrap();
    fs::create_dir(deployment.file("state")).unwrap();
    let before = fs::read(deployment.file("accounts.jsonl")).unwrap();
    for (arguments, expected) in [
        ("--events accounts.jsonl", "`--events`: `accounts.jsonl` is the accounts file"),
        ("--report ./channels/../link", "`--report`: `./channels/../link` is the accounts file"),
        ("--events channels/mastodon/channel.yml", "is a channel file"),
        ("--report state/pollwheel.redb", "is a file of the state folder"),
        ("--events state/../events --report events", "`--report`: `events` is where the events go"),
    ] {
        let mut command =
            pollwheel("run --allow-private-addresses --channels channels --accounts accounts.jsonl");
        let command = command.args(arguments.split_whitespace()).current_dir(deployment.path());
        let (code, stdout, stderr) = answer(command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(expected), "expected {expected} in {stderr}");
        assert_eq!(names(&deployment), ["accounts.jsonl", "channels", "link", "state"]);
    }
    assert_eq!(fs::read(deployment.file("accounts.jsonl")).unwrap(), before);
    assert_eq!(site.stats().total.requests, 0);
}

#[test]
fn a_file_where_a_folder_is_wanted_is_taken_or_explained() {
    let (_site, deployment) = deployment();
    let channel = format!("{}/mastodon/channel.yml", crate::site::CHANNELS);
    let (code, stdout, stderr) = answer(pollwheel("channel check").arg(&channel));
    assert!(code == 0 && stdout.contains("mastodon/statuses"), "{stderr}");
    let (code, _, stderr) = answer(pollwheel("channel check").arg(deployment.file("accounts.jsonl")));
    assert!(code == 2 && stderr.contains("is not a `channel.yml`"), "{stderr}");
    fs::write(deployment.file("state"), "").unwrap();
    let (code, _, stderr) = answer(&mut deployment.run("--ticks 1"));
    assert!(code == 2 && stderr.contains("is a file: name a folder"), "{stderr}");
}
