//! The forms that a body can have, brought to one: the text of a JSON value.
//!
//! JSON is handed on as it is. Lines become an array, and feeds of any kind one document ([`feed`]), so that jq reads all
//! of them alike. What a body holds is hostile: markup is read as a stream under limits ([`xml`]), nothing here recurses
//! deeper than a constant, and an error names the rule and never the content.

mod charset;
mod date;
mod feed;
mod json_feed;
mod markup;
mod ndjson;
mod vocabulary;
mod xml;

use std::borrow::Cow;

use serde::Deserialize;

use crate::json::{self, JsonError, MAX_ELEMENTS};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// One JSON value.
    #[default]
    Json,
    /// A JSON value on each line.
    Ndjson,
    /// RSS, Atom or JSON Feed, told apart by the body.
    Feed,
    /// RSS 0.9x, 1.0 (RDF) or 2.0.
    Rss,
    /// Atom 1.0.
    Atom,
    /// JSON Feed 1.0 or 1.1.
    JsonFeed,
}

/// Why a body is not what its channel declares. The messages carry no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormatError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("line {line}: {error}")]
    Line { line: usize, error: JsonError },
    #[error(transparent)]
    Xml(#[from] xml::XmlError),
    #[error("it is not text in the encoding that it declares")]
    Encoding,
    #[error("it is a web page and not a feed")]
    WebPage,
    #[error("it is not {0}")]
    Other(&'static str),
    #[error("it has more than {MAX_ELEMENTS} entries")]
    ManyEntries,
}

impl Format {
    /// Whether the document is the one that [`feed`] describes.
    pub(crate) const fn is_feed(self) -> bool {
        match self {
            Self::Json | Self::Ndjson => false,
            Self::Feed | Self::Rss | Self::Atom | Self::JsonFeed => true,
        }
    }

    /// What an author expects to get.
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Ndjson => "JSON, one value a line",
            Self::Feed => "a feed (RSS, Atom or JSON Feed)",
            Self::Rss => "an RSS feed",
            Self::Atom => "an Atom feed",
            Self::JsonFeed => "a JSON Feed",
        }
    }
}

/// The JSON text of a body: of `Json` the body itself, of `Ndjson` the array of its lines, of a feed its document.
/// `content_type` is the header, for the encoding of XML.
///
/// # Errors
/// How the body differs from its format.
pub(crate) fn document<'b>(
    format: Format,
    content_type: Option<&str>,
    body: &'b [u8],
) -> Result<Cow<'b, str>, FormatError> {
    match format {
        Format::Json => Ok(json::text(body)?.into()),
        Format::Ndjson => ndjson::array(json::text(body)?).map(Cow::Owned),
        Format::Feed | Format::Rss | Format::Atom | Format::JsonFeed => {
            let text = charset::decode(content_type, body)?;
            let document = read_feed(format, text.trim_ascii_start())?;
            // Strings, numbers and lists: there is nothing in it that cannot be written.
            serde_json::to_string(&document).map(Cow::Owned).map_err(|_| FormatError::Other(format.name()))
        }
    }
}

fn read_feed(format: Format, text: &str) -> Result<feed::Document, FormatError> {
    let document = match (format, text.as_bytes().first()) {
        (Format::JsonFeed, _) | (Format::Feed, Some(b'{')) => json_feed::read(text)?,
        (_, Some(b'<')) => markup::read(text)?,
        (_, _) => return Err(FormatError::Other(format.name())),
    };
    let is_wanted = match format {
        Format::Rss => document.feed.format == feed::Kind::Rss,
        Format::Atom => document.feed.format == feed::Kind::Atom,
        Format::Json | Format::Ndjson | Format::Feed | Format::JsonFeed => true,
    };
    if is_wanted { Ok(document) } else { Err(FormatError::Other(format.name())) }
}

#[cfg(test)]
mod tests;
