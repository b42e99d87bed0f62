//! YouTube: `GET /feeds/videos.xml?channel_id={id}`, the Atom feed of a channel.
//!
//! The feed is what <https://developers.google.com/youtube/v3/guides/push_notifications> calls a topic: at most the 15
//! newest videos, in Atom with names of YouTube's and of Media RSS. It has no validators and tells of no limit.

use std::fmt::Write;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::dates;
use crate::digits::{self, URL_64};
use crate::draw::Draws;
use crate::feed::Feed;
use crate::prose;
use crate::timeline::time_ms;
use crate::window::{Standing, Start};

const MAX_VIDEOS: usize = 15;
const SITE: &str = "https://www.youtube.example";

/// The API.
#[derive(Debug)]
pub(crate) struct Youtube {
    /// `max-age`.
    pub(crate) poll_interval: Duration,
}

impl Api for Youtube {
    fn find<'a>(&self, path: &'a str, query: Query<'a>) -> Option<Subject<'a>> {
        if path != "/feeds/videos.xml" {
            return None;
        }
        query.get("channel_id").map(Subject::Account)
    }

    fn needs_token(&self, _call: &Call<'_>) -> Need {
        Need::Never
    }

    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    fn counts_by(&self, call: &Call<'_>) -> u64 {
        call.address()
    }

    fn poll_interval(&self, _call: &Call<'_>) -> Option<Duration> {
        Some(self.poll_interval)
    }

    fn item_id(&self, _account: &str, id: u64) -> String {
        format!("yt:video:{}", video_id(id))
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let ids = feed.latest(MAX_VIDEOS);
        let expires = call.now_ms + self.poll_interval.as_secs() * 1_000;
        Ok(Content::json(ids.len(), move || write_all(call, &ids))
            .of_type("text/xml; charset=UTF-8")
            .with_header("cache-control", Some(format!("public, max-age={}", self.poll_interval.as_secs())))
            .with_header("expires", Some(dates::http(expires))))
    }

    fn refusal(&self, problem: Problem, _call: &Call<'_>) -> Answer {
        let status = match problem {
            Problem::Limited => StatusCode::TOO_MANY_REQUESTS,
            Problem::Forbidden | Problem::Throttled => StatusCode::FORBIDDEN,
            Problem::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            // There is nothing to sign in to.
            Problem::Missing | Problem::Gone | Problem::Unauthorized | Problem::Expired => {
                StatusCode::NOT_FOUND
            }
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        let page = format!("<!DOCTYPE html><html lang=en><title>Error {}</title>", status.as_u16());
        api::with_body(status, "text/html; charset=UTF-8", page)
    }

    fn add_headers(&self, _headers: &mut HeaderMap, _call: &Call<'_>, _standing: &Standing) {}
}

/// Eleven digits.
fn video_id(id: u64) -> String {
    digits::write(id, URL_64, 11)
}

fn write_all(call: &Call<'_>, ids: &[u64]) -> String {
    let channel = &call.account;
    // The feed names a channel without the two letters that every channel's id begins with.
    let short = channel.strip_prefix("UC").unwrap_or(channel);
    let author =
        format!("<author><name>Channel {channel}</name><uri>{SITE}/channel/{channel}</uri></author>");
    let mut out = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/" xmlns="http://www.w3.org/2005/Atom">
 <link rel="self" href="{SITE}/feeds/videos.xml?channel_id={channel}"/>
 <id>yt:channel:{short}</id>
 <yt:channelId>{short}</yt:channelId>
 <title>Channel {channel}</title>
 <link rel="alternate" href="{SITE}/channel/{channel}"/>
 {author}
 <published>2014-03-01T10:00:00+00:00</published>
"#
    );
    for &id in ids {
        write_entry(&mut out, channel, &author, id);
    }
    out.push_str("</feed>\n");
    out
}

fn write_entry(out: &mut String, channel: &str, author: &str, id: u64) {
    let mut draws = Draws::new(id, 8);
    let (video, time) = (video_id(id), dates::iso_offset(time_ms(id)));
    let (title, text) = (prose::sentence(&mut draws, 3, 8), prose::sentence(&mut draws, 10, 40));
    let (views, ratings) = (draws.below(90_000), draws.below(4_000));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#" <entry>
  <id>yt:video:{video}</id>
  <yt:videoId>{video}</yt:videoId>
  <yt:channelId>{channel}</yt:channelId>
  <title>{title}</title>
  <link rel="alternate" href="{SITE}/watch?v={video}"/>
  {author}
  <published>{time}</published>
  <updated>{time}</updated>
  <media:group>
   <media:title>{title}</media:title>
   <media:content url="{SITE}/v/{video}?version=3" type="application/x-shockwave-flash" width="640" height="390"/>
   <media:thumbnail url="https://i1.ytimg.example/vi/{video}/hqdefault.jpg" width="480" height="360"/>
   <media:description>{text}</media:description>
   <media:community>
    <media:starRating count="{ratings}" average="5.00" min="1" max="5"/>
    <media:statistics views="{views}"/>
   </media:community>
  </media:group>
 </entry>
"#
    );
}
