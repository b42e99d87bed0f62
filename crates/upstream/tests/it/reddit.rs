//! Submissions: listings, limits by client, errors.

use pollwheel_upstream::{Config, Growth};

use crate::client::{Answer, Site, request, strings};

const PATH: &str = "/user/spez/submitted";
const TOKEN: (&str, &str) = ("Authorization", "Bearer t");

async fn site(history: u32) -> Site {
    let growth = Growth { history, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

async fn get(site: &Site, query: &str) -> Answer {
    site.get_with(&format!("{PATH}{query}"), &[TOKEN]).await
}

#[tokio::test]
async fn after_leads_through_1000_links_and_no_further() {
    let site = site(1_050).await;
    let all = site.item_ids("reddit", "spez").await;
    assert!(all[0].starts_with("t3_"));
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let listing = get(&site, &format!("?limit=100&raw_json=1&count={}{next}", seen.len())).await.json();
        let data = &listing["data"];
        assert_eq!((listing["kind"].as_str(), data["dist"].as_u64()), (Some("Listing"), Some(100)));
        assert_eq!(data["before"].is_null(), seen.is_empty(), "only for who has paged");
        seen.extend(strings(&data["children"], "/data/name"));
        let Some(after) = data["after"].as_str() else { break };
        next = format!("&after={after}");
    }
    assert_eq!(seen, all[..1_000]);
}

#[tokio::test]
async fn before_is_what_is_newer_and_an_unknown_name_is_nothing() {
    let site = site(60).await;
    let all = site.item_ids("reddit", "spez").await;
    let names =
        async |query: &str| strings(&get(&site, query).await.json()["data"]["children"], "/data/name");
    assert_eq!(names("").await, all[..25], "25 unless asked otherwise");
    assert_eq!(names("?limit=1000").await, all[..60], "100 at most");
    assert_eq!(names(&format!("?before={}", all[5])).await, all[..5]);
    assert_eq!(names("?after=t3_%3F").await, Vec::<String>::new());
    assert_eq!(get(&site, "").await.body, site.get_with(&format!("{PATH}.json"), &[TOKEN]).await.body);
}

#[tokio::test]
async fn a_link_has_the_documented_shape() {
    let site = site(30).await;
    for child in get(&site, "").await.json()["data"]["children"].as_array().unwrap() {
        assert_eq!(child["kind"], "t3");
        let data = &child["data"];
        assert_eq!(data["name"], format!("t3_{}", data["id"].as_str().unwrap()));
        assert_eq!(data["author"], "spez");
        assert!(data["created_utc"].is_f64() && data["edited"] == false);
        assert!(data["permalink"].as_str().unwrap().starts_with("/r/"));
        assert_eq!(data["is_self"] == true, data["selftext"] != "");
    }
}

#[tokio::test]
async fn tokens_of_one_client_share_a_window_and_remaining_has_a_point() {
    let mut config = Config::default();
    config.limits.reddit.requests = 2;
    let site = Site::start(config).await;
    let issue = async |client: &str| {
        let form = "grant_type=client_credentials";
        let answer = site.token_with("/api/v1/access_token", form, &[("Authorization", client)]).await;
        format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
    };
    let (one, same, other) =
        (issue("Basic b25lOng=").await, issue("Basic b25lOng=").await, issue("Basic b3RoZXI6").await);
    assert_ne!(one, same);
    let first = site.get_with(PATH, &[("Authorization", &one)]).await;
    assert_eq!((first.header("x-ratelimit-used"), first.header("x-ratelimit-remaining")), ("1", "1.0"));
    assert_eq!(first.header("x-ratelimit-reset"), "600", "seconds from now");
    assert_eq!(site.get_with(PATH, &[("Authorization", &same)]).await.header("x-ratelimit-remaining"), "0.0");
    let limited = site.get_with(PATH, &[("Authorization", &one)]).await;
    assert_eq!((limited.status, limited.json()["error"].as_u64()), (429, Some(429)));
    assert_eq!(site.get_with(PATH, &[("Authorization", &other)]).await.status, 200);
    assert_eq!(site.stats().await.channels.reddit.violations, 1);
}

#[tokio::test]
async fn refusals_have_reddits_form() {
    let site = site(5).await;
    for (path, token, status, message) in [
        ("/user/spez/submitted", None, 401, "Unauthorized"),
        ("/user/spez/submitted", Some("Bearer expired-1"), 401, "Unauthorized"),
        ("/user/forbidden-1/submitted", Some("Bearer t"), 403, "Forbidden"),
        ("/user/gone-1/submitted", Some("Bearer t"), 404, "Not Found"),
    ] {
        let headers: Vec<_> = token.map(|token| ("Authorization", token)).into_iter().collect();
        let answer = site.get_with(path, &headers).await;
        let body = serde_json::json!({"message": message, "error": status});
        assert_eq!((answer.status, answer.json()), (status, body), "{path}");
    }
    let nameless = request(site.running.addr(), "GET", PATH, &[TOKEN]).await.unwrap();
    assert_eq!((nameless.status, nameless.header("content-type")), (403, "text/html; charset=utf-8"));
}
