//! Notification threads: validators, the poll interval, threads that come again.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};
use serde_json::Value;

use crate::client::{Site, strings};

const PATH: &str = "/notifications";
const TOKEN: (&str, &str) = ("Authorization", "Bearer secret~octo-cat");

async fn site(items_per_hour: f64) -> Site {
    let growth = Growth { items_per_hour, burst_rate: 0.0, burst_size: 0, history: 140 };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn a_token_is_needed() {
    let site = site(0.0).await;
    let without = site.get(PATH).await;
    assert_eq!((without.status, without.json()["message"].as_str()), (401, Some("Requires authentication")));
    assert_eq!(site.get_with(PATH, &[TOKEN]).await.status, 200);
}

#[tokio::test]
async fn a_thread_has_the_documented_shape_and_threads_come_newest_first() {
    let site = site(0.0).await;
    let answer = site.get_with(PATH, &[TOKEN]).await;
    assert_eq!(answer.header("x-poll-interval"), "60");
    let threads = answer.json();
    assert_eq!(threads.as_array().unwrap().len(), 50, "50 a page, and no more");
    assert!(strings(&threads, "/updated_at").is_sorted_by(|a, b| a > b));
    let everything = site.timeline("github", "octo-cat").await;
    for thread in threads.as_array().unwrap() {
        let id = thread["id"].as_str().unwrap();
        assert!(everything.contains(&id.parse().unwrap()), "it has the id of the item that began it");
        assert_eq!(thread["unread"], true);
        assert!(thread["reason"].is_string() && thread["subject"]["title"].is_string());
        assert!(["Issue", "PullRequest"].contains(&thread["subject"]["type"].as_str().unwrap()));
        assert!(thread["repository"]["full_name"].as_str().unwrap().contains('/'));
        assert_eq!(thread["url"], format!("https://api.github.example/notifications/threads/{id}"));
    }
}

#[tokio::test]
async fn links_lead_through_all_threads() {
    let site = site(0.0).await;
    let (mut seen, mut next) = (Vec::new(), Some(format!("{PATH}?all=true&per_page=40")));
    while let Some(path) = next {
        let answer = site.get_with(&path, &[TOKEN]).await;
        seen.extend(strings(&answer.json(), "/id"));
        next = answer.link("next");
        assert!(next.as_ref().is_none_or(|next| next.contains("all=true")), "parameters are kept");
    }
    assert!((80..140).contains(&seen.len()), "{}", seen.len());
    let last = site.timeline("github", "octo-cat").await[139].to_string();
    assert_eq!(seen.last(), Some(&last));
}

#[tokio::test]
async fn a_thread_that_is_updated_comes_again_with_a_newer_time() {
    let site = site(600.0).await;
    let threads = async || {
        let answer = site.get_with(PATH, &[TOKEN]).await.json();
        answer.as_array().unwrap().iter().map(key).collect::<Vec<_>>()
    };
    let mut newest = threads().await.remove(0);
    let (mut again, mut others) = (0, 0);
    for _ in 0..400 {
        site.clock.advance(Duration::from_secs(60));
        for (id, updated) in threads().await {
            if id == newest.0 && updated > newest.1 {
                again += 1;
            } else if id != newest.0 && updated > newest.1 {
                others += 1;
            }
        }
        newest = threads().await.remove(0);
    }
    assert!(again > 5 && others > 5, "{again} again, {others} new");
}

fn key(thread: &Value) -> (String, String) {
    let text = |name: &str| thread[name].as_str().unwrap().to_owned();
    (text("id"), text("updated_at"))
}

#[tokio::test]
async fn if_modified_since_gets_a_304_that_is_free() {
    let site = site(0.0).await;
    let modified = site.get_with(PATH, &[TOKEN]).await.header("last-modified").to_owned();
    let since = ("If-Modified-Since", modified.as_str());
    for _ in 0..3 {
        let unchanged = site.get_with(PATH, &[TOKEN, since]).await;
        assert_eq!((unchanged.status, unchanged.number("x-ratelimit-remaining")), (304, 4_999));
        assert_eq!(
            (unchanged.header("x-poll-interval"), unchanged.header("last-modified")),
            ("60", &*modified)
        );
    }
    site.clock.advance(Duration::from_secs(5));
    site.post("/_accounts/github/octo-cat/post").await;
    assert_eq!(site.get_with(PATH, &[TOKEN, since]).await.status, 200);
    let both = [TOKEN, since, ("If-None-Match", "\"other\"")];
    assert_eq!(site.get_with(PATH, &both).await.status, 200, "a tag goes before a date");
}

#[tokio::test]
async fn since_and_before_are_times_of_update() {
    let site = site(0.0).await;
    let all = strings(&site.get_with(PATH, &[TOKEN]).await.json(), "/updated_at");
    let since = site.get_with(&format!("{PATH}?since={}", all[9]), &[TOKEN]).await;
    assert_eq!(strings(&since.json(), "/updated_at"), all[..10], "the time itself is included");
    let before = site.get_with(&format!("{PATH}?before={}&per_page=5", all[9]), &[TOKEN]).await;
    assert!(strings(&before.json(), "/updated_at")[0] < all[9]);
}
