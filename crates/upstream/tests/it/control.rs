//! The paths for tests: counts, timelines, posts.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{START_MS, Site};

async fn quiet() -> Site {
    let growth = Growth { items_per_hour: 0.0, history: 10, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn posted_items_appear_in_order_and_are_counted() {
    let site = quiet().await;
    let before = site.timeline("mastodon", "1").await;
    let posted = site.post("/_accounts/mastodon/1/post?n=5").await.json();
    let posted: Vec<u64> =
        posted["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
    assert!(posted.len() == 5 && posted.is_sorted() && posted[0] > before[0]);
    let new = site.page(&format!("/api/v1/accounts/1/statuses?since_id={}", before[0])).await;
    assert!(new.iter().rev().eq(&posted));
    assert_eq!(site.post("/_accounts/mastodon/1/post").await.json()["ids"].as_array().unwrap().len(), 1);
    let account = site.stats().await.accounts.unwrap().mastodon.remove("1").unwrap();
    assert_eq!((account.posted, account.requests), (6, 1));
    assert_eq!(account.newest_id, Some(site.timeline("mastodon", "1").await[0].to_string()));
}

#[tokio::test]
async fn ids_tell_history_from_what_came_since() {
    let site = quiet().await;
    site.post("/_accounts/github/a/post?n=3").await;
    let answer = site.get("/_accounts/github/a/ids").await.json();
    assert_eq!(answer["history"], 10);
    let ids = answer["ids"].as_array().unwrap();
    assert_eq!(ids.len(), 13);
    assert_eq!(ids[10].as_str().unwrap().parse::<u64>().unwrap() >> 16, START_MS);
}

#[tokio::test]
async fn stats_can_leave_the_accounts_out() {
    let site = quiet().await;
    site.get("/users/a/events").await;
    site.clock.advance(Duration::from_millis(1_234));
    let short = site.get("/_stats?accounts=0").await.json();
    assert_eq!(short.get("accounts"), None);
    assert_eq!((short["uptime_ms"].as_u64(), short["seed"].as_u64()), (Some(1_234), Some(1)));
    assert_eq!(short["channels"]["github"]["requests"], 1);
    assert_eq!(short["channels"]["github"]["items"], 10);
    assert_eq!(short["total"]["faults"]["error_500"], 0);
    let long = site.get("/_stats").await.json();
    assert_eq!(long["accounts"]["github"]["a"]["requests"], 1);
    assert_eq!(long["accounts"]["mastodon"], serde_json::json!({}));
    assert_eq!(
        serde_json::to_value(site.running.stats()).unwrap(),
        long,
        "in the process and over HTTP alike"
    );
}

#[tokio::test]
async fn mistakes_are_explained() {
    let site = quiet().await;
    let no_channel = site.get("/_accounts/gitlab/a/ids").await;
    assert_eq!(no_channel.status, 404);
    let error = no_channel.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("no channel `gitlab`: use `mastodon`, `github`, "), "{error}");
    let no_path = site.get("/_stat").await;
    assert!(no_path.status == 404 && no_path.body.contains("GET /_stats"));
    assert_eq!(site.get("/_accounts/github/a%20b/ids").await.status, 400);
    let too_many = site.post("/_accounts/github/a/post?n=1000000").await;
    assert_eq!(too_many.status, 409);
    assert_eq!(too_many.json()["error"], "an account takes at most 100000 posted items");
}
