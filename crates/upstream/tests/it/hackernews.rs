//! Submissions by the search API: pages, times, hits.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{Site, strings};

const PATH: &str = "/api/v1/search_by_date?tags=author_pg,(story,poll)";

async fn site(history: u32) -> Site {
    let growth = Growth { history, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn pages_are_counted_from_0_and_end_after_1000_hits() {
    let site = site(1_050).await;
    let all = site.item_ids("hackernews", "pg").await;
    let mut seen = Vec::new();
    for page in 0..4 {
        let body = site.get(&format!("{PATH}&hitsPerPage=300&page={page}")).await.json();
        assert_eq!((body["page"].as_u64(), body["nbPages"].as_u64()), (Some(page), Some(4)));
        assert_eq!((body["nbHits"].as_u64(), body["hitsPerPage"].as_u64()), (Some(1_000), Some(300)));
        seen.extend(strings(&body["hits"], "/objectID"));
    }
    assert_eq!(seen, all[..1_000]);
    let beyond = site.get(&format!("{PATH}&page=50")).await.json();
    assert_eq!((beyond["hits"].as_array().unwrap().len(), beyond["hitsPerPage"].as_u64()), (0, Some(20)));
}

#[tokio::test]
async fn numeric_filters_bound_the_time() {
    let site = site(60).await;
    site.clock.advance(Duration::from_secs(10));
    let posted = site.post("/_accounts/hackernews/pg/post?n=3").await.json();
    let hits = async |filter: &str| {
        let body =
            site.get(&format!("{PATH}&hitsPerPage=1000&numericFilters=created_at_i{filter}")).await.json();
        let mut hits = strings(&body["hits"], "/objectID");
        hits.reverse();
        hits
    };
    let posted = strings(&posted["ids"], "");
    assert_eq!(hits("%3E1767225609").await, posted);
    assert_eq!(hits("%3E1767225610").await, Vec::<String>::new(), "more than, not from");
    assert_eq!(hits("%3E%3D1767225610").await, posted);
    assert_eq!(hits("%3C1767225610").await.len(), 60);
    assert_eq!(site.get(&format!("{PATH}&numericFilters=created_at_i")).await.status, 400);
}

#[tokio::test]
async fn a_hit_has_the_documented_shape() {
    let site = site(60).await;
    for hit in site.get(&format!("{PATH}&hitsPerPage=60")).await.json()["hits"].as_array().unwrap() {
        assert_eq!(hit["author"], "pg");
        assert!(hit["created_at_i"].is_u64() && hit["created_at"].as_str().unwrap().ends_with('Z'));
        assert!(hit["title"].is_string() && hit["points"].is_u64() && hit["num_comments"].is_u64());
        assert_ne!(hit.get("url").is_some(), hit.get("story_text").is_some());
        assert_eq!(hit["_tags"][1], "author_pg");
    }
}

#[tokio::test]
async fn who_does_not_exist_has_no_hits() {
    let site = site(5).await;
    let nobody = site.get("/api/v1/search_by_date?tags=author_missing-1").await;
    assert_eq!((nobody.status, nobody.json()["nbHits"].as_u64()), (200, Some(0)));
    assert_eq!(site.get("/api/v1/search_by_date?tags=story").await.status, 404, "only searches by author");
}

#[tokio::test]
async fn the_limit_is_the_addresss_and_told_by_nothing_but_a_429() {
    let mut config = Config::default();
    config.limits.hackernews.requests = 1;
    let site = Site::start(config).await;
    let first = site.get(PATH).await;
    assert!(first.headers.keys().all(|name| !name.contains("ratelimit")));
    assert_eq!(site.get("/api/v1/search_by_date?tags=author_other").await.status, 429);
    assert_eq!(site.stats().await.channels.hackernews.violations, 1);
}
