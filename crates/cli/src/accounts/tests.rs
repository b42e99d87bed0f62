use std::fs;

use super::*;

const CHANNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../channels");

fn channels() -> ChannelSet {
    ChannelSet::load(Path::new(CHANNELS)).unwrap()
}

/// Mastodon, with a job type that polls several things of an account.
fn channels_with_targets() -> ChannelSet {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(format!("{CHANNELS}/mastodon/channel.yml")).unwrap();
    let own = folder.path().join("mastodon");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("channel.yml"), text.replace("{{ account.external_id }}", "{{ target }}")).unwrap();
    ChannelSet::load(folder.path()).unwrap()
}

fn check(lines: &str) -> Result<Wanted, String> {
    check_with(lines, &channels())
}

fn check_with(lines: &str, channels: &ChannelSet) -> Result<Wanted, String> {
    let mut file = AccountsFile::in_memory("accounts.jsonl", lines.as_bytes().to_vec());
    file.check(channels, PrivateAddresses::Refused).map_err(|problems| problems.to_string())
}

/// A good line with some members in place of, or besides, its own; `null` leaves one out.
fn line(changes: serde_json::Value) -> String {
    let mut line = serde_json::json!({
        "account_id": "a1", "channel": "mastodon", "job_types": ["statuses"], "service_level": "professional", "external_id": "42",
        "base_url": "https://mastodon.example", "token": "planted-s3cret",
    });
    let serde_json::Value::Object(changes) = changes else { panic!("changes are an object") };
    line.as_object_mut().unwrap().extend(changes);
    line.to_string()
}

#[tokio::test]
async fn a_good_file_is_read_twice_and_the_second_time_in_batches() {
    let lines: Vec<String> = (0..25)
        .map(|number| line(serde_json::json!({"account_id": format!("a{number}"), "context": {"n": number}})))
        .collect();
    let mut file = AccountsFile::in_memory("x", lines.join("\n").into_bytes());
    let channels = channels();
    let wanted = file.check(&channels, PrivateAddresses::Refused).unwrap();
    assert_eq!((wanted.accounts(), wanted.jobs), (25, 25));

    let mut sizes = Vec::new();
    let mut contexts = Vec::new();
    let count = async |jobs: &[NewJob]| {
        sizes.push(jobs.len());
        contexts.extend(jobs.iter().map(|job| job.context.as_json().to_owned()));
        Ok::<(), Problems>(())
    };
    file.for_each_batch(&channels, 10, count).await.unwrap();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(contexts[24], r#"{"n":24}"#);
}

#[test]
fn targets_and_job_types_multiply_and_are_remembered() {
    let account = line(serde_json::json!({"job_types": ["statuses"], "targets": ["x", "y"]}));
    let wanted = check_with(&account, &channels_with_targets()).unwrap();
    assert_eq!(wanted.jobs, 2);
    let job = |target: Option<&str>| JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: target.map(|text| Target::new(text).unwrap()),
    };
    assert!(wanted.holds(&job(Some("x"))) && wanted.holds(&job(Some("y"))));
    assert!(!wanted.holds(&job(None)) && !wanted.holds(&job(Some("z"))));
}

