//! Page posts: cursors and URLs, usage in percent, errors by code.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};
use serde_json::{Value, json};

use crate::client::{Answer, Site, strings};

const PATH: &str = "/v24.0/1234/posts";

async fn site() -> Site {
    let growth = Growth { history: 95, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

async fn limited_to(requests: u32) -> Site {
    let mut config = Config::default();
    config.limits.facebook.requests = requests;
    config.limits.facebook.window = Duration::from_secs(3_600);
    Site::start(config).await
}

fn code(answer: &Answer) -> (u16, u64) {
    (answer.status, answer.json()["error"]["code"].as_u64().unwrap())
}

#[tokio::test]
async fn next_urls_lead_through_all_posts_and_carry_the_token() {
    let site = site().await;
    let all = site.item_ids("facebook", "1234").await;
    assert!(all[0].starts_with("1234_"));
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut path = format!("{PATH}?limit=30&access_token=page%7Etoken");
    loop {
        let body = site.get(&path).await.json();
        seen.extend(strings(&body["data"], "/id"));
        pages += 1;
        let Some(next) = body["paging"]["next"].as_str() else { break };
        let after = body["paging"]["cursors"]["after"].as_str().unwrap();
        assert!(
            next.contains("access_token=page%7Etoken") && next.contains(&format!("after={after}")),
            "{next}"
        );
        path = next.strip_prefix(&site.running.base_url()).unwrap().to_owned();
    }
    assert_eq!((seen, pages), (all, 4));
}

#[tokio::test]
async fn a_page_has_25_posts_with_the_fields_that_are_asked_for() {
    let site = site().await;
    let body = site.get(&format!("{PATH}?access_token=t")).await.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 25);
    let mut members: Vec<_> = body["data"][0].as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["created_time", "id", "message"]);
    let time = body["data"][0]["created_time"].as_str().unwrap();
    assert!(time.ends_with("+0000") && time.len() == "2026-01-01T00:00:00+0000".len());
    let fields = "id,from{id,name},permalink_url,created_time";
    let post = &site.get(&format!("{PATH}?access_token=t&fields={fields}")).await.json()["data"][0];
    assert_eq!(post["from"]["id"], "1234");
    assert!(post["permalink_url"].is_string() && post.get("message").is_none());
}

#[tokio::test]
async fn since_is_in_seconds_and_nothing_has_no_paging() {
    let site = site().await;
    let nothing = site.get(&format!("{PATH}?access_token=t&since=1767225601")).await;
    assert_eq!(nothing.json(), json!({"data": []}));
    site.clock.advance(Duration::from_secs(60));
    let posted = site.post("/_accounts/facebook/1234/post?n=2").await.json();
    let mut new =
        strings(&site.get(&format!("{PATH}?access_token=t&since=1767225601")).await.json()["data"], "/id");
    new.reverse();
    assert_eq!(new, strings(&posted["ids"], ""));
}

#[tokio::test]
async fn a_pages_usage_is_told_in_percent_and_ends_in_an_error_with_a_code() {
    let site = limited_to(3).await;
    let usage = |answer: &Answer| {
        let header: Value = serde_json::from_str(answer.header("x-business-use-case-usage")).unwrap();
        assert_eq!(header["1234"][0]["type"], "pages");
        let number = |name: &str| header["1234"][0][name].as_u64().unwrap();
        (number("call_count"), number("estimated_time_to_regain_access"))
    };
    for percent in [34, 67, 100] {
        let token = format!("{PATH}?access_token=page-{percent}");
        let answer = site.get(&token).await;
        assert_eq!(
            (answer.status, usage(&answer)),
            (200, (percent, 0)),
            "all tokens of a page share its window"
        );
    }
    site.clock.advance(Duration::from_secs(600));
    let limited = site.get(&format!("{PATH}?access_token=t")).await;
    assert_eq!((code(&limited), usage(&limited)), ((400, 32), (100, 50)));
    assert_eq!(site.get("/v24.0/99/posts?access_token=t").await.status, 200, "another page");
    assert_eq!(site.stats().await.channels.facebook.violations, 1);
}

#[tokio::test]
async fn an_applications_and_a_users_usage_are_their_own() {
    let site = limited_to(2).await;
    for (page, percent) in [("1", 50), ("2", 100)] {
        let answer = site.get(&format!("/v24.0/{page}/posts?access_token=77%7Csecret")).await;
        let usage: Value = serde_json::from_str(answer.header("x-app-usage")).unwrap();
        assert_eq!(usage["call_count"], percent);
        assert!(usage["total_time"].is_u64() && usage["total_cputime"].is_u64());
    }
    assert_eq!(code(&site.get(&format!("{PATH}?access_token=77%7Csecret")).await), (403, 4));
    for expected in [200, 200, 400] {
        assert_eq!(site.get(&format!("{PATH}?access_token=user-1")).await.status, expected);
    }
    assert_eq!(code(&site.get(&format!("{PATH}?access_token=user-1")).await), (400, 17));
}

#[tokio::test]
async fn errors_are_told_by_their_code() {
    let site = site().await;
    for (path, expected) in [
        ("/v24.0/1/posts", (400, 104)),
        ("/v24.0/unauthorized-1/posts?access_token=t", (400, 190)),
        ("/v24.0/forbidden-1/posts?access_token=t", (403, 10)),
        ("/v24.0/gone-1/posts?access_token=t", (400, 100)),
        ("/v24.0/error-613-a/posts?access_token=t", (400, 613)),
        ("/v24.0/error-4-a/posts?access_token=t", (403, 4)),
        ("/v24.0/error-32-a/posts?access_token=t", (400, 32)),
        ("/v24.0/1/posts?access_token=expired-t", (400, 190)),
        ("/v24.0/1/posts?access_token=t&limit=101", (400, 100)),
    ] {
        let answer = site.get(path).await;
        assert_eq!(code(&answer), expected, "{path}");
        assert!(
            answer.json()["error"]["fbtrace_id"].is_string() && answer.json()["error"]["type"].is_string()
        );
    }
    let expired = site.get("/v24.0/1/posts?access_token=expired-t").await;
    assert_eq!(expired.json()["error"]["error_subcode"], 463);
    assert!(expired.header("www-authenticate").contains("invalid_token"));
    let by_header = site.get_with("/v24.0/1/posts", &[("Authorization", "Bearer t")]).await;
    assert_eq!(by_header.status, 200);
}
