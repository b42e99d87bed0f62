//! Events: pages, headers, validators, the poll interval.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{Answer, Site, ids, request};

const PATH: &str = "/users/octo-cat/events";
const TOKEN: (&str, &str) = ("Authorization", "Bearer t-1");

/// An hour apart at least, so that 400 events lie within GitHub's 90 days.
async fn site(history: u32) -> Site {
    let growth = Growth { items_per_hour: 25.0, burst_rate: 0.0, burst_size: 0, history };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn a_page_is_newest_first_and_30_long_unless_asked_otherwise() {
    let site = site(400).await;
    let all = site.timeline("github", "octo-cat").await;
    assert_eq!(site.page(PATH).await, all[..30]);
    assert_eq!(site.page(&format!("{PATH}/public")).await, all[..30]);
    assert_eq!(site.page(&format!("{PATH}?per_page=5&page=3")).await, all[10..15]);
    assert_eq!(site.page(&format!("{PATH}?per_page=1000")).await, all[..100], "100 at most");
}

#[tokio::test]
async fn links_lead_through_300_events_and_no_further() {
    let site = site(400).await;
    let all = site.timeline("github", "octo-cat").await;
    let (mut seen, mut next) = (Vec::new(), Some(format!("{PATH}?per_page=70")));
    let mut pages = Vec::<Answer>::new();
    while let Some(path) = next {
        let answer = site.get(&path).await;
        seen.extend(ids(&answer.json()));
        next = answer.link("next");
        pages.push(answer);
    }
    assert_eq!(seen, all[..300]);
    assert_eq!(pages[0].link("last").unwrap(), format!("{PATH}?per_page=70&page=5"));
    assert_eq!((pages[0].link("first"), pages[0].link("prev")), (None, None));
    assert_eq!(pages[4].link("first").unwrap(), format!("{PATH}?per_page=70&page=1"));
    assert_eq!(pages[4].link("prev").unwrap(), format!("{PATH}?per_page=70&page=4"));
    let beyond = site.get(&format!("{PATH}?per_page=100&page=4")).await;
    assert_eq!(beyond.status, 422);
    assert!(beyond.json()["message"].as_str().unwrap().contains("pagination is limited for this resource"));
}

#[tokio::test]
async fn a_short_timeline_is_one_page_without_links() {
    let site = site(3).await;
    let answer = site.get(PATH).await;
    assert_eq!((ids(&answer.json()).len(), answer.headers.get("link")), (3, None));
}

#[tokio::test]
async fn headers_have_githubs_form() {
    let site = site(40).await;
    let answer = site.get_with(PATH, &[TOKEN]).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("x-poll-interval"), "60");
    assert_eq!(answer.header("cache-control"), "private, max-age=60, s-maxage=60");
    assert_eq!(answer.header("x-ratelimit-limit"), "5000");
    assert_eq!(answer.header("x-ratelimit-remaining"), "4999");
    assert_eq!(answer.header("x-ratelimit-used"), "1");
    assert_eq!(answer.header("x-ratelimit-reset"), "1767229200");
    assert_eq!(answer.header("x-ratelimit-resource"), "core");
    assert!(answer.header("etag").starts_with('"'));
    assert!(answer.header("last-modified").ends_with(" GMT"));
}

#[tokio::test]
async fn an_event_has_the_documented_shape() {
    let site = site(40).await;
    for event in site.get(PATH).await.json().as_array().unwrap() {
        assert!(event["id"].is_string());
        assert!(event["type"].as_str().unwrap().ends_with("Event"));
        assert_eq!(event["actor"]["login"], "octo-cat");
        assert!(event["repo"]["name"].as_str().unwrap().starts_with("octo-cat/"));
        assert!(event["payload"].is_object());
        assert_eq!(event["public"], true);
        assert_eq!(event["created_at"].as_str().unwrap().len(), "2026-01-01T00:00:00Z".len());
    }
}

#[tokio::test]
async fn a_304_is_free_with_a_token_and_counts_without() {
    let site = site(40).await;
    let first = site.get_with(PATH, &[TOKEN]).await;
    let etag = ("If-None-Match", first.header("etag"));
    for _ in 0..3 {
        let unchanged = site.get_with(PATH, &[TOKEN, etag]).await;
        assert_eq!((unchanged.status, unchanged.number("x-ratelimit-remaining")), (304, 4_999));
        assert_eq!(unchanged.header("x-poll-interval"), "60");
    }
    assert_eq!(
        site.get_with(PATH, &[etag]).await.number("x-ratelimit-remaining"),
        4_999,
        "the address's own window"
    );
    assert_eq!(site.get_with(PATH, &[etag]).await.number("x-ratelimit-remaining"), 4_998);
}

#[tokio::test]
async fn who_has_no_user_agent_is_turned_away() {
    let site = site(40).await;
    let answer = request(site.running.addr(), "GET", PATH, &[TOKEN]).await.unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.body.starts_with("Request forbidden by administrative rules."));
    assert!(answer.body.contains("User-Agent"));
    assert_eq!(site.get_with(PATH, &[TOKEN]).await.number("x-ratelimit-used"), 1, "and not counted");
}

#[tokio::test]
async fn a_poll_before_the_interval_is_served_and_counted() {
    let site = site(400).await;
    for (wait_seconds, path) in [(0, ""), (60, ""), (59, ""), (60, ""), (1, "?page=2")] {
        site.clock.advance(Duration::from_secs(wait_seconds));
        assert_eq!(site.get(&format!("{PATH}{path}")).await.status, 200);
    }
    assert_eq!(site.stats().await.channels.github.early_polls, 1);
}