#[test]
fn every_bad_line_is_named_with_its_field_and_what_to_do() {
    use serde_json::json;
    let cases = [
        (line(json!({"account_id": null})), "`account_id`: is missing"),
        (line(json!({"account_id": 7})), "`account_id`: must be a string: write it in double quotes"),
        (line(json!({"account_id": ""})), "`account_id`: account id is empty"),
        (line(json!({"account_id": "a\u{0}"})), "`account_id`: account id `a\\0` has the character"),
        (
            line(json!({"channel": "mastodn"})),
            "no channel `mastodn`, there is `bluesky`, `facebook`, `feed`, `github`, `hackernews`, `mastodon`, `reddit`, `x`, `youtube`: did you mean `mastodon`?",
        ),
        (
            line(json!({"job_types": ["status"]})),
            "has no job type `status`, there is `notifications`, `statuses`: did you mean `statuses`?",
        ),
        (line(json!({"job_types": []})), "`job_types`: is an empty list"),
        (line(json!({"job_types": "statuses"})), "`job_types`: must be a list of strings"),
        (line(json!({"job_types": ["statuses", "statuses"]})), "lists `statuses` twice"),
        (
            line(json!({"service_level": "pro"})),
            "no service level `pro`, there is `enterprise`, `free`, `professional`",
        ),
        (
            line(json!({"service_level": "Free"})),
            "`service_level`: service level `Free` has the character 'F'",
        ),
        (line(json!({"external_id": ""})), "`external_id`: is empty"),
        (line(json!({"external_id": "a\nb"})), "`external_id`: has a control character"),
        (
            line(json!({"external_id": "x".repeat(2000)})),
            "`external_id`: is 2000 bytes long, the limit is 1024",
        ),
        (line(json!({"base_url": null})), "`base_url`: channel `mastodon` needs one"),
        (line(json!({"base_url": "file:///etc/passwd"})), "`base_url`: its scheme is not http or https"),
        (
            line(json!({"base_url": "https://u:planted-s3cret@x"})),
            "`base_url`: it has a user name or password",
        ),
        (line(json!({"token": ["planted-s3cret"]})), "`token`: must be a string"),
        (line(json!({"token": "planted-s3cret\n"})), "`token`: cannot be sent in a header"),
        (line(json!({"token": ""})), "`token`: cannot be sent in a header: it is empty"),
        (line(json!({"context": "planted-s3cret"})), "`context`: the context is not a JSON object"),
        (
            line(json!({"context": {"k": "x".repeat(17_000)}})),
            "`context`: the context is 17008 bytes of JSON, the limit is 16384",
        ),
        (line(json!({"targets": ["a\u{0}"]})), "`targets`: target `a\\0` has the character"),
        (line(json!({"tokn": "planted-s3cret"})), "there is no field `tokn`, the fields are account_id,"),
        (r#"{"account_id": "a", "account_id": "b"}"#.to_owned(), "`account_id`: stands twice"),
        (r#"{"account_id": "\ud800"}"#.to_owned(), "`account_id`: is not a valid string"),
        (
            r#"{"account_id": "a1", "token": planted-s3cret}"#.to_owned(),
            ":1:31: is not JSON (expected value)",
        ),
        (r#"{"token": "planted-s3cret"} {}"#.to_owned(), "is not JSON (trailing characters)"),
        ("[]".to_owned(), "is not a JSON object"),
        (String::new(), "has no accounts"),
    ];
    for (line, expected) in cases {
        let problems = check(&line).expect_err(&line);
        assert!(problems.contains(expected), "of {line}\nexpected {expected}\nin {problems}");
        assert!(!problems.contains("planted"), "a secret got out: {problems}");
        assert!(problems.starts_with("accounts.jsonl:"), "{problems}");
    }
}

#[test]
fn a_deeply_nested_context_is_refused_and_not_lost() {
    let context = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    let line = line(serde_json::json!({}));
    let line = format!("{},\"context\":{context}}}", line.trim_end_matches('}'));
    let problems = check(&line).unwrap_err();
    assert!(problems.contains("nested too deeply") || problems.contains("recursion limit"), "{problems}");
}

#[test]
fn two_lines_for_one_account_are_both_named() {
    let file =
        format!("{}\n\n{}", line(serde_json::json!({})), line(serde_json::json!({"external_id": "43"})));
    let problems = check(&file).unwrap_err();
    assert_eq!(
        problems,
        "accounts.jsonl:3: `account_id`: channel `mastodon` has the account `a1` on line 1 already: leave one of the two away"
    );
}

#[test]
fn all_problems_are_told_twenty_of_them_in_words() {
    let file: Vec<String> = (0..25).map(|_| line(serde_json::json!({"service_level": null}))).collect();
    let problems = check(&file.join("\n")).unwrap_err();
    assert_eq!(problems.lines().count(), 21);
    assert_eq!(problems.lines().next().unwrap(), "accounts.jsonl:1: `service_level`: is missing");
    assert_eq!(problems.lines().last().unwrap(), "and 5 more");
}

#[tokio::test]
async fn a_file_that_changes_between_the_readings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.jsonl");
    fs::write(&path, line(serde_json::json!({}))).unwrap();
    let channels = channels();
    let mut file = AccountsFile::open(&path).unwrap();
    file.check(&channels, PrivateAddresses::Refused).unwrap();
    fs::write(&path, format!("{}\n", line(serde_json::json!({"account_id": "another"})))).unwrap();
    let refused = file.for_each_batch(&channels, 10, async |_: &[NewJob]| Ok::<(), Problems>(())).await;
    assert!(refused.unwrap_err().to_string().contains("it was changed while it was read"));
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| AccountsFile::open(path).map(drop).unwrap_err().to_string();
    assert!(refused(folder.path()).contains("is a folder"));
    assert!(refused(&folder.path().join("missing")).contains("cannot be read"));
    assert!(refused(Path::new("/dev/null")).contains("is read twice"));
}

#[test]
fn targets_are_for_the_job_types_that_name_one() {
    let refused = check(&line(serde_json::json!({"targets": ["x"]}))).unwrap_err();
    assert!(refused.contains(":1: `targets`: is not used by the requests of `statuses`"), "{refused}");
    let refused = check_with(&line(serde_json::json!({})), &channels_with_targets()).unwrap_err();
    assert!(refused.contains(":1: `targets`: is missing: job type `statuses` polls several"), "{refused}");
}

#[test]
fn a_context_and_a_host_that_no_poll_could_use_are_refused_by_field() {
    for (changes, expected) in [
        (serde_json::json!({"context": {"poll": {"cursor": 5}}}), ":1: `context.poll`: cannot be read"),
        (
            serde_json::json!({"base_url": "http://localhost:1"}),
            ":1: `base_url`: its host is a loopback name",
        ),
        (serde_json::json!({"base_url": "https://10.1.2.3"}), "`--allow-private-addresses`"),
    ] {
        let refused = check(&line(changes)).unwrap_err();
        assert!(refused.contains(expected), "expected {expected} in {refused}");
    }
}
