//! Windows: enforced, told, reset, and violations counted.

use std::time::Duration;

use pollwheel_upstream::{Config, Fault, Limit, PerChannel};

use crate::client::Site;

const MASTODON: &str = "/api/v1/accounts/1/statuses";
const GITHUB: &str = "/users/a/events";

async fn site() -> Site {
    let mut limits = PerChannel::from_fn(|_| Limit { requests: 2, window: Duration::from_secs(100) });
    limits.mastodon = Limit { requests: 3, window: Duration::from_secs(60) };
    Site::start(Config { limits, ..Config::default() }).await
}

#[tokio::test]
async fn mastodon_answers_429_until_the_window_is_over() {
    let site = site().await;
    site.clock.advance(Duration::from_secs(15));
    for remaining in [2, 1, 0] {
        let answer = site.get(MASTODON).await;
        assert_eq!((answer.status, answer.number("x-ratelimit-remaining")), (200, remaining));
        assert_eq!(answer.header("x-ratelimit-reset"), "2026-01-01T00:01:00.000000Z");
    }
    for _ in 0..2 {
        let limited = site.get(MASTODON).await;
        assert_eq!((limited.status, limited.number("x-ratelimit-remaining")), (429, 0));
        assert_eq!(limited.body, r#"{"error":"Too many requests"}"#);
        assert_eq!(limited.header("x-ratelimit-reset"), "2026-01-01T00:01:00.000000Z");
    }
    site.clock.advance(Duration::from_secs(45));
    assert_eq!(site.get(MASTODON).await.status, 200);
    let stats = site.stats().await.channels.mastodon;
    assert_eq!((stats.requests, stats.http_200, stats.http_429, stats.violations), (6, 4, 2, 2));
}

#[tokio::test]
async fn github_answers_403_with_nothing_remaining() {
    let site = site().await;
    site.clock.advance(Duration::from_secs(15));
    let token = [("Authorization", "Bearer t")];
    for _ in 0..2 {
        assert_eq!(site.get_with(GITHUB, &token).await.status, 200);
    }
    site.clock.advance(Duration::from_secs(99));
    let limited = site.get_with(GITHUB, &token).await;
    assert_eq!((limited.status, limited.number("x-ratelimit-remaining")), (403, 0));
    assert_eq!(limited.number("x-ratelimit-reset"), 1_767_225_600 + 15 + 100, "from the first request on");
    assert!(limited.json()["message"].as_str().unwrap().starts_with("API rate limit exceeded for user ID"));
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.get_with(GITHUB, &token).await.status, 200);
    let stats = site.stats().await;
    assert_eq!((stats.channels.github.http_429, stats.channels.github.violations), (1, 1));
    assert_eq!((stats.total.http_429, stats.channels.mastodon.violations), (1, 0));
}

#[tokio::test]
async fn each_token_has_its_own_window_whatever_the_account() {
    let site = site().await;
    for token in ["Bearer a", "Bearer b"] {
        for account in [1, 2, 3] {
            let path = format!("/api/v1/accounts/{account}/statuses");
            assert_eq!(site.get_with(&path, &[("Authorization", token)]).await.status, 200);
        }
        assert_eq!(site.get_with(MASTODON, &[("Authorization", token)]).await.status, 429);
    }
    assert_eq!(site.get(MASTODON).await.status, 200, "the address is a caller of its own");
}

#[tokio::test]
async fn no_fault_hides_a_violation() {
    let mut config = Config::default();
    config.limits.mastodon.requests = 1;
    *config.faults.get_mut(Fault::Error500) = 1.0;
    let site = Site::start(config).await;
    assert_eq!(site.get(MASTODON).await.status, 500);
    assert_eq!(site.get(MASTODON).await.status, 429);
    assert_eq!(site.stats().await.total.violations, 1);
}

#[tokio::test]
async fn a_throttled_account_is_refused_in_the_apis_other_way_and_is_no_violation() {
    let site = Site::start(Config::default()).await;
    let answers = [
        ("/api/v1/accounts/throttled-1/statuses", 429, "Too many requests"),
        ("/users/throttled-1/events", 403, "You have exceeded a secondary rate limit"),
        ("/xrpc/app.bsky.feed.getAuthorFeed?actor=throttled-1", 429, "RateLimitExceeded"),
        ("/2/users/throttled-1/tweets", 429, "/usage-capped"),
        ("/v24.0/throttled-1/posts", 400, "613"),
        ("/user/throttled-1/submitted", 403, "<!doctype html>"),
        ("/feeds/videos.xml?channel_id=throttled-1", 403, "<!DOCTYPE html>"),
        ("/feeds/throttled-1.rss", 429, "<html>"),
        ("/api/v1/search_by_date?tags=author_throttled-1", 429, "Too many requests"),
    ];
    for (path, status, text) in answers {
        let answer = site.get_with(path, &[("Authorization", "Bearer t")]).await;
        assert!(answer.status == status && answer.body.contains(text), "{path}: {answer:?}");
        let waits = answer.headers.contains_key("retry-after");
        assert_eq!(waits, path.ends_with("events") || path.ends_with("rss"), "{path}");
    }
    let total = site.stats().await.total;
    assert_eq!((total.http_429, total.violations), (9, 0));
}
