//! The one document that feeds of every kind become.
//!
//! Every member is always there, so that a jq path never fails: what a feed does not have is null or an empty list. Texts
//! are as the feed has them, without white space around them; titles and contents may be HTML.

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::{FormatError, date};
use crate::json::MAX_ELEMENTS;

/// Longest id that is kept as it is, in bytes: what an item may have.
const MAX_ID_BYTES: usize = 512;

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) feed: Feed,
    /// How long the feed may be kept, as it says itself.
    pub(super) ttl_seconds: Option<u64>,
    /// In the order of the feed.
    pub(super) entries: Vec<Entry>,
}

/// Which kind of feed it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Rss,
    Atom,
    JsonFeed,
}

/// What is said of the whole feed.
#[derive(Debug, Serialize)]
pub(super) struct Feed {
    pub(super) format: Kind,
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) url: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) author: Option<String>,
    pub(super) updated: Option<String>,
}

/// One entry.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) parts: Parts,
}

/// An entry's parts without its id.
#[derive(Debug, Default, Serialize)]
pub(super) struct Parts {
    pub(super) title: Option<String>,
    pub(super) url: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) content: Option<String>,
    pub(super) author: Option<String>,
    /// RFC 3339 in UTC.
    pub(super) published: Option<String>,
    /// RFC 3339 in UTC.
    pub(super) updated: Option<String>,
    pub(super) image: Option<String>,
    pub(super) categories: Vec<String>,
    pub(super) enclosures: Vec<Enclosure>,
}

/// A file that belongs to an entry.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Enclosure {
    pub(super) url: String,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// Bytes.
    pub(super) length: Option<u64>,
}

impl Document {
    pub(super) fn new(format: Kind) -> Self {
        let feed = Feed {
            format,
            id: None,
            title: None,
            url: None,
            description: None,
            language: None,
            author: None,
            updated: None,
        };
        Self { feed, ttl_seconds: None, entries: Vec::new() }
    }

    /// Adds an entry with the id that it has, or gets.
    pub(super) fn push(&mut self, given: Option<String>, parts: Parts) -> Result<(), FormatError> {
        if self.entries.len() == MAX_ELEMENTS {
            return Err(FormatError::ManyEntries);
        }
        self.entries.push(Entry { id: id(given, &parts), parts });
        Ok(())
    }
}

/// An entry's id: its own; else its URL; else a hash of title and date, or of its text when it has neither. So the same
/// bytes always have the same id. One that no item may have, because it is too long or has control characters, becomes
/// its hash.
fn id(given: Option<String>, parts: &Parts) -> String {
    let own = given.or_else(|| parts.url.clone()).filter(|id| !id.is_empty());
    match own {
        Some(id) if is_usable(&id) => id,
        Some(id) => hash([&id]),
        None => {
            let date = parts.published.as_ref().or(parts.updated.as_ref());
            if parts.title.is_some() || date.is_some() {
                hash([text(parts.title.as_ref()), text(date)])
            } else {
                hash([text(parts.summary.as_ref()), text(parts.content.as_ref())])
            }
        }
    }
}

fn text(part: Option<&String>) -> &str {
    part.map_or("", String::as_str)
}

fn is_usable(id: &str) -> bool {
    id.len() <= MAX_ID_BYTES && !id.chars().any(|c| c.is_control() || is_noncharacter(c))
}

/// U+FFFE, U+FFFF and their like, which no text should have.
fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)
}

fn hash<const N: usize>(parts: [&str; N]) -> String {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("xxh3:{:032x}", hash.digest128())
}

/// A text as it is kept: trimmed, none when nothing is left, and without characters that XML does not have.
pub(super) fn tidy(text: &str) -> Option<String> {
    let text = text.trim();
    let is_odd = |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || is_noncharacter(c);
    let text = if text.contains(is_odd) { text.replace(is_odd, "") } else { text.to_owned() };
    (!text.is_empty()).then_some(text)
}

/// A date as it is kept.
pub(super) fn instant(text: &str) -> Option<String> {
    date::instant(text)
}

/// A whole number, saturating; none when it is none.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(title: &str) -> Parts {
        Parts { title: Some(title.to_owned()), ..Parts::default() }
    }

    #[test]
    fn ids_are_the_same_for_the_same_entry() {
        let linked = Parts { url: Some("https://a.example/1".to_owned()), ..named("x") };
        assert_eq!(id(Some("guid".to_owned()), &linked), "guid");
        assert_eq!(id(None, &linked), "https://a.example/1");
        assert_eq!(id(None, &named("x")), id(None, &named("x")));
        assert_eq!(id(None, &named("x")), "xxh3:8d39eb81f310a3b6a8f5e4cf577f25bc");
        assert_ne!(id(None, &named("x")), id(None, &named("y")));
        let dated = Parts { published: Some("2026-11-23T00:00:00Z".to_owned()), ..named("x") };
        assert_ne!(id(None, &dated), id(None, &named("x")));
        let [one, two] =
            ["one", "two"].map(|text| Parts { summary: Some(text.to_owned()), ..Parts::default() });
        assert_ne!(id(None, &one), id(None, &two));
    }

    #[test]
    fn r26_an_id_that_no_item_may_have_becomes_its_hash() {
        for odd in ["a\u{0}b", "a\u{FFFE}", "a\u{1FFFF}", "a\nb", &"x".repeat(513)] {
            let id = id(Some(odd.to_owned()), &Parts::default());
            assert!(id.starts_with("xxh3:") && id.len() == 37, "{id}");
        }
        assert_eq!(tidy(" a\u{0}\u{FFFF}b\tc ").unwrap(), "ab\tc");
        assert_eq!(tidy(" \u{0} "), None);
    }

    #[test]
    fn r16_numbers_saturate() {
        assert_eq!(whole_number(" 60 "), Some(60));
        assert_eq!(whole_number("18446744073709551616"), Some(u64::MAX));
        for none in ["", "-1", "1.5", "NaN", "1e9", "１"] {
            assert_eq!(whole_number(none), None, "{none}");
        }
    }
}
