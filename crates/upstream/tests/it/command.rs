//! The `upstream` command as a process.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::client::request;

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn it_says_where_it_listens_serves_and_stops_on_sigterm() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_upstream"))
        .args(["--listen", "127.0.0.1:0", "--history", "7", "--limit", "mastodon=5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let addr = ready["listening"].as_str().unwrap().parse().unwrap();
    let answer = request(addr, "GET", "/api/v1/accounts/1/statuses", &[]).await.unwrap();
    assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, 7));
    assert_eq!(answer.number("x-ratelimit-limit"), 5);
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(timeout(DEADLINE, child.wait()).await.unwrap().unwrap().success());
    assert_eq!(lines.next_line().await.unwrap(), None, "one line and no more");
}

#[tokio::test]
async fn it_refuses_to_listen_to_the_world() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_upstream")).args(["--listen", "0.0.0.0:0"]).output().await.unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("`0.0.0.0:0` is not a loopback address: use 127.0.0.1 or [::1]"), "{stderr}");
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn it_writes_accounts_of_every_channel() {
    let run = async |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_upstream")).args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let all = run(&["accounts", "--each", "3", "--base-url", "http://127.0.0.1:1/"]).await;
    assert_eq!(all.len(), 27);
    for line in &all {
        assert!(line["account_id"].is_string() && line["external_id"].is_string());
        assert_eq!(line["service_level"], "enterprise");
    }
    let ids: std::collections::BTreeSet<_> = all.iter().map(|line| line["account_id"].to_string()).collect();
    assert_eq!(ids.len(), 27);
    let some = run(&["accounts", "--each", "2", "--channel", "feed", "--channel", "x"]).await;
    let channels: Vec<_> = some.iter().map(|line| line["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["feed", "x", "feed", "x"]);
    assert_eq!(some[0]["external_id"], "http://127.0.0.1:8080/feeds/feed-1.atom");
    let applications = run(&["applications"]).await;
    let channels: Vec<_> = applications.iter().map(|line| line["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["x", "reddit"]);
}
