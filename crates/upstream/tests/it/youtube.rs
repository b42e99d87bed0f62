//! A channel's videos, as Atom.

use std::time::Duration;

use pollwheel_upstream::{Config, Growth};

use crate::client::Site;

const PATH: &str = "/feeds/videos.xml?channel_id=UCabc";

async fn site() -> Site {
    let growth = Growth { history: 40, items_per_hour: 0.0, ..Config::default().growth };
    Site::start(Config { growth, ..Config::default() }).await
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).map(|rest| rest.split_once(close).unwrap().0).collect()
}

#[tokio::test]
async fn the_15_newest_videos_are_there_and_no_validator() {
    let site = site().await;
    let answer = site.get(PATH).await;
    assert_eq!(answer.header("content-type"), "text/xml; charset=UTF-8");
    let entries = between(&answer.body, "<entry>", "</entry>");
    let ids: Vec<_> = entries.iter().map(|entry| between(entry, "<id>", "</id>")[0].to_owned()).collect();
    assert_eq!(ids, site.item_ids("youtube", "UCabc").await[..15]);
    assert_eq!((answer.headers.get("etag"), answer.headers.get("last-modified")), (None, None));
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert_eq!(answer.header("expires"), "Thu, 01 Jan 2026 00:01:00 GMT");
}

#[tokio::test]
async fn an_entry_has_youtubes_and_media_names() {
    let site = site().await;
    let body = site.get(PATH).await.body;
    assert!(body.contains("<id>yt:channel:abc</id>\n <yt:channelId>abc</yt:channelId>"));
    for entry in between(&body, "<entry>", "</entry>") {
        let video = between(entry, "<yt:videoId>", "</yt:videoId>")[0];
        assert_eq!(video.len(), 11);
        assert!(entry.contains(&format!("<id>yt:video:{video}</id>")));
        assert!(entry.contains("<yt:channelId>UCabc</yt:channelId>"));
        assert_eq!(between(entry, "<title>", "</title>"), between(entry, "<media:title>", "</media:title>"));
        assert!(between(entry, "<published>", "</published>")[0].ends_with("+00:00"));
        assert!(entry.contains("<media:statistics views=\""));
    }
}

#[tokio::test]
async fn an_early_poll_is_counted_and_a_missing_channel_is_not_there() {
    let site = site().await;
    for _ in 0..2 {
        assert_eq!(site.get(PATH).await.status, 200);
        site.clock.advance(Duration::from_secs(59));
    }
    assert_eq!(site.stats().await.channels.youtube.early_polls, 1);
    assert_eq!(site.get("/feeds/videos.xml?channel_id=gone-1").await.status, 404);
    assert_eq!(site.get("/feeds/videos.xml").await.status, 404);
}
