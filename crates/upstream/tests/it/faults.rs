//! Each fault, as a client meets it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pollwheel_upstream::{Config, Fault};
use tokio::io::AsyncReadExt;

use crate::client::{Site, request, send};

const PATH: &str = "/api/v1/accounts/1/statuses";

async fn site(fault: Fault, change: impl FnOnce(&mut Config)) -> Site {
    let mut config = Config::default();
    *config.faults.get_mut(fault) = 1.0;
    change(&mut config);
    Site::start(config).await
}

async fn counted(site: &Site, fault: Fault) -> u64 {
    let stats = site.stats().await.total;
    assert_eq!(stats.http_200, 0, "a fault is not a proper answer");
    *stats.faults.get(fault)
}

#[tokio::test]
async fn error_500_has_the_apis_error_page() {
    let site = site(Fault::Error500, |_| {}).await;
    let pages = [
        (PATH, r#"{"error":"Internal server error"}"#),
        ("/api/v1/notifications", r#"{"error":"Internal server error"}"#),
        ("/users/a/events", r#""message":"Server Error""#),
        ("/xrpc/app.bsky.feed.getAuthorFeed?actor=a", r#""error":"InternalServerError""#),
        ("/2/users/1/tweets", r#""detail":"Internal Server Error""#),
        ("/v24.0/1/posts?access_token=t", r#""code":2"#),
        ("/user/a/submitted", r#""message":"Internal Server Error""#),
        ("/feeds/videos.xml?channel_id=a", "<!DOCTYPE html>"),
        ("/feeds/a.rss", "<html>"),
        ("/api/v1/search_by_date?tags=author_a", r#""message":"Internal server error""#),
    ];
    for (path, text) in pages {
        let answer = site.get(path).await;
        assert!(answer.status == 500 && answer.body.contains(text), "{path}: {answer:?}");
    }
    assert_eq!(counted(&site, Fault::Error500).await, 10);
}

#[tokio::test]
async fn timeout_closes_without_an_answer_after_its_time() {
    let site = site(Fault::Timeout, |config| config.timeout = Duration::from_millis(100)).await;
    let started = Instant::now();
    let mut stream = send(site.running.addr(), "GET", PATH, &[]).await.unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"");
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(counted(&site, Fault::Timeout).await, 1);
}

#[tokio::test]
async fn reset_is_a_reset_and_not_a_close() {
    let site = site(Fault::Reset, |_| {}).await;
    for _ in 0..5 {
        let error = request(site.running.addr(), "GET", PATH, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(counted(&site, Fault::Reset).await, 5);
}

#[tokio::test]
async fn slow_body_comes_whole_a_byte_at_a_time() {
    let gap = Duration::from_millis(1);
    let site = site(Fault::SlowBody, |config| config.slow_byte = gap).await;
    let started = Instant::now();
    let answer = site.get("/users/a/events?per_page=1").await;
    assert_eq!(answer.status, 200);
    assert!(started.elapsed() >= gap * u32::try_from(answer.body.len()).unwrap());
    assert!(answer.json().is_array());
    assert_eq!(counted(&site, Fault::SlowBody).await, 1);
}

#[tokio::test]
async fn malformed_is_a_200_with_half_the_json_or_with_html() {
    let site = site(Fault::Malformed, |_| {}).await;
    let (mut halves, mut pages) = (0, 0);
    for _ in 0..20 {
        let answer = site.get(PATH).await;
        assert_eq!(answer.status, 200);
        assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_err());
        assert!(!answer.header("etag").is_empty(), "the validators are those of the page that was not sent");
        if answer.body.starts_with("<!DOCTYPE html>") {
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            pages += 1;
        } else {
            assert!(answer.body.starts_with("[{"));
            halves += 1;
        }
    }
    assert!(halves > 2 && pages > 2, "{halves} halves, {pages} pages");
    assert_eq!(counted(&site, Fault::Malformed).await, 20);
}

#[tokio::test]
async fn faults_come_at_their_rate_and_repeat_with_the_seed() {
    let run = async |seed| {
        let site = site(Fault::Error500, |config| {
            config.seed = seed;
            config.faults.error_500 = 0.3;
        });
        let site = site.await;
        let mut statuses = Vec::new();
        for _ in 0..200 {
            statuses.push(site.get(PATH).await.status);
        }
        let faults = statuses.iter().filter(|status| **status == 500).count();
        assert_eq!(site.stats().await.total.faults.error_500, faults as u64);
        assert!((35..85).contains(&faults), "{faults}");
        statuses
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}

#[tokio::test]
async fn the_control_paths_have_no_faults() {
    let site = site(Fault::Reset, |_| {}).await;
    assert_eq!(site.get("/_stats").await.status, 200);
    assert_eq!(site.timeline("mastodon", "1").await.len(), 40);
}

#[tokio::test]
async fn latency_delays_every_answer() {
    let latency = Duration::from_millis(50);
    let site = Site::start(Config { latency, ..Config::default() }).await;
    let started = Instant::now();
    assert_eq!(site.get(PATH).await.status, 200);
    assert!(started.elapsed() >= latency);
}
