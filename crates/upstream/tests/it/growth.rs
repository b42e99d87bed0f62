//! Timelines over time: the same for the same seed, only ever growing, and catchable.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::{START_MS, Site, ids, strings};

const GROWTH: Growth = Growth { items_per_hour: 30.0, burst_rate: 0.05, burst_size: 25, history: 10 };

async fn site(seed: u64) -> Site {
    Site::start(Config { seed, growth: GROWTH, time_scale: 60.0, ..Config::default() }).await
}

#[tokio::test]
async fn one_seed_gives_one_timeline() {
    let (one, same, other) = (site(1).await, site(1).await, site(2).await);
    for site in [&one, &same, &other] {
        site.clock.advance(Duration::from_secs(600));
    }
    let path = "/api/v1/accounts/7/statuses?limit=40";
    let (first, second) = (one.get(path).await, same.get(path).await);
    assert_eq!((first.header("etag"), &first.body), (second.header("etag"), &second.body));
    assert_ne!(one.timeline("mastodon", "7").await, other.timeline("mastodon", "7").await);
    assert_ne!(one.timeline("mastodon", "7").await, one.timeline("mastodon", "8").await);
    assert_ne!(one.timeline("mastodon", "7").await, one.timeline("github", "7").await);
}

#[tokio::test]
async fn time_runs_faster_on_the_timeline() {
    let site = site(1).await;
    site.clock.advance(Duration::from_secs(3_600));
    let newest = site.timeline("mastodon", "7").await[0];
    let hours_ahead = ((newest >> 16) - START_MS) / 3_600_000;
    assert!((50..60).contains(&hours_ahead), "60 timeline hours in one: {hours_ahead}");
    let answer = site.get("/api/v1/accounts/7/statuses").await;
    assert_eq!(answer.header("x-ratelimit-reset"), "2026-01-01T01:05:00.000000Z", "limits keep real time");
    let modified = site.get("/users/7/events").await.header("last-modified").to_owned();
    assert_eq!(modified, "Thu, 01 Jan 2026 01:00:00 GMT", "never in the future");
}

/// What a poller does: remember the newest id, and read on from there, page by page.
#[tokio::test]
async fn a_poller_that_pages_sees_every_item_once() {
    let site = site(3).await;
    for account in 0..20 {
        let path = format!("/api/v1/accounts/{account}/statuses?limit=40");
        let token = format!("Bearer {account}");
        let auth = [("Authorization", token.as_str())];
        let mut newest = ids(&site.get_with(&path, &auth).await.json())[0];
        let (seeded, mut seen) = (newest, Vec::<u64>::new());
        for _ in 0..20 {
            site.clock.advance(Duration::from_secs(30));
            loop {
                let page = ids(&site.get_with(&format!("{path}&min_id={newest}"), &auth).await.json());
                let Some(&first) = page.first() else { break };
                seen.extend(page.iter().rev());
                newest = first;
            }
        }
        let mut all = site.timeline("mastodon", &account.to_string()).await;
        all.retain(|&id| id > seeded);
        all.reverse();
        assert_eq!(seen, all, "account {account}");
    }
    assert_eq!(site.stats().await.total.violations, 0);
}

/// Cursors stand at an item: what is posted while somebody pages shifts nothing. Pages by number cannot say that.
#[tokio::test]
async fn a_walk_by_cursor_is_not_disturbed_by_what_is_posted_meanwhile() {
    let walks = [
        (
            "bluesky",
            "a.example",
            "/xrpc/app.bsky.feed.getAuthorFeed?actor=a.example&limit=7",
            "cursor",
            "/cursor",
        ),
        ("x", "1", "/2/users/1/tweets?max_results=7", "pagination_token", "/meta/next_token"),
        ("facebook", "1", "/v24.0/1/posts?access_token=t&limit=7", "after", "/paging/cursors/after"),
        ("reddit", "a", "/user/a/submitted?limit=7", "after", "/data/after"),
    ];
    let lists = ["/feed", "/data", "/data", "/data/children"];
    let names = ["/post/uri", "/id", "/id", "/data/name"];
    let growth = Growth { items_per_hour: 5.0, burst_rate: 0.0, burst_size: 0, history: 50 };
    let site = Site::start(Config { growth, time_scale: 60.0, ..Config::default() }).await;
    for ((channel, account, path, parameter, next), (list, id)) in
        walks.into_iter().zip(lists.into_iter().zip(names))
    {
        let before = site.item_ids(channel, account).await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let url = format!("{path}&{parameter}={}", cursor.replace(':', "%3A"));
            let page = site.get_with(&url, &[("Authorization", "Bearer t")]).await.json();
            let items = page.pointer(list).map(|items| strings(items, id)).unwrap_or_default();
            let Some(to) = page.pointer(next).and_then(|to| to.as_str()).filter(|_| !items.is_empty()) else {
                seen.extend(items);
                break;
            };
            seen.extend(items);
            cursor = to.to_owned();
            site.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(seen, before, "{channel}");
        assert!(site.item_ids(channel, account).await.len() > before.len(), "{channel} grew meanwhile");
    }
}
