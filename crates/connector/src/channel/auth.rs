//! How the requests of a channel authenticate.

use http::HeaderName;

pub(crate) use super::file::{ClientAuth, Grant, Need, Origin};

/// How the requests of a channel authenticate.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    /// They do not.
    None,
    /// By credentials.
    By(AuthRules),
}

/// Which credentials a request carries, and how.
#[derive(Debug, Clone)]
pub(crate) struct AuthRules {
    pub(crate) send: SendToken,
    pub(crate) from: Origin,
    /// Whether there must be a token, unless the job type says otherwise.
    pub(crate) need: Need,
    pub(crate) oauth2: Option<OAuth2>,
}

/// Where the token stands in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendToken {
    /// `Authorization: Bearer TOKEN`.
    Bearer,
    /// `Authorization: Basic ...`.
    Basic,
    /// A header.
    Header(HeaderName),
    /// A query parameter. Percent-encoded.
    Query(String),
}

/// How tokens are got and renewed.
#[derive(Debug, Clone)]
pub(crate) struct OAuth2 {
    pub(crate) grant: Grant,
    /// Absolute, http or https, without user information.
    pub(crate) token_url: http::Uri,
    pub(crate) client: ClientAuth,
    pub(crate) scopes: Vec<String>,
    /// Seconds before its end at which a token is renewed.
    pub(crate) refresh_before_seconds: u32,
    /// Error codes that mean what `invalid_grant` does.
    pub(crate) refused_errors: Vec<String>,
}
