//! `auth`.

use http::{Uri, header};

use super::headers::{header_name, is_reserved};
use super::within;
use crate::base_url::BaseUrl;
use crate::channel::auth::{Auth, AuthRules, OAuth2, SendToken};
use crate::channel::file::{At, AuthFields, AuthFile, Grant, Need, OAuth2File, Origin, SendFile, TextOr};
use crate::channel::problem::Problems;
use crate::nearest;
use crate::template::percent_encode;

/// Seconds before its end at which a token is renewed, unless the channel says otherwise.
const DEFAULT_REFRESH_BEFORE_SECONDS: u32 = 60;
/// Longest such time: a day.
const MAX_REFRESH_BEFORE_SECONDS: u32 = 86_400;

pub(super) fn auth(file: &At<AuthFile>, problems: &mut Problems) -> Option<Auth> {
    match &file.value {
        TextOr::Text(word) if word == "none" => Some(Auth::None),
        TextOr::Text(word) => {
            let hint = nearest::hint(word, ["none"]);
            let word = word.escape_debug();
            problems.with(
                file,
                "auth",
                format!("`{word}` is neither `none` nor a map like `{{send: bearer}}`{hint}"),
            );
            None
        }
        TextOr::Map(fields) => rules(file, fields, problems).map(Auth::By),
    }
}

fn rules(at: &At<AuthFile>, fields: &AuthFields, problems: &mut Problems) -> Option<AuthRules> {
    let AuthFields { bearer, send, from, need, oauth2 } = fields;
    if bearer.is_some() && (send.is_some() || need.is_some()) {
        problems.with(at, "auth.bearer", "is short for `send: bearer` and `need`: leave those away");
    }
    let send = match send {
        None => SendToken::Bearer,
        Some(send) => self::send(send, problems)?,
    };
    let oauth2 = match oauth2 {
        None => None,
        Some(oauth2) => Some(self::oauth2(oauth2, problems)?),
    };
    let is_client = oauth2.as_ref().is_some_and(|oauth2| oauth2.grant == Grant::ClientCredentials);
    let from = match from {
        Some(from) if is_client && from.value == Origin::Account => {
            let message = "`account` cannot be: `client_credentials` are the application's";
            problems.with(from, "auth.from", message);
            return None;
        }
        Some(from) if from.value == Origin::Application && oauth2.is_some() && !is_client => {
            let message = "`application` cannot be: refresh tokens are the accounts'";
            problems.with(from, "auth.from", message);
            return None;
        }
        Some(from) => from.value,
        None if is_client => Origin::Application,
        None => Origin::Account,
    };
    if oauth2.is_some() && send == SendToken::Basic {
        problems.with(at, "auth.send", "`basic` sends no token: `oauth2` would have no use");
    }
    Some(AuthRules { send, from, need: bearer.or(*need).unwrap_or(Need::Required), oauth2 })
}

fn send(send: &At<SendFile>, problems: &mut Problems) -> Option<SendToken> {
    match &send.value {
        SendFile::Bearer => Some(SendToken::Bearer),
        SendFile::Basic => Some(SendToken::Basic),
        SendFile::Header(name) => {
            let parsed = header_name(name, "auth.send.header", &name.value, problems)?;
            // Some APIs want the bare token in `Authorization`.
            if parsed != header::AUTHORIZATION && is_reserved(&parsed) {
                problems.with(
                    name,
                    "auth.send.header",
                    "is set by the connector itself: no token goes there",
                );
            }
            Some(SendToken::Header(parsed))
        }
        SendFile::Query(name) => {
            let mut encoded = String::new();
            percent_encode(&name.value, &mut encoded);
            if encoded.is_empty() {
                problems.with(name, "auth.send.query", "is empty: name the query parameter");
            }
            Some(SendToken::Query(encoded))
        }
    }
}

fn oauth2(file: &At<OAuth2File>, problems: &mut Problems) -> Option<OAuth2> {
    let OAuth2File { grant, token_url, client, scopes, refresh_before_seconds, refused_errors } = &file.value;
    let url = token_url_of(&token_url.value);
    let url = problems.take(token_url, "auth.oauth2.token_url", url);
    let before = within(
        refresh_before_seconds.as_ref(),
        "auth.oauth2.refresh_before_seconds",
        0..=MAX_REFRESH_BEFORE_SECONDS,
        problems,
    );
    for (index, scope) in scopes.iter().enumerate() {
        // https://www.rfc-editor.org/rfc/rfc6749#section-3.3
        let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if scope.value.is_empty() || !scope.value.bytes().all(is_token) {
            problems.with(
                scope,
                format!("auth.oauth2.scopes[{index}]"),
                "is not one scope: list each by itself",
            );
        }
    }
    for (index, code) in refused_errors.iter().enumerate() {
        // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
        let is_code = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if code.value.is_empty() || !code.value.bytes().all(is_code) {
            problems.with(code, format!("auth.oauth2.refused_errors[{index}]"), "is not an error code");
        }
    }
    Some(OAuth2 {
        grant: *grant,
        token_url: url?,
        client: *client,
        scopes: scopes.iter().map(|scope| scope.value.clone()).collect(),
        refresh_before_seconds: before.unwrap_or(DEFAULT_REFRESH_BEFORE_SECONDS),
        refused_errors: refused_errors.iter().map(|code| code.value.clone()).collect(),
    })
}

/// Secrets travel there: https, or http to this very machine.
fn token_url_of(text: &str) -> Result<Uri, String> {
    let base = BaseUrl::whole(text).map_err(|error| error.to_string())?;
    let uri = base.origin().uri(base.prefix().to_owned()).map_err(|error| error.to_string())?;
    if base.origin().is_private_to_wire() {
        Ok(uri)
    } else {
        Err("its scheme is not https: secrets travel there".to_owned())
    }
}
