//! Statuses: pages, parameters, headers, validators.

use pollwheel_upstream::{Config, Growth};

use crate::client::{START_MS, Site};

const PATH: &str = "/api/v1/accounts/42/statuses";

async fn site() -> Site {
    let growth = Growth { history: 95, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn a_page_is_newest_first_and_20_long_unless_asked_otherwise() {
    let site = site().await;
    let all = site.timeline("mastodon", "42").await;
    assert_eq!(all.len(), 95);
    assert_eq!(site.page(PATH).await, all[..20]);
    assert_eq!(site.page(&format!("{PATH}?limit=7")).await, all[..7]);
    assert_eq!(site.page(&format!("{PATH}?limit=100")).await, all[..40], "40 at most");
    assert_eq!(site.page(&format!("{PATH}?limit=0")).await, Vec::<u64>::new());
}

#[tokio::test]
async fn since_id_and_max_id_exclude_their_ids() {
    let site = site().await;
    let all = site.timeline("mastodon", "42").await;
    assert_eq!(site.page(&format!("{PATH}?since_id={}", all[5])).await, all[..5]);
    assert_eq!(site.page(&format!("{PATH}?since_id={}", all[30])).await, all[..20], "the newest, with a gap");
    assert_eq!(site.page(&format!("{PATH}?since_id={}", all[0])).await, Vec::<u64>::new());
    assert_eq!(site.page(&format!("{PATH}?max_id={}", all[30])).await, all[31..51]);
    assert_eq!(site.page(&format!("{PATH}?max_id={}&since_id={}", all[3], all[6])).await, all[4..6]);
}

#[tokio::test]
async fn min_id_gives_the_page_immediately_newer_still_newest_first() {
    let site = site().await;
    let all = site.timeline("mastodon", "42").await;
    assert_eq!(site.page(&format!("{PATH}?min_id={}", all[50])).await, all[30..50]);
    assert_eq!(site.page(&format!("{PATH}?min_id={}&limit=3", all[50])).await, all[47..50]);
    assert_eq!(site.page(&format!("{PATH}?min_id={}&max_id={}", all[50], all[47])).await, all[48..50]);
    let both = format!("{PATH}?min_id={}&since_id={}&limit=3", all[50], all[2]);
    assert_eq!(site.page(&both).await, all[47..50], "`min_id` goes before `since_id`");
}

#[tokio::test]
async fn links_lead_through_the_whole_timeline_and_back() {
    let site = site().await;
    let all = site.timeline("mastodon", "42").await;
    let (mut seen, mut next) = (Vec::new(), Some(format!("{PATH}?limit=30")));
    let mut last = String::new();
    while let Some(path) = next {
        let answer = site.get(&path).await;
        seen.extend(crate::client::ids(&answer.json()));
        next = answer.link("next");
        last = answer.link("prev").unwrap();
    }
    assert_eq!(seen, all);
    // The last page held 5 items; what is just newer than its newest is the page before.
    assert_eq!(site.page(&last).await, all[60..90]);
}

#[tokio::test]
async fn an_empty_page_has_no_links() {
    let site = site().await;
    let answer = site.get(&format!("{PATH}?max_id=1")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    assert_eq!(answer.headers.get("link"), None);
}

#[tokio::test]
async fn headers_have_mastodons_form() {
    let site = site().await;
    let answer = site.get(PATH).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("x-ratelimit-limit"), "300");
    assert_eq!(answer.header("x-ratelimit-remaining"), "299");
    assert_eq!(answer.header("x-ratelimit-reset"), "2026-01-01T00:05:00.000000Z");
    assert!(answer.header("etag").starts_with("W/\""));
    let addr = site.running.addr();
    let (first, last) = (site.page(PATH).await[0], site.page(PATH).await[19]);
    assert_eq!(
        answer.header("link"),
        format!(
            "<http://{addr}{PATH}?max_id={last}>; rel=\"next\", <http://{addr}{PATH}?min_id={first}>; rel=\"prev\""
        )
    );
}

#[tokio::test]
async fn a_status_has_the_documented_shape() {
    let site = site().await;
    let status = &site.get(PATH).await.json()[0];
    let id: u64 = status["id"].as_str().unwrap().parse().unwrap();
    assert!(id >> 16 < START_MS, "ids carry their time");
    let created_at = status["created_at"].as_str().unwrap();
    assert_eq!((created_at.len(), &created_at[19..20], &created_at[23..]), (24, ".", "Z"));
    assert_eq!(status["account"]["id"], "42");
    assert_eq!(status["url"], format!("https://mastodon.example/@user_42/{id}"));
    assert_eq!(status["uri"], format!("https://mastodon.example/users/user_42/statuses/{id}"));
    for field in ["in_reply_to_id", "reblog", "card", "poll", "edited_at"] {
        assert!(status[field].is_null(), "{field}");
    }
    for field in ["media_attachments", "mentions", "tags", "emojis"] {
        assert!(status[field].is_array(), "{field}");
    }
}

#[tokio::test]
async fn a_matching_etag_gets_a_304_until_something_is_posted() {
    let site = site().await;
    let etag = site.get(PATH).await.header("etag").to_owned();
    let unchanged = site.get_with(PATH, &[("If-None-Match", &etag)]).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), etag);
    assert_eq!(unchanged.number("x-ratelimit-remaining"), 298, "Mastodon counts a 304");
    site.post("/_accounts/mastodon/42/post").await;
    let changed = site.get_with(PATH, &[("If-None-Match", &etag)]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
    assert_eq!((site.stats().await.channels.mastodon.http_304, site.stats().await.total.http_200), (1, 2));
}
