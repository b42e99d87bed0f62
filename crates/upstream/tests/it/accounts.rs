//! Who is refused: by token, by the account's fate, by path.

use pollwheel_upstream::{Auth, Config};

use crate::client::{Site, request};

#[tokio::test]
async fn prefixes_decide_what_became_of_an_account() {
    let site = Site::start(Config::default()).await;
    let mastodon = [
        ("unauthorized-1", 401, "The access token is invalid"),
        ("forbidden-1", 403, "This action is not allowed"),
        ("gone-1", 410, "Gone"),
        ("missing-1", 404, "Record not found"),
    ];
    for (id, status, error) in mastodon {
        let answer = site.get(&format!("/api/v1/accounts/{id}/statuses")).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
        assert!(answer.number("x-ratelimit-remaining") > 0);
    }
    let github = [
        ("unauthorized-1", 401, "Bad credentials"),
        ("forbidden-1", 403, "Resource not accessible by personal access token"),
        ("gone-1", 404, "Not Found"),
        ("missing-1", 404, "Not Found"),
    ];
    for (id, status, message) in github {
        let answer = site.get(&format!("/users/{id}/events")).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (status, Some(message)));
        assert!(answer.number("x-ratelimit-remaining") > 0, "a 403 of this kind is no limit");
    }
    let total = site.stats().await.total;
    assert_eq!((total.http_401, total.http_gone, total.http_other, total.violations), (2, 4, 2, 0));
}

#[tokio::test]
async fn rates_refuse_a_share_of_all_accounts_always_the_same() {
    let config = Config { unauthorized_rate: 0.2, gone_rate: 0.2, ..Config::default() };
    let site = Site::start(config).await;
    let mut statuses = Vec::new();
    for round in 0..2 {
        for id in 0..100 {
            let status = site.get(&format!("/api/v1/accounts/{id}/statuses?limit=1")).await.status;
            if round == 0 {
                statuses.push(status);
            }
            assert_eq!(statuses[id], status);
        }
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert!((8..33).contains(&count(401)) && (5..30).contains(&count(410)), "{statuses:?}");
    assert_eq!(count(200) + count(401) + count(410), 100);
}

#[tokio::test]
async fn a_token_can_be_required() {
    let site = Site::start(Config { auth: Auth::Required, ..Config::default() }).await;
    let path = "/api/v1/accounts/1/statuses";
    assert_eq!(site.get(path).await.status, 401);
    assert_eq!(site.get_with(path, &[("Authorization", "Bearer any")]).await.status, 200);
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let site = Site::start(Config::default()).await;
    assert_eq!(site.get("/api/v1/accounts/a%20b/statuses").await.status, 404);
    assert_eq!(site.get("/").await.status, 404);
    assert_eq!(site.post("/users/a/events").await.status, 405);
    let head = request(site.running.addr(), "HEAD", "/users/a/events", &[("User-Agent", "test")]).await;
    assert_eq!(head.unwrap_err().to_string(), "the answer is not whole", "a HEAD has a length and no body");
    assert_eq!(site.stats().await.total.requests, 1, "only the HEAD was an API request");
}
