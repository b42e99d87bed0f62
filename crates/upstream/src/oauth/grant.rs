//! The token endpoints, as requests and answers: RFC 6749 sections 2.3.1, 4.4, 5 and 6, and where vendors differ.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::api::{self, Answer};
use crate::call::Query;
use crate::draw;

/// Whose token endpoint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// `/oauth/token`: by the book. Mastodon's path, and that of many others.
    Any,
    /// `/2/oauth2/token`: <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>.
    X,
    /// `/oauth2/token`: X's application-only tokens, which do not expire.
    XApplication,
    /// `/api/v1/access_token`: <https://github.com/reddit-archive/reddit/wiki/OAuth2>. Does not rotate.
    Reddit,
}

impl Vendor {
    /// The endpoint at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        const PATHS: [(&str, Vendor); 4] = [
            ("/oauth/token", Vendor::Any),
            ("/2/oauth2/token", Vendor::X),
            ("/oauth2/token", Vendor::XApplication),
            ("/api/v1/access_token", Vendor::Reddit),
        ];
        PATHS.iter().find(|(known, _)| *known == path).map(|(_, vendor)| *vendor)
    }

    pub(crate) fn rotates(self) -> bool {
        match self {
            Self::Any | Self::X => true,
            Self::XApplication | Self::Reddit => false,
        }
    }

    pub(crate) fn token_type(self) -> &'static str {
        match self {
            Self::Any => "Bearer",
            Self::X | Self::XApplication | Self::Reddit => "bearer",
        }
    }

    /// `expires_in` when no lifetime is set.
    pub(crate) fn usual_seconds(self) -> Option<u64> {
        match self {
            Self::Any => Some(3_600),
            Self::X => Some(7_200),
            Self::XApplication => None,
            Self::Reddit => Some(86_400),
        }
    }

    pub(crate) fn usual_scope(self) -> Option<String> {
        match self {
            Self::Any | Self::XApplication => None,
            Self::X => Some("tweet.read users.read offline.access".to_owned()),
            Self::Reddit => Some("*".to_owned()),
        }
    }

    pub(crate) fn grant(self, body: &Value) -> Answer {
        sealed(api::json(StatusCode::OK, body.to_string()))
    }

    pub(crate) fn refuse(self, refusal: Refusal) -> Answer {
        let (status, error, description) = match refusal {
            Refusal::NotAForm => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The body must be application/x-www-form-urlencoded.",
            ),
            Refusal::UnknownClient => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed.")
            }
            Refusal::UnknownGrant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "There are client_credentials and refresh_token.",
            ),
            Refusal::NoRefreshToken => {
                (StatusCode::BAD_REQUEST, "invalid_request", "Missing required parameter: refresh_token.")
            }
            Refusal::BadRefreshToken | Refusal::UsedRefreshToken => (
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "The refresh token is invalid, expired or revoked.",
            ),
        };
        let body = match self {
            Self::Reddit if refusal == Refusal::UnknownClient => {
                json!({"message": "Unauthorized", "error": 401})
            }
            Self::Reddit => json!({ "error": error }),
            Self::Any | Self::X | Self::XApplication => {
                json!({"error": error, "error_description": description})
            }
        };
        let mut answer = api::json(status, body.to_string());
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
        }
        sealed(answer)
    }
}

/// RFC 6749 section 5.1: nobody may keep an answer with tokens.
fn sealed(mut answer: Answer) -> Answer {
    api::set(answer.headers_mut(), "cache-control", "no-store");
    api::set(answer.headers_mut(), "pragma", "no-cache");
    answer
}

/// Why no token is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotAForm,
    UnknownClient,
    UnknownGrant,
    NoRefreshToken,
    BadRefreshToken,
    UsedRefreshToken,
}

/// A request for a token that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// A number for the OAuth client. One client has one number as long as it introduces itself in one way.
    pub(crate) client: u64,
    /// None for `client_credentials`.
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
}

impl Grant {
    pub(crate) fn read(vendor: Vendor, headers: &HeaderMap, body: &str) -> Result<Self, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let form = "application/x-www-form-urlencoded";
        if !text(CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().starts_with(form)) {
            return Err(Refusal::NotAForm);
        }
        let query = Query::new(Some(body));
        let basic =
            text(AUTHORIZATION).and_then(|value| value.strip_prefix("Basic ")).filter(|v| v.len() > 4);
        let in_body = || match vendor {
            // Reddit documents basic authentication and nothing else.
            Vendor::Reddit => None,
            Vendor::Any | Vendor::X | Vendor::XApplication => query.get("client_id"),
        };
        let client = basic.map(Into::into).or_else(in_body).ok_or(Refusal::UnknownClient)?;
        let refresh_token = match query.get("grant_type").as_deref() {
            Some("client_credentials") => None,
            Some("refresh_token") => {
                Some(query.get("refresh_token").ok_or(Refusal::NoRefreshToken)?.into_owned())
            }
            Some(_) | None => return Err(Refusal::UnknownGrant),
        };
        if client.starts_with("unauthorized-") {
            return Err(Refusal::UnknownClient);
        }
        let scope = query.get("scope").map(std::borrow::Cow::into_owned);
        Ok(Self { client: draw::key(5, &client), refresh_token, scope })
    }
}
