//! The three formats, each with the same items.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::call::Call;
use crate::dates;
use crate::draw::Draws;
use crate::prose;
use crate::timeline::time_ms;

const SITE: &str = "https://blog.example";

/// A format of feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Rss,
    Atom,
    Json,
}

/// What names an item everywhere: its own address, as in most feeds.
pub(super) fn guid(feed: &str, id: u64) -> String {
    format!("{SITE}/{feed}/{id}")
}

struct Item {
    url: String,
    title: String,
    text: String,
    time_ms: u64,
}

impl Item {
    fn of(feed: &str, id: u64) -> Self {
        let mut draws = Draws::new(id, 9);
        Self {
            url: guid(feed, id),
            title: prose::sentence(&mut draws, 3, 8),
            text: prose::sentence(&mut draws, 15, 60),
            time_ms: time_ms(id),
        }
    }
}

impl Format {
    /// The feed's id and its format.
    pub(super) fn of(path: &str) -> Option<(&str, Self)> {
        let (id, ending) = path.strip_prefix("/feeds/")?.rsplit_once('.')?;
        let format = match ending {
            "rss" => Self::Rss,
            "atom" => Self::Atom,
            "json" => Self::Json,
            _ => return None,
        };
        Some((id, format))
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json",
        }
    }

    /// The feed with these items. `ttl` is in minutes; only RSS has it.
    pub(super) fn write(self, call: &Call<'_>, ids: &[u64], ttl: u64) -> String {
        let feed: &str = &call.account;
        let items: Vec<_> = ids.iter().map(|&id| Item::of(feed, id)).collect();
        let own = format!("{}{}", call.base_url(), call.path);
        match self {
            Self::Rss => rss(feed, &own, &items, ttl),
            Self::Atom => atom(feed, &own, &items),
            Self::Json => json_feed(feed, &own, &items).to_string(),
        }
    }
}

fn rss(feed: &str, own: &str, items: &[Item], ttl: u64) -> String {
    let built = items.first().map_or_else(String::new, |newest| {
        format!("<lastBuildDate>{}</lastBuildDate>", dates::http(newest.time_ms))
    });
    let mut out = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
<title>Feed {feed}</title>
<link>{SITE}/{feed}</link>
<description>A feed of a loopback server.</description>
<language>en</language>
{built}
<ttl>{ttl}</ttl>
<atom:link href="{own}" rel="self" type="application/rss+xml"/>
"#
    );
    for Item { url, title, text, time_ms } in items {
        let date = dates::http(*time_ms);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            r#"<item><title>{title}</title><link>{url}</link><guid>{url}</guid><pubDate>{date}</pubDate><dc:creator>Author of {feed}</dc:creator><description>{text}</description><content:encoded><![CDATA[<p>{text}</p>]]></content:encoded></item>"#
        );
    }
    out.push_str("</channel>\n</rss>\n");
    out
}

fn atom(feed: &str, own: &str, items: &[Item]) -> String {
    let updated = dates::iso_s(items.first().map_or(0, |newest| newest.time_ms));
    let mut out = format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>tag:blog.example,2026:{feed}</id>
<title>Feed {feed}</title>
<updated>{updated}</updated>
<author><name>Author of {feed}</name></author>
<link rel="alternate" href="{SITE}/{feed}"/>
<link rel="self" href="{own}"/>
"#
    );
    for Item { url, title, text, time_ms } in items {
        let date = dates::iso_s(*time_ms);
        let _ = writeln!(
            out,
            r#"<entry><id>{url}</id><title>{title}</title><link rel="alternate" href="{url}"/><published>{date}</published><updated>{date}</updated><content type="html">&lt;p&gt;{text}&lt;/p&gt;</content></entry>"#
        );
    }
    out.push_str("</feed>\n");
    out
}

fn json_feed(feed: &str, own: &str, items: &[Item]) -> Value {
    let item = |item: &Item| {
        json!({
            "id": item.url,
            "url": item.url,
            "title": item.title,
            "content_html": format!("<p>{}</p>", item.text),
            "date_published": dates::iso_s(item.time_ms),
        })
    };
    json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": format!("Feed {feed}"),
        "home_page_url": format!("{SITE}/{feed}"),
        "feed_url": own,
        "authors": [{"name": format!("Author of {feed}")}],
        "language": "en",
        "items": items.iter().map(item).collect::<Vec<_>>(),
    })
}
