//! Author feeds: cursors, headers, errors.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{Site, strings};

const ACTOR: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const PATH: &str = "/xrpc/app.bsky.feed.getAuthorFeed?actor=did%3Aplc%3Az72i7hdynmk6r22z27h6tvur";

async fn site() -> Site {
    let growth = Growth { history: 130, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn cursors_lead_through_the_whole_feed_and_the_last_page_has_none() {
    let site = site().await;
    site.clock.advance(Duration::from_secs(10));
    site.post(&format!("/_accounts/bluesky/{ACTOR}/post?n=30")).await;
    let all = site.item_ids("bluesky", ACTOR).await;
    assert_eq!(all.len(), 160);
    let (mut seen, mut path, mut pages) = (Vec::new(), format!("{PATH}&limit=20"), 0);
    loop {
        let page = site.get(&path).await.json();
        seen.extend(strings(&page["feed"], "/post/uri"));
        pages += 1;
        let Some(cursor) = page.get("cursor") else { break };
        path = format!("{PATH}&limit=20&cursor={}", cursor.as_str().unwrap().replace(':', "%3A"));
    }
    assert_eq!((seen, pages), (all, 8));
}

#[tokio::test]
async fn a_page_has_50_unless_asked_otherwise_and_a_bad_parameter_is_named() {
    let site = site().await;
    assert_eq!(site.get(PATH).await.json()["feed"].as_array().unwrap().len(), 50);
    for (query, message) in [
        ("&limit=101", "Error: limit is not valid"),
        ("&limit=0", "Error: limit is not valid"),
        ("&filter=all", "Error: filter is not valid"),
        ("&cursor=x", "Error: cursor is not valid"),
    ] {
        let answer = site.get(&format!("{PATH}{query}")).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (400, Some(message)));
        assert_eq!(answer.json()["error"], "InvalidRequest");
    }
    let without = site.get("/xrpc/app.bsky.feed.getAuthorFeed").await;
    assert_eq!(without.json()["message"], "Error: Params must have the property \"actor\"");
}

#[tokio::test]
async fn a_post_has_the_documented_shape() {
    let site = site().await;
    let item = &site.get(PATH).await.json()["feed"][0];
    let post = &item["post"];
    assert!(post["uri"].as_str().unwrap().starts_with(&format!("at://{ACTOR}/app.bsky.feed.post/3")));
    assert!(post["cid"].as_str().unwrap().starts_with("bafyrei"));
    assert_eq!((post["author"]["did"].as_str(), item.get("reason")), (Some(ACTOR), None));
    assert_eq!(post["record"]["$type"], "app.bsky.feed.post");
    assert!(post["record"]["text"].is_string() && post["likeCount"].is_u64());
    assert_eq!(post["record"]["createdAt"], post["indexedAt"]);
}

#[tokio::test]
async fn the_limit_is_the_addresss_and_told_in_epoch_seconds() {
    let mut config = Config::default();
    config.limits.bluesky.requests = 3;
    let site = Site::start(config).await;
    for (remaining, token) in [("2", "a"), ("1", "b"), ("0", "c")] {
        let token = format!("Bearer {token}");
        let answer = site.get_with(PATH, &[("Authorization", &token)]).await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, remaining));
        assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-policy")), ("3", "3;w=300"));
        assert_eq!(answer.header("ratelimit-reset"), "1767225900");
    }
    let limited = site.get(PATH).await;
    assert_eq!((limited.status, limited.json()["error"].as_str()), (429, Some("RateLimitExceeded")));
    assert_eq!(site.stats().await.channels.bluesky.violations, 1);
}

#[tokio::test]
async fn who_is_not_there_is_a_bad_request() {
    let site = site().await;
    let path = "/xrpc/app.bsky.feed.getAuthorFeed?actor";
    let missing = site.get(&format!("{path}=missing-1.example")).await;
    assert_eq!((missing.status, missing.json()["message"].as_str()), (400, Some("Profile not found")));
    let gone = site.get(&format!("{path}=gone-1.example")).await;
    assert_eq!((gone.status, gone.json()["error"].as_str()), (400, Some("AccountTakedown")));
    assert_eq!(site.stats().await.channels.bluesky.http_gone, 2);
}

#[tokio::test]
async fn a_matching_etag_gets_a_304() {
    let site = site().await;
    let etag = site.get(PATH).await.header("etag").to_owned();
    assert!(etag.starts_with("W/\""));
    assert_eq!(site.get_with(PATH, &[("If-None-Match", &etag)]).await.status, 304);
}
