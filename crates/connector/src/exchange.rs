//! One HTTP exchange, as the two sides of this crate see it: what to ask, and what came back.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use pollwheel_core::outcome::Outcome;

/// A request to make.
#[derive(Clone)]
pub(crate) struct Outbound {
    /// GET or POST.
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// Those with credentials are marked as sensitive: they do not leave the URL's origin.
    pub(crate) headers: HeaderMap,
    /// Empty for a GET.
    pub(crate) body: Bytes,
    /// The query parameter that carries credentials, percent-encoded: it does not leave the URL's origin either.
    pub(crate) secret_parameter: Option<String>,
}

// Every part of it may hold a secret.
impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Decoded.
    pub(crate) body: Bytes,
    /// Where it came from, when redirects led elsewhere.
    pub(crate) uri: Uri,
    /// How many redirects led there.
    pub(crate) redirects: u32,
}

// A server may repeat what it was sent.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, redirects, body, .. } = self;
        let mut shown = f.debug_struct("Response");
        shown.field("status", status).field("redirects", redirects).field("body_bytes", &body.len());
        shown.finish_non_exhaustive()
    }
}

/// Why there is no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// Time is up.
    #[error("no whole answer in time")]
    Timeout,
    /// No connection, a broken one, or an address that is not allowed. Without URL or token.
    #[error("{0}")]
    Network(String),
    /// An answer beyond a limit, or one that is not HTTP as it should be. Without content.
    #[error("{0}")]
    Bad(String),
    /// A limit that is shared has no room: nothing was asked.
    #[error("a limit that is shared has no room")]
    OverBudget,
}

impl From<FetchError> for Outcome {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Timeout => Self::Timeout,
            FetchError::Network(reason) => Self::Network { reason },
            FetchError::Bad(reason) => Self::BadResponse { reason },
            // The pass knows how long.
            FetchError::OverBudget => Self::Deferred { reason: error.to_string(), again_seconds: None },
        }
    }
}
