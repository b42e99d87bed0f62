//! What goes over the wire, for whoever watches one poll: `pollwheel channel try` shows it, `record` keeps it.
//!
//! Nobody watches the polls of a running deployment, and nothing is copied for nobody.

use std::time::{Duration, Instant};

use ::http::HeaderMap;
use bytes::Bytes;

use crate::exchange::{FetchError, Outbound, Response};

/// Somebody who is told of every exchange, secrets included: what is shown or kept of it must be redacted first.
pub trait Watch: Sync {
    /// An exchange is over.
    fn seen(&self, exchange: Seen);
}

/// One exchange.
#[derive(Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The request's headers.
    pub headers: Vec<Header>,
    /// The request's body; empty for none.
    pub body: Bytes,
    /// The answer, or why there is none.
    pub answer: Result<Answered, String>,
    /// From the request to the end of the answer, redirects included.
    pub took: Duration,
}

// It is full of secrets.
impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").field("method", &self.method).field("took", &self.took).finish_non_exhaustive()
    }
}

/// A header, as text: bytes that are no UTF-8 are replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it carries credentials.
    pub is_sensitive: bool,
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.is_sensitive { "***" } else { &self.value };
        write!(f, "{}: {value}", self.name)
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<Header>,
    /// Its body, decoded.
    pub body: Bytes,
    /// Where it came from, when redirects led elsewhere.
    pub url: String,
    /// How many redirects led there.
    pub redirects: u32,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, redirects, .. } = self;
        f.debug_struct("Answered")
            .field("status", status)
            .field("redirects", redirects)
            .finish_non_exhaustive()
    }
}

/// A request on its way, kept for its watcher.
pub(crate) struct Watched<'w> {
    watch: &'w dyn Watch,
    asked: Outbound,
    since: Instant,
}

impl<'w> Watched<'w> {
    /// Keeps a request, when somebody watches.
    pub(crate) fn start(watch: Option<&'w dyn Watch>, outbound: &Outbound) -> Option<Self> {
        watch.map(|watch| Self { watch, asked: outbound.clone(), since: Instant::now() })
    }

    /// Tells the watcher of the answer.
    pub(crate) fn end(self, answer: &Result<Response, FetchError>) {
        let Self { watch, asked, since } = self;
        watch.seen(Seen {
            method: asked.method.to_string(),
            url: asked.uri.to_string(),
            headers: headers(&asked.headers),
            body: asked.body,
            answer: answer.as_ref().map(answered).map_err(ToString::to_string),
            took: since.elapsed(),
        });
    }
}

fn answered(response: &Response) -> Answered {
    Answered {
        status: response.status.as_u16(),
        headers: headers(&response.headers),
        // Who watches may keep it for long, and a copy that is shared would keep its room for large bodies as long.
        body: Bytes::copy_from_slice(&response.body),
        url: response.uri.to_string(),
        redirects: response.redirects,
    }
}

fn headers(map: &HeaderMap) -> Vec<Header> {
    let header = |(name, value): (&::http::HeaderName, &::http::HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        is_sensitive: value.is_sensitive() || name == ::http::header::AUTHORIZATION,
    };
    map.iter().map(header).collect()
}
