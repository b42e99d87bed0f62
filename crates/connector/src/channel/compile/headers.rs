//! `headers`, of the channel and of a request.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, header};

use crate::channel::file::{At, Text};
use crate::channel::problem::Problems;
use crate::request::Headers;
use crate::template::Template;

/// Headers that the connector sets itself, or that would change what a request is.
const RESERVED: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

/// Whether only the connector may set a header.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
}

/// A declared header.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    name: HeaderName,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Fixed(HeaderValue),
    Made(Template),
}

impl Declared {
    /// Puts it in the place of what has its name.
    pub(super) fn put(&self, headers: &mut Headers) {
        match &self.value {
            Value::Fixed(value) => headers.fix(self.name.clone(), value.clone()),
            Value::Made(template) => headers.make(self.name.clone(), template.clone()),
        }
    }
}

pub(super) fn headers(
    declared: &BTreeMap<String, Text>,
    field: &str,
    problems: &mut Problems,
) -> Vec<Declared> {
    let mut headers = Vec::new();
    for (name, text) in declared {
        let field = format!("{field}.{name}");
        let parsed = header_name(text, &field, name, problems);
        if parsed.as_ref().is_some_and(is_reserved) {
            problems.with(text, &field, "is set by the connector itself: remove it");
        }
        let value = if text.value.contains("{{") {
            problems.take(text, &field, Template::parse(&text.value)).map(Value::Made)
        } else {
            let checked = HeaderValue::from_str(&text.value);
            let checked = checked.map_err(|_| "has a character that no header may have");
            problems.take(text, &field, checked).map(Value::Fixed)
        };
        if let (Some(name), Some(value)) = (parsed, value) {
            headers.push(Declared { name, value });
        }
    }
    headers
}

pub(super) fn header_name<T>(
    at: &At<T>,
    field: &str,
    name: &str,
    problems: &mut Problems,
) -> Option<HeaderName> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    problems.take(
        at,
        field,
        parsed.map_err(|_| format!("`{}` is not the name of a header", name.escape_debug())),
    )
}
