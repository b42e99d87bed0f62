//! Notifications: whose they are, pages, kinds.

use pollwheel_upstream::{Config, Growth};

use crate::client::{Site, ids};

const PATH: &str = "/api/v1/notifications";
const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer secret~alice")];

async fn site() -> Site {
    let growth = Growth { history: 195, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

#[tokio::test]
async fn a_token_is_needed_and_says_whose_they_are() {
    let site = site().await;
    let without = site.get(PATH).await;
    assert_eq!(
        (without.status, without.json()["error"].as_str()),
        (401, Some("The access token is invalid"))
    );
    let all = site.timeline("mastodon", "alice").await;
    let page = site.get_with(PATH, &ALICE).await;
    assert_eq!(ids(&page.json()), all[..40], "40 unless asked otherwise");
    let more = site.get_with(&format!("{PATH}?limit=100"), &ALICE).await;
    assert_eq!(ids(&more.json()), all[..80], "80 at most");
    let of_another = site.get_with(PATH, &[("Authorization", "Bearer secret~bob")]).await;
    assert_ne!(of_another.body, page.body);
    let of_nobody = site.get_with(PATH, &[("Authorization", "Bearer opaque")]).await;
    assert_eq!((of_nobody.status, of_nobody.body.as_str()), (200, "[]"));
    let refused = site.get_with(PATH, &[("Authorization", "Bearer x~forbidden-bob")]).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn since_id_max_id_min_id_and_links_are_as_for_statuses() {
    let site = site().await;
    let all = site.timeline("mastodon", "alice").await;
    for (query, expected) in [
        (format!("?since_id={}", all[5]), &all[..5]),
        (format!("?max_id={}&limit=3", all[30]), &all[31..34]),
        (format!("?min_id={}&limit=3", all[50]), &all[47..50]),
    ] {
        assert_eq!(ids(&site.get_with(&format!("{PATH}{query}"), &ALICE).await.json()), expected, "{query}");
    }
    let (mut seen, mut next) = (Vec::new(), Some(format!("{PATH}?limit=60")));
    while let Some(path) = next {
        let answer = site.get_with(&path, &ALICE).await;
        seen.extend(ids(&answer.json()));
        next = answer.link("next");
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn kinds_can_be_asked_for_and_left_out() {
    let site = site().await;
    let kinds = |answer: &crate::client::Answer| crate::client::strings(&answer.json(), "/type");
    let only = site.get_with(&format!("{PATH}?types[]=mention&types%5B%5D=follow&limit=80"), &ALICE).await;
    let only = kinds(&only);
    assert!(only.iter().all(|kind| kind == "mention" || kind == "follow") && only.len() == 80, "{only:?}");
    let without = site.get_with(&format!("{PATH}?exclude_types[]=mention&limit=80"), &ALICE).await;
    let without = kinds(&without);
    assert!(without.iter().any(|kind| kind == "favourite") && !without.contains(&"mention".to_owned()));
}

#[tokio::test]
async fn what_is_posted_comes_as_a_notification() {
    let site = site().await;
    let etag = site.get_with(PATH, &ALICE).await.header("etag").to_owned();
    let current = [ALICE[0], ("If-None-Match", etag.as_str())];
    assert_eq!(site.get_with(PATH, &current).await.status, 304);
    let posted = site.post("/_accounts/mastodon/alice/post?n=3").await.json();
    let changed = site.get_with(PATH, &current).await;
    assert_eq!(changed.status, 200);
    let mut newest = crate::client::strings(&changed.json(), "/id");
    newest.truncate(3);
    newest.reverse();
    assert_eq!(newest, crate::client::strings(&posted["ids"], ""));
}
