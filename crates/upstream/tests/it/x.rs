//! User posts: pages, bounds, fields, limits, and errors in a 200.

use pollwheel_upstream::{Config, Growth};

use crate::client::{Answer, Site, strings};

const PATH: &str = "/2/users/2244994945/tweets";
const TOKEN: (&str, &str) = ("Authorization", "Bearer app-only");

async fn site(history: u32) -> Site {
    let growth = Growth { history, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

async fn get(site: &Site, query: &str) -> Answer {
    site.get_with(&format!("{PATH}{query}"), &[TOKEN]).await
}

async fn page(site: &Site, query: &str) -> Vec<String> {
    strings(&get(site, query).await.json()["data"], "/id")
}

#[tokio::test]
async fn a_token_is_needed() {
    let answer = site(5).await.get(PATH).await;
    assert_eq!((answer.status, answer.json()["title"].as_str()), (401, Some("Unauthorized")));
}

#[tokio::test]
async fn pages_have_5_to_100_posts_and_tokens_lead_on() {
    let site = site(95).await;
    let all = site.item_ids("x", "2244994945").await;
    assert_eq!(page(&site, "").await, all[..10], "ten unless asked otherwise");
    for wrong in ["4", "101", "many"] {
        let answer = get(&site, &format!("?max_results={wrong}")).await;
        assert_eq!((answer.status, answer.json()["title"].as_str()), (400, Some("Invalid Request")));
        assert!(answer.json()["errors"][0]["parameters"]["max_results"].is_array());
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let body = get(&site, &format!("?max_results=30{next}")).await.json();
        let ids = strings(&body["data"], "/id");
        assert_eq!(body["meta"]["result_count"], ids.len());
        assert_eq!(
            (&body["meta"]["newest_id"], &body["meta"]["oldest_id"]),
            (&ids[0].as_str().into(), &ids[ids.len() - 1].as_str().into())
        );
        seen.extend(ids);
        let Some(token) = body["meta"]["next_token"].as_str() else { break };
        next = format!("&pagination_token={token}");
    }
    assert_eq!(seen, all);
    assert_eq!(get(&site, "?pagination_token=x").await.status, 400);
}

#[tokio::test]
async fn since_id_and_until_id_exclude_their_ids_and_nothing_has_no_data() {
    let site = site(95).await;
    let all = site.item_ids("x", "2244994945").await;
    assert_eq!(page(&site, &format!("?since_id={}", all[6])).await, all[..6]);
    assert_eq!(page(&site, &format!("?until_id={}&max_results=5", all[6])).await, all[7..12]);
    assert_eq!(page(&site, &format!("?since_id={}&until_id={}", all[9], all[6])).await, all[7..9]);
    let nothing = get(&site, &format!("?since_id={}", all[0])).await.json();
    assert_eq!(nothing, serde_json::json!({"meta": {"result_count": 0}}));
    let body = get(&site, &format!("?since_id={}&max_results=5", all[20])).await.json();
    let token = body["meta"]["next_token"].as_str().unwrap();
    let next = page(&site, &format!("?since_id={}&max_results=100&pagination_token={token}", all[20])).await;
    assert_eq!(next, all[5..20], "a page keeps to `since_id`");
}

#[tokio::test]
async fn a_timeline_ends_after_3200_posts() {
    let site = site(3_300).await;
    let all = site.item_ids("x", "2244994945").await;
    let body = get(&site, &format!("?max_results=100&until_id={}", all[3_149])).await.json();
    assert_eq!(strings(&body["data"], "/id"), all[3_150..3_200]);
    assert_eq!(body["meta"].get("next_token"), None);
}

#[tokio::test]
async fn a_post_has_the_fields_that_are_asked_for() {
    let site = site(5).await;
    let bare = &get(&site, "").await.json()["data"][0];
    let mut members: Vec<_> = bare.as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["edit_history_tweet_ids", "id", "text"]);
    let full =
        &get(&site, "?tweet.fields=created_at,author_id,public_metrics,lang,geo").await.json()["data"][0];
    assert_eq!((full["author_id"].as_str(), full["lang"].as_str()), (Some("2244994945"), Some("en")));
    assert!(
        full["created_at"].as_str().unwrap().ends_with('Z') && full["public_metrics"]["like_count"].is_u64()
    );
    assert_eq!(full.get("geo"), None);
}

#[tokio::test]
async fn each_token_has_a_window_told_in_epoch_seconds() {
    let mut config = Config::default();
    config.limits.x.requests = 2;
    let site = Site::start(config).await;
    for remaining in [1, 0] {
        let answer = get(&site, "").await;
        assert_eq!((answer.status, answer.number("x-rate-limit-remaining")), (200, remaining));
        assert_eq!(
            (answer.number("x-rate-limit-limit"), answer.number("x-rate-limit-reset")),
            (2, 1_767_226_500)
        );
    }
    let limited = get(&site, "").await;
    assert_eq!((limited.status, limited.json()["title"].as_str()), (429, Some("Too Many Requests")));
    assert_eq!(site.get_with(PATH, &[("Authorization", "Bearer other")]).await.status, 200);
    assert_eq!(site.stats().await.channels.x.violations, 1);
}

#[tokio::test]
async fn a_user_who_is_not_to_be_had_is_an_error_in_a_200() {
    let site = site(5).await;
    for (id, title) in [
        ("gone-1", "Not Found Error"),
        ("missing-1", "Not Found Error"),
        ("forbidden-1", "Authorization Error"),
    ] {
        let answer = site.get_with(&format!("/2/users/{id}/tweets"), &[TOKEN]).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["title"].as_str()), (200, Some(title)));
        assert_eq!(answer.json().get("data"), None);
    }
    let stats = site.stats().await.channels.x;
    assert_eq!((stats.http_200, stats.http_gone, stats.http_other), (0, 2, 1));
}
