//! Tokens: issued, expired, rotated, refused.

use std::time::Duration;

use pollwheel_upstream::Config;
use serde_json::json;

use crate::client::Site;

const ALL: [&str; 4] = ["/oauth/token", "/2/oauth2/token", "/oauth2/token", "/api/v1/access_token"];

async fn site(token_ttl: Option<Duration>) -> Site {
    Site::start(Config { token_ttl, ..Config::default() }).await
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_is_a_violation() {
    let site = site(None).await;
    let mut refresh = "from-the-accounts-file~alice".to_owned();
    for _ in 0..3 {
        let form = format!("grant_type=refresh_token&refresh_token={}", refresh.replace('~', "%7E"));
        let answer = site.token("/oauth/token", &form).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        let body = answer.json();
        assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(3_600)));
        let token = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let mine = site.get_with("/api/v1/notifications", &[("Authorization", &token)]).await;
        let same = site.get_with("/api/v1/notifications", &[("Authorization", "Bearer x~alice")]).await;
        assert_eq!((mine.status, &mine.body), (200, &same.body), "it is still the same user's");
        let used = site.token("/oauth/token", &form).await;
        assert_eq!((used.status, used.json()["error"].as_str()), (400, Some("invalid_grant")));
        refresh = body["refresh_token"].as_str().unwrap().to_owned();
    }
    let stats = site.stats().await;
    assert_eq!((stats.oauth.requests, stats.oauth.issued, stats.oauth.refused), (6, 3, 3));
    assert_eq!((stats.oauth.refresh_token_reuse, stats.total.violations), (3, 3));
}

#[tokio::test]
async fn an_issued_token_expires_when_a_lifetime_is_set_and_each_api_says_so_in_its_way() {
    let site = site(Some(Duration::from_secs(90))).await;
    let answer =
        site.token("/2/oauth2/token", "grant_type=refresh_token&refresh_token=r~forty-two").await.json();
    assert_eq!(answer["expires_in"], 90);
    let token = answer["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let statuses = async || {
        let headers = [("Authorization", bearer.as_str())];
        let mut all = Vec::new();
        for path in [
            "/2/users/1/tweets",
            "/user/a/submitted",
            "/notifications",
            "/api/v1/notifications",
            "/users/a/events",
        ] {
            all.push(site.get_with(path, &headers).await.status);
        }
        all.push(
            site.get(&format!("/v24.0/1/posts?access_token={}", token.replace('~', "%7E"))).await.status,
        );
        all
    };
    site.clock.advance(Duration::from_millis(89_999));
    assert_eq!(statuses().await, [200; 6]);
    site.clock.advance(Duration::from_millis(1));
    assert_eq!(statuses().await, [401, 401, 401, 401, 401, 400]);
    assert_eq!(site.get_with("/2/users/1/tweets", &[("Authorization", "Bearer any")]).await.status, 200);
}

#[tokio::test]
async fn vendors_differ_as_documented() {
    let site = site(None).await;
    let form = "grant_type=client_credentials&scope=read";
    let reddit = site.token("/api/v1/access_token", form).await.json();
    assert_eq!(
        (reddit["token_type"].as_str(), reddit["expires_in"].as_u64()),
        (Some("bearer"), Some(86_400))
    );
    assert_eq!((reddit["scope"].as_str(), reddit.get("refresh_token")), (Some("read"), None));
    let application = site.token("/oauth2/token", form).await.json();
    assert_eq!((application["token_type"].as_str(), application.get("expires_in")), (Some("bearer"), None));
    let again = "grant_type=refresh_token&refresh_token=permanent";
    for _ in 0..2 {
        let body = site.token("/api/v1/access_token", again).await.json();
        assert_eq!(body["refresh_token"], "permanent", "Reddit's stay");
    }
    let x = site.token("/2/oauth2/token", again).await.json();
    assert_eq!(
        (x["expires_in"].as_u64(), x["scope"].as_str()),
        (Some(7_200), Some("tweet.read users.read offline.access"))
    );
    assert_ne!(x["refresh_token"], "permanent");
}

#[tokio::test]
async fn what_is_not_in_order_is_refused_by_name() {
    let site = site(None).await;
    for path in ALL {
        let wrong = site.token(path, "grant_type=password&username=a").await;
        assert_eq!(
            (wrong.status, wrong.json()["error"].as_str()),
            (400, Some("unsupported_grant_type")),
            "{path}"
        );
        let nothing = site.token(path, "grant_type=refresh_token").await;
        assert_eq!(
            (nothing.status, nothing.json()["error"].as_str()),
            (400, Some("invalid_request")),
            "{path}"
        );
        let revoked = site.token(path, "grant_type=refresh_token&refresh_token=revoked-1").await;
        assert_eq!(
            (revoked.status, revoked.json()["error"].as_str()),
            (400, Some("invalid_grant")),
            "{path}"
        );
        let nobody = site.token_with(path, "grant_type=client_credentials", &[]).await;
        assert_eq!(nobody.status, 401, "{path}");
        assert!(nobody.header("www-authenticate").starts_with("Basic"));
    }
    let in_body = "grant_type=client_credentials&client_id=app&client_secret=s";
    assert_eq!(site.token_with("/oauth/token", in_body, &[]).await.status, 200);
    let reddit = site.token_with("/api/v1/access_token", in_body, &[]).await;
    assert_eq!((reddit.status, reddit.json()), (401, json!({"message": "Unauthorized", "error": 401})));
    let stranger = "grant_type=client_credentials&client_id=unauthorized-app";
    assert_eq!(site.token_with("/oauth/token", stranger, &[]).await.status, 401);
    let stats = site.stats().await;
    assert_eq!((stats.oauth.refused, stats.total.violations), (18, 0));
}
