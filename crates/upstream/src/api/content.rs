//! A proper answer before it is known whether the client has it already: its body is written only when it is sent.

use hyper::header::HeaderMap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{JSON, set};
use crate::call::Call;
use crate::dates;

/// What a request is answered with, 200 or 304.
pub(crate) struct Content<'a> {
    /// Number of items in it.
    pub(crate) items: usize,
    content_type: &'static str,
    etag: Option<String>,
    /// When the newest item was changed, in milliseconds since 1970 on the timeline's clock.
    modified_ms: Option<u64>,
    headers: Vec<(&'static str, String)>,
    body: Box<dyn FnOnce() -> String + 'a>,
}

impl<'a> Content<'a> {
    /// JSON with so many items.
    pub(crate) fn json(items: usize, body: impl FnOnce() -> String + 'a) -> Self {
        let body = Box::new(body);
        Self { items, content_type: JSON, etag: None, modified_ms: None, headers: Vec::new(), body }
    }

    /// In another format.
    pub(crate) fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// With an entity tag.
    pub(crate) fn with_etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    /// With a date of change.
    pub(crate) fn modified(mut self, modified_ms: Option<u64>) -> Self {
        self.modified_ms = modified_ms;
        self
    }

    /// With a header, when there is a value for it.
    pub(crate) fn with_header(mut self, name: &'static str, value: Option<String>) -> Self {
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    /// Whether the client has it. RFC 9110 section 13.2.2: the date is looked at only without a tag.
    pub(crate) fn is_current(&self, call: &Call<'_>) -> bool {
        match (&self.etag, self.modified_ms) {
            (Some(etag), _) if call.has_tags() => call.has_current(etag),
            // Dates have whole seconds.
            (_, Some(modified_ms)) => {
                call.modified_since_ms().is_some_and(|since_ms| modified_ms / 1_000 <= since_ms / 1_000)
            }
            (Some(_) | None, None) => false,
        }
    }

    /// Adds the headers that describe it, the same for 200 and 304.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, call: &Call<'_>) {
        if let Some(etag) = &self.etag {
            set(headers, "etag", etag);
        }
        if let Some(modified_ms) = self.modified_ms {
            // Timeline time may run ahead of the clock, but RFC 9110 section 8.8.2.1 allows no date in the future.
            set(headers, "last-modified", &dates::http(modified_ms.min(call.now_ms)));
        }
        for (name, value) in &self.headers {
            set(headers, name, value);
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The body, written now.
    pub(crate) fn into_body(self) -> String {
        (self.body)()
    }
}

/// A number for a body that is the same when, and only when, what the body is made of is the same.
pub(crate) fn fingerprint(call: &Call<'_>, ids: impl IntoIterator<Item = u64>) -> u128 {
    let mut seen = call.account.as_bytes().to_vec();
    for id in ids {
        seen.extend_from_slice(&id.to_le_bytes());
    }
    xxh3_128_with_seed(&seen, 0)
}
