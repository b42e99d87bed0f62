//! What the APIs have in common, and what each must say for itself.
//!
//! An [`Api`] knows its paths, parameters, headers, shapes and error texts. It does not know limits, faults or counts:
//! those are the same for all, and [`crate::service`]'s affair.

mod content;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

pub(crate) use self::content::{Content, fingerprint};
use crate::call::{Call, Query, bearer};
use crate::feed::Feed;
use crate::window::{Standing, Start};

/// A whole answer, before it is sent.
pub(crate) type Answer = Response<Bytes>;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// GitHub and Reddit turn away clients that do not say who they are.
    NoUserAgent,
    /// The caller's window is used up.
    Limited,
    /// Too much of something else than requests in a window, in the words the API has for that.
    Throttled,
    Unauthorized,
    /// The token was good once.
    Expired,
    Forbidden,
    Missing,
    Gone,
    /// Beyond the items that the API keeps.
    TooFarBack,
    /// A parameter, by name, with a value that the API refuses.
    Invalid(&'static str),
    /// Facebook's error of that number, asked for by the account's id.
    Code(u16),
    ServerError,
}

/// Whose items a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// The path or a parameter names the account.
    Account(Cow<'a, str>),
    /// Whoever the token belongs to.
    TokenOwner,
}

/// Whether an endpoint is served without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It is public, and a token changes nothing.
    Never,
    /// As the configuration says.
    Optional,
    Always,
}

/// One of the APIs.
pub(crate) trait Api: fmt::Debug + Send + Sync {
    /// Whose items are at this path, or `None` when the API has no such path.
    fn find<'a>(&self, path: &'a str, query: Query<'a>) -> Option<Subject<'a>>;

    /// The token of a request.
    fn token<'a>(&self, headers: &'a HeaderMap, _query: Query<'a>) -> Option<Cow<'a, str>> {
        bearer(headers).map(Cow::Borrowed)
    }

    /// Whether this request must have a token.
    fn needs_token(&self, call: &Call<'_>) -> Need;

    /// When a caller's rate-limit window begins.
    fn window_start(&self) -> Start;

    /// Requests with the same number share a window.
    fn counts_by(&self, call: &Call<'_>) -> u64 {
        call.caller()
    }

    /// What is refused at the door, before any limit.
    fn turns_away(&self, _call: &Call<'_>) -> Option<Problem> {
        None
    }

    /// The pause that the API asks for before this request is made again. Asked for, not enforced.
    fn poll_interval(&self, _call: &Call<'_>) -> Option<Duration> {
        None
    }

    /// Whether a 304 leaves the rate limit untouched.
    fn gives_304_for_free(&self, _call: &Call<'_>) -> bool {
        false
    }

    /// An item's id as the API writes it.
    fn item_id(&self, _account: &str, id: u64) -> String {
        id.to_string()
    }

    /// What was asked for.
    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem>;

    /// What a refused request gets.
    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer;

    /// Adds the headers that go with every answer of this API.
    fn add_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, standing: &Standing);
}

/// Sets a header whose value is made from numbers and checked texts; an unprintable value is left out.
pub(crate) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: String) -> Answer {
    with_body(status, JSON, body)
}

/// The content type of JSON.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// An answer with a body.
pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Whole seconds until a window is over, rounded up: a client that waits so long is never early.
pub(crate) fn seconds_left(standing: &Standing, now_ms: u64) -> u64 {
    standing.resets_at_ms.saturating_sub(now_ms).div_ceil(1_000)
}
