//! Where the token stands in a request.

use std::fmt;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri, header};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Credentials, Request, Secret};
use url::form_urlencoded;

use super::base64;
use crate::channel::{Auth, AuthRules, Need, Origin, SendToken};
use crate::exchange::Outbound;
use crate::reading::Host;
use crate::template::percent_encode;

/// How the requests of one poll authenticate.
pub(crate) enum Sending {
    /// They do not.
    Nothing,
    /// By a header, marked as sensitive.
    Header(HeaderName, HeaderValue),
    /// By a query parameter. Name and value are percent-encoded.
    Query { name: String, value: String },
}

// Neither form may show its secret.
impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Header(name, _) => write!(f, "Header({name})"),
            Self::Query { name, .. } => write!(f, "Query({name})"),
        }
    }
}

impl Sending {
    /// How a poll authenticates.
    ///
    /// # Errors
    /// The poll's outcome when it cannot be made: an account without the credentials that it needs is unauthorized, a
    /// deployment without them is not set up.
    pub(crate) fn of(auth: &Auth, need: Need, host: Host, request: Request<'_>) -> Result<Self, Outcome> {
        let rules = match auth {
            Auth::None => return Ok(Self::Nothing),
            Auth::By(rules) => rules,
        };
        match (rules.from, host) {
            (Origin::Application, Host::Accounts) => {
                return Err(Outcome::BadResponse {
                    reason: "the application's credentials are not sent to a host that an account brings"
                        .to_owned(),
                });
            }
            (Origin::Application, Host::Channels) | (Origin::Account, Host::Channels | Host::Accounts) => {}
        }
        match (made(rules, request), need, rules.from) {
            // A secret with a line break in it was never valid.
            (Some(made), _, _) => made.ok_or(Outcome::Unauthorized),
            (None, Need::Optional, _) => Ok(Self::Nothing),
            (None, Need::Required, Origin::Account) => Err(Outcome::Unauthorized),
            (None, Need::Required, Origin::Application) => Err(Outcome::BadResponse {
                reason: "the deployment has no credentials of this channel's application".to_owned(),
            }),
        }
    }

    /// Whether requests carry credentials.
    pub(crate) const fn is_something(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Header(..) | Self::Query { .. } => true,
        }
    }

    /// Puts the credentials into a request: the last thing that is done to it.
    pub(crate) fn sign(&self, outbound: &mut Outbound) {
        match self {
            Self::Nothing => {}
            Self::Header(name, value) => drop(outbound.headers.insert(name.clone(), value.clone())),
            Self::Query { name, value } => {
                let uri = self.unsigned(outbound.uri.clone());
                let separator = if uri.query().is_some_and(|query| !query.is_empty()) { "&" } else { "?" };
                let target = uri.path_and_query().map_or("/", PathAndQuery::as_str).trim_end_matches('?');
                outbound.uri = with_target(uri.clone(), format!("{target}{separator}{name}={value}"));
                outbound.secret_parameter = Some(name.clone());
            }
        }
    }

    /// A URL out of a response without the parameter that carries credentials: servers repeat what they were asked.
    pub(crate) fn unsigned(&self, uri: Uri) -> Uri {
        let Self::Query { name, .. } = self else { return uri };
        let decoded =
            |pair: &str| form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
        let secret = decoded(name);
        let query = uri.query().unwrap_or_default();
        if query.split('&').all(|pair| decoded(pair) != secret) {
            return uri;
        }
        let kept: Vec<&str> = query.split('&').filter(|pair| decoded(pair) != secret).collect();
        let separator = if kept.is_empty() { "" } else { "?" };
        let target = format!("{}{separator}{}", uri.path(), kept.join("&"));
        with_target(uri, target)
    }
}

/// The same URL with another path and query. It stays as it was when that is no part of a URL, which it always is: it is
/// made of parts of one.
fn with_target(uri: Uri, target: String) -> Uri {
    let Ok(target) = target.parse::<PathAndQuery>() else { return uri };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).unwrap_or(uri)
}

/// The credentials in their form; `Some(None)` when they cannot be sent in it.
fn made(rules: &AuthRules, request: Request<'_>) -> Option<Option<Sending>> {
    let by = |name: HeaderName, text: String| {
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(Sending::Header(name, value))
    };
    match &rules.send {
        SendToken::Bearer => {
            token(rules, request).map(|token| by(header::AUTHORIZATION, ["Bearer ", token.expose()].concat()))
        }
        SendToken::Header(name) => {
            token(rules, request).map(|token| by(name.clone(), token.expose().to_owned()))
        }
        SendToken::Query(name) => token(rules, request).map(|token| {
            let mut value = String::new();
            percent_encode(token.expose(), &mut value);
            Some(Sending::Query { name: name.clone(), value })
        }),
        SendToken::Basic => pair(rules.from, request)
            .map(|(user, password)| by(header::AUTHORIZATION, basic(user.expose(), password.expose()))),
    }
}

fn token<'a>(rules: &AuthRules, request: Request<'a>) -> Option<&'a Secret> {
    match rules.from {
        Origin::Account => request.credentials.and_then(Credentials::token),
        Origin::Application => match request.token {
            Some(token) => Some(&token.token),
            None => request.application.and_then(|application| application.credentials.token()),
        },
    }
}

/// User and password. A user without a password is one with an empty password.
fn pair(from: Origin, request: Request<'_>) -> Option<(&Secret, Secret)> {
    let (credentials, [user, password]) = match from {
        Origin::Account => (request.credentials?, ["username", "password"]),
        Origin::Application => (&request.application?.credentials, ["client_id", "client_secret"]),
    };
    let password = credentials.get(password).cloned().unwrap_or_else(|| Secret::new(""));
    Some((credentials.get(user)?, password))
}

/// <https://www.rfc-editor.org/rfc/rfc7617#section-2>
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))
}
