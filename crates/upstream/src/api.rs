//! What the two APIs have in common, and what each must say for itself.
//!
//! An [`Api`] knows its parameters, headers, shapes and error texts. It does not know limits, faults or counts: those are
//! the same for both, and [`crate::service`]'s affair.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::call::Call;
use crate::feed::Feed;
use crate::window::{Standing, Start};

/// A whole answer, before it is sent.
pub(crate) type Answer = Response<Bytes>;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// GitHub turns away clients that do not say who they are.
    NoUserAgent,
    /// The caller's window is used up.
    Limited,
    Unauthorized,
    Forbidden,
    Missing,
    Gone,
    /// GitHub: beyond the items it keeps.
    TooFarBack,
    ServerError,
}

/// The items of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) ids: Vec<u64>,
    /// The account's newest item, whether or not it is on the page.
    pub(crate) newest: Option<u64>,
    /// The `Link` header.
    pub(crate) link: Option<String>,
}

/// One of the APIs.
pub(crate) trait Api: Sync {
    /// When a caller's rate-limit window begins.
    fn window_start(&self) -> Start;

    /// What is refused at the door, before any limit.
    fn turns_away(&self, call: &Call<'_>) -> Option<Problem>;

    /// Whether the request asks for the newest items, and so counts as a poll for `X-Poll-Interval`.
    fn is_poll(&self, call: &Call<'_>) -> bool;

    /// Whether a 304 leaves the rate limit untouched.
    fn gives_304_for_free(&self, call: &Call<'_>) -> bool;

    /// The page that was asked for.
    fn page(&self, call: &Call<'_>, feed: &Feed) -> Result<Page, Problem>;

    /// The page's body.
    fn body(&self, call: &Call<'_>, page: &Page) -> String;

    /// The page's entity tag: changes when the body does.
    fn etag(&self, call: &Call<'_>, page: &Page) -> String;

    /// What a refused request gets.
    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer;

    /// Adds the headers that go with every answer of this API.
    fn add_headers(&self, headers: &mut HeaderMap, standing: &Standing);

    /// Adds the headers that describe a page, for 200 and 304 alike.
    fn add_page_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, page: &Page);
}

/// A number for a page that is the same when, and only when, its body is the same.
pub(crate) fn fingerprint(call: &Call<'_>, page: &Page) -> u128 {
    let mut seen = Vec::with_capacity(call.account.len() + 8 * (page.ids.len() + 1));
    seen.extend_from_slice(call.account.as_bytes());
    for id in page.ids.iter().copied().chain(page.newest) {
        seen.extend_from_slice(&id.to_le_bytes());
    }
    xxh3_128_with_seed(&seen, 0)
}

/// Sets a header whose value is made from numbers and checked texts; an unprintable value is left out.
pub(crate) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: String) -> Answer {
    with_body(status, "application/json; charset=utf-8", body)
}

/// An answer with a body.
pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
