//! One HTTP exchange, as the two sides of this crate see it: what to ask, and what came back.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use pollwheel_core::outcome::Outcome;

/// A request to make.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    /// GET or POST.
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// Those with credentials are marked as sensitive: they do not leave the URL's origin.
    pub(crate) headers: HeaderMap,
    /// Empty for a GET.
    pub(crate) body: Bytes,
}

/// A whole answer.
#[derive(Debug, Clone)]
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
}

impl From<FetchError> for Outcome {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Timeout => Self::Timeout,
            FetchError::Network(reason) => Self::Network { reason },
            FetchError::Bad(reason) => Self::BadResponse { reason },
        }
    }
}
