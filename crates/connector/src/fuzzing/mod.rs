//! Doors for the fuzz targets of `fuzz/`, and for the test that runs their corpora. Part of no interface.
//!
//! Each entry point takes bytes that anybody may have sent, and asserts more than that nothing panics: no outcome repeats
//! what was sent, nothing moves on doubt, what is kept can be read again, and the same answer twice has nothing new the
//! second time.

mod poll;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use pollwheel_core::outcome::Outcome;

use crate::base_url;
use crate::channel::{ChannelSet, ResetFormat};
use crate::format::{self, Format};
use crate::http::redirected;
use crate::template::{Template, Values, Variable};
use crate::wait::{FloorSource, ServerClock};

/// Longest input, in bytes: what is larger finds nothing that is not found below, only later.
const MAX_BYTES: usize = 64 * 1024;

/// A response's status and headers: the first line is the status, every other one a header.
pub fn header(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
    let mut headers = HeaderMap::new();
    for line in lines.take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    waits(&headers);
    links(&headers);
    let mut response = ::http::Response::new(Bytes::from_static(br#"[{"id":9}]"#));
    *response.status_mut() = status.unwrap_or(::http::StatusCode::OK);
    *response.headers_mut() = headers;
    for job_type in ["numbers", "letters"] {
        poll::once(job_type, r#"{"poll":{"cursor":"1"}}"#, &response);
    }
}

/// However a wait is written, it is a number, and the same one every time.
fn waits(headers: &HeaderMap) {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let read = || {
        let clock = ServerClock::new(headers, now);
        let formats = [
            ResetFormat::DeltaSeconds,
            ResetFormat::EpochSeconds,
            ResetFormat::EpochMillis,
            ResetFormat::Iso8601,
        ];
        let reset =
            headers.get("x-ratelimit-reset").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let resets = formats.map(|format| clock.reset(reset, format));
        (
            resets,
            clock.retry_after(),
            clock.floor(&FloorSource::CacheControl),
            clock.floor(&FloorSource::Expires),
        )
    };
    assert_eq!(read(), read());
}

/// A link or location is a plain HTTP URL or nothing, and a redirect never leaves https or takes credentials along.
fn links(headers: &HeaderMap) {
    let from = ::http::Uri::from_static("https://api.example.com/v1/x?key=planted-t0ken");
    let references = headers.values().filter_map(|value| value.to_str().ok());
    for reference in references.chain(base_url::next_link(headers.get_all("link").iter())) {
        let Ok(uri) = base_url::join(&from, reference) else { continue };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        assert!(matches!(uri.scheme_str(), Some("http" | "https")) && !authority.contains('@'), "{uri}");
        assert_eq!(base_url::join(&from, &uri.to_string()).as_ref(), Ok(&uri), "{uri}");
    }
    if let Some(led) = redirected(&from, "key", headers) {
        assert_eq!(led.uri.scheme_str(), Some("https"));
        let is_elsewhere = !base_url::same_origin(&from, &led.uri);
        assert!(!is_elsewhere || !led.uri.to_string().contains("planted-t0ken"), "{}", led.uri);
        assert_eq!(led.headers.is_empty(), is_elsewhere);
    }
}

/// A body in each format: read alone, and polled.
pub fn body(data: &[u8]) {
    let Some((which, body)) = data.split_first().filter(|_| data.len() <= MAX_BYTES) else { return };
    // A letter, so that a corpus can be written by hand.
    let (format, job_type) = match which {
        b'n' => (Format::Ndjson, "lines"),
        b'f' => (Format::Feed, "feed"),
        b'r' => (Format::Rss, "feed"),
        b'a' => (Format::Atom, "feed"),
        b'j' => (Format::JsonFeed, "feed"),
        b'l' => (Format::Json, "letters"),
        b't' => (Format::Json, "times"),
        b's' => (Format::Json, "seen"),
        _ => (Format::Json, "numbers"),
    };
    let read = format::document(format, None, body);
    assert_eq!(read, format::document(format, None, body));
    if let Ok(document) = &read
        && format != Format::Json
    {
        document_is_sound(format, document);
    }
    let response = ::http::Response::new(Bytes::copy_from_slice(body));
    poll::twice(job_type, "{}", &response);
    poll::twice(job_type, r#"{"poll":{"cursor":"1"},"own":[1]}"#, &response);
}

/// A document is JSON, and every entry of a feed has an id that an item may have.
fn document_is_sound(format: Format, document: &str) {
    let value: Result<serde_json::Value, _> = serde_json::from_str(document);
    assert!(value.is_ok() || format == Format::Ndjson, "a document is no JSON");
    if !format.is_feed() {
        return;
    }
    let value = value.unwrap_or_default();
    for entry in value["entries"].as_array().into_iter().flatten() {
        let id = entry["id"].as_str().unwrap_or_default();
        assert!((1..=512).contains(&id.len()) && !id.contains(char::is_control), "{id:?}");
    }
}

/// A template, and the values that go into it: the second line is the value of everything that it names.
pub fn template(data: &[u8]) {
    struct One<'v>(&'v str);
    impl Values for One<'_> {
        fn value(&self, _: &Variable) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, value) = text.split_once('\n').unwrap_or((text, "a/b?c=d&e#%\u{0}ä"));
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (mut query, mut path) = (String::new(), String::new());
    assert!(template.write_query(&One(value), &mut query).is_ok());
    assert!(template.write_path(&One(value), &mut path).is_ok());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    assert!(query.bytes().all(is_plain), "{query}");
    // What is left of a path without its own text is encoded values.
    let mut values = path.as_str();
    for text in template.texts() {
        let Some((before, after)) = values.split_once(text) else { return };
        assert!(before.bytes().all(is_plain), "{path}");
        values = after;
    }
}

/// A job's context, and the page that it meets: the first line is the context, the rest the body.
pub fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (context, body) = text.split_once('\n').unwrap_or((text, "[]"));
    if text.len() > MAX_BYTES {
        return;
    }
    let response = ::http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
    for job_type in ["numbers", "letters", "times", "seen", "feed"] {
        poll::twice(job_type, context, &response);
    }
}

/// A channel file.
pub fn channel_file(data: &[u8]) {
    let Some(text) = std::str::from_utf8(data).ok().filter(|text| text.len() <= MAX_BYTES) else { return };
    let path = Path::new("channels/fuzzed/channel.yml");
    let read = || ChannelSet::of_text(path, text);
    match (read(), read()) {
        (Ok(channels), Ok(_)) => assert!(channels.iter().all(|channel| channel.job_types().count() > 0)),
        (Err(problems), Err(again)) => {
            assert!(!problems.0.is_empty() && problems == again);
            let lines = text.split(['\n', '\r']).count() as u64;
            for problem in &problems.0 {
                assert!(problem.line <= lines + 1 && !problem.message.is_empty(), "{problem}");
            }
        }
        (Ok(_), Err(problems)) | (Err(problems), Ok(_)) => assert!(problems.0.is_empty(), "read in two ways"),
    }
}

/// Whether an outcome says that something is new.
const fn is_new(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::New { .. })
}
