//! A token is in the requests that need it, and nowhere else.

use std::fs;
use std::path::Path;

use pollwheel_upstream::{Channel, Config, PerFault};

use crate::process::{Running, answer, until};
use crate::site::{Account, Deployment, Site, TOKEN, accounts, post_to_all, still};

/// Every file below a folder, but the accounts file, that holds a text.
fn holding(folder: &Path, text: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, text, found);
        } else if !path.ends_with("accounts.jsonl") {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn r28_a_planted_token_is_in_no_log_event_report_or_state() {
    let faults = PerFault { error_500: 0.1, malformed: 0.1, reset: 0.1, ..PerFault::default() };
    let site = Site::start(Config { faults, ..still() });
    let mut accounts = accounts(4);
    accounts.push(Account::new(Channel::Mastodon, "unauthorized-1"));
    accounts.push(Account::new(Channel::Github, "gone-1"));
    let deployment = Deployment::new(&site, &accounts);
    let running = Running::start(&mut deployment.run("--log trace"), deployment.path());
    until("every account is polled", || site.was_polled(&accounts, 1));
    let well = &accounts[..8];
    until("every account that is well is polled again", || site.was_polled(well, 3));
    post_to_all(&site, well, 2);
    until("something is published", || deployment.events().len() > 3);
    running.terminate();

    for command in ["list --json", "show m0", "explain m0 --json"] {
        let (code, stdout, stderr) = answer(&mut deployment.job(command));
        assert!(
            code == 0 && !stdout.contains(TOKEN) && !stderr.contains(TOKEN),
            "{command}: {stdout}{stderr}"
        );
    }
    let mut found = Vec::new();
    holding(deployment.path(), TOKEN.as_bytes(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    let log = fs::read_to_string(deployment.file("stderr")).unwrap();
    assert!(log.contains("polls failed"), "the failures are in the log: {log}");
}

#[test]
fn r28_a_bad_accounts_file_is_refused_without_a_word_of_its_tokens() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &accounts(1));
    for line in [
        format!(r#"{{"account_id": "a", "token": {TOKEN}}}"#),
        format!(r#"{{"account_id": "a", "token": ["{TOKEN}"]}}"#),
        format!(r#"{{"account_id": "a", "tokn": "{TOKEN}"}}"#),
        format!(r#""{TOKEN}""#),
        format!(
            r#"{{"account_id": "a", "channel": "mastodon", "base_url": "https://x/?token={TOKEN}", "external_id": "1", "service_level": "free"}}"#
        ),
    ] {
        fs::write(deployment.file("accounts.jsonl"), &line).unwrap();
        let (code, stdout, stderr) = answer(&mut deployment.run(""));
        assert_eq!(code, 2, "{line}: {stderr}");
        assert!(!stderr.contains(TOKEN) && stdout.is_empty(), "{stderr}");
    }
}
