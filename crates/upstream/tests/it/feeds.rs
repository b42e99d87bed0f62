//! RSS, Atom and JSON Feed: one feed in three formats, with validators.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{Site, strings};

async fn site() -> Site {
    let growth = Growth { history: 40, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, poll_interval: Duration::from_secs(90), ..Config::default() }).await
}

fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    text.split(open).skip(1).map(|rest| rest.split_once(close).unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn the_three_formats_have_the_same_items() {
    let site = site().await;
    let newest = site.item_ids("feed", "news").await[..20].to_vec();
    let rss = site.get("/feeds/news.rss").await;
    assert_eq!(rss.header("content-type"), "application/rss+xml; charset=utf-8");
    assert_eq!(between(&rss.body, "<guid>", "</guid>"), newest);
    assert!(between(&rss.body, "<pubDate>", "</pubDate>").iter().all(|date| date.ends_with(" GMT")));
    let atom = site.get("/feeds/news.atom").await;
    assert_eq!(atom.header("content-type"), "application/atom+xml; charset=utf-8");
    assert_eq!(between(&atom.body, "<entry><id>", "</id>"), newest);
    let json = site.get("/feeds/news.json").await;
    assert_eq!(json.header("content-type"), "application/feed+json");
    assert_eq!(json.json()["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(strings(&json.json()["items"], "/id"), newest);
    let dates = strings(&json.json()["items"], "/date_published");
    assert_eq!(between(&atom.body, "<published>", "</published>"), dates);
}

#[tokio::test]
async fn freshness_is_told_in_a_header_and_in_rss_by_ttl() {
    let site = site().await;
    let rss = site.get("/feeds/news.rss").await;
    assert_eq!(rss.header("cache-control"), "public, max-age=90");
    assert_eq!(between(&rss.body, "<ttl>", "</ttl>"), ["2"], "whole minutes, rounded up");
    site.clock.advance(Duration::from_secs(89));
    site.get("/feeds/news.rss").await;
    site.clock.advance(Duration::from_secs(90));
    site.get("/feeds/news.rss").await;
    assert_eq!(site.stats().await.channels.feed.early_polls, 1);
}

#[tokio::test]
async fn either_validator_gets_a_304_until_something_is_posted() {
    let site = site().await;
    let first = site.get("/feeds/news.rss").await;
    let validators = [
        ("If-None-Match", first.header("etag").to_owned()),
        ("If-Modified-Since", first.header("last-modified").to_owned()),
    ];
    for (name, value) in &validators {
        let unchanged = site.get_with("/feeds/news.rss", &[(name, value)]).await;
        assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""), "{name}");
        assert_eq!(unchanged.header("etag"), first.header("etag"));
    }
    site.clock.advance(Duration::from_secs(5));
    site.post("/_accounts/feed/news/post").await;
    for (name, value) in &validators {
        assert_eq!(site.get_with("/feeds/news.rss", &[(name, value)]).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn a_limit_that_is_set_is_told_by_retry_after() {
    let mut config = Config::default();
    config.limits.feed.requests = 1;
    let site = Site::start(config).await;
    assert_eq!(site.get("/feeds/news.rss").await.headers.get("retry-after"), None);
    site.clock.advance(Duration::from_secs(600));
    let limited = site.get("/feeds/other.atom").await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "3000"));
}

#[tokio::test]
async fn a_feed_can_be_gone() {
    let site = site().await;
    for (id, status) in [("gone-1", 410), ("missing-1", 404), ("forbidden-1", 403), ("unauthorized-1", 401)] {
        assert_eq!(site.get(&format!("/feeds/{id}.rss")).await.status, status);
    }
    assert_eq!(site.get("/feeds/news.xml").await.status, 404);
}
