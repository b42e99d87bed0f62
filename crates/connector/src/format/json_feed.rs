//! JSON Feed 1.0 and 1.1. <https://www.jsonfeed.org/version/1.1/>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::feed::{Document, Enclosure, Kind, Parts, instant, tidy, whole_number};
use super::{Format, FormatError};
use crate::json;

/// What every feed's `version` begins with.
const VERSIONS: [&str; 2] = ["https://jsonfeed.org/version/", "http://jsonfeed.org/version/"];

#[derive(Deserialize)]
struct File {
    version: Option<String>,
    title: Option<String>,
    home_page_url: Option<String>,
    feed_url: Option<String>,
    description: Option<String>,
    language: Option<String>,
    authors: Option<Vec<Author>>,
    author: Option<Author>,
    items: Option<Vec<ItemFile>>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize)]
struct ItemFile {
    /// A string, says the specification; old feeds have numbers.
    id: Option<Box<RawValue>>,
    url: Option<String>,
    external_url: Option<String>,
    title: Option<String>,
    content_html: Option<String>,
    content_text: Option<String>,
    summary: Option<String>,
    image: Option<String>,
    banner_image: Option<String>,
    date_published: Option<String>,
    date_modified: Option<String>,
    authors: Option<Vec<Author>>,
    author: Option<Author>,
    tags: Option<Vec<String>>,
    attachments: Option<Vec<Attachment>>,
}

#[derive(Deserialize)]
struct Attachment {
    url: Option<String>,
    mime_type: Option<String>,
    size_in_bytes: Option<Box<RawValue>>,
}

/// Reads a feed.
pub(super) fn read(text: &str) -> Result<Document, FormatError> {
    let file: File = serde_json::from_str(text).map_err(|error| json::described(&error))?;
    let is_feed =
        file.version.is_some_and(|version| VERSIONS.iter().any(|prefix| version.starts_with(prefix)));
    let Some(items) = file.items.filter(|_| is_feed) else {
        return Err(FormatError::Other(Format::JsonFeed.name()));
    };
    let mut document = Document::new(Kind::JsonFeed);
    let feed = &mut document.feed;
    (feed.id, feed.url) = (kept(file.feed_url), kept(file.home_page_url));
    (feed.title, feed.description) = (kept(file.title), kept(file.description));
    (feed.language, feed.author) = (kept(file.language), author(file.authors, file.author));
    for item in items {
        let id = item.id.as_deref().and_then(|id| json::scalar(id.get())?.trim().to_owned().into());
        document.push(id, item.into_parts())?;
    }
    Ok(document)
}

impl ItemFile {
    fn into_parts(self) -> Parts {
        Parts {
            title: kept(self.title),
            url: kept(self.url).or_else(|| kept(self.external_url)),
            summary: kept(self.summary),
            content: kept(self.content_html).or_else(|| kept(self.content_text)),
            author: author(self.authors, self.author),
            published: self.date_published.as_deref().and_then(instant),
            updated: self.date_modified.as_deref().and_then(instant),
            image: kept(self.image).or_else(|| kept(self.banner_image)),
            categories: self.tags.unwrap_or_default().iter().filter_map(|tag| tidy(tag)).collect(),
            enclosures: self.attachments.unwrap_or_default().into_iter().filter_map(enclosure).collect(),
        }
    }
}

fn enclosure(attachment: Attachment) -> Option<Enclosure> {
    let length = attachment.size_in_bytes.and_then(|length| whole_number(length.get()));
    Some(Enclosure { url: kept(attachment.url)?, kind: kept(attachment.mime_type), length })
}

fn author(authors: Option<Vec<Author>>, author: Option<Author>) -> Option<String> {
    authors.into_iter().flatten().chain(author).find_map(|author| kept(author.name))
}

fn kept(text: Option<String>) -> Option<String> {
    tidy(&text?)
}
