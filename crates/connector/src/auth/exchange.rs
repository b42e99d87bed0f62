//! One exchange with a token endpoint: what is posted, and what the answer means. Its answer is as hostile as any other.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Application, Credentials, Refreshed, Secret, Secrets};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::sending::basic;
use crate::channel::{ClientAuth, Grant, OAuth2};
use crate::exchange::{FetchError, Outbound, Response};
use crate::wait::{Scale, ServerClock};

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest token: what still fits into a header beside others.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Longest life of a token that is believed, in seconds: ten years.
const MAX_LIFE_SECONDS: u64 = 315_360_000;

/// The names of the client's id and secret among credentials.
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

/// The request for a new access token. None when there is nothing to exchange.
pub(crate) fn ask(
    oauth2: &OAuth2,
    credentials: &Credentials,
    application: Option<&Application>,
) -> Option<Outbound> {
    // A server where every account has a client of its own, or one for all.
    let client =
        |name| credentials.get(name).or_else(|| application?.credentials.get(name)).map(Secret::expose);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut form = form_urlencoded::Serializer::new(String::new());
    match (oauth2.client, client(CLIENT_ID), client(CLIENT_SECRET)) {
        (ClientAuth::Basic, Some(id), secret) => {
            // <https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>: encoded as a form's values first.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let text = basic(&encoded(id), &encoded(secret.unwrap_or_default()));
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        (ClientAuth::Body, Some(id), secret) => {
            form.append_pair(CLIENT_ID, id);
            if let Some(secret) = secret {
                form.append_pair(CLIENT_SECRET, secret);
            }
        }
        (ClientAuth::Basic | ClientAuth::Body, None, _) => {}
    }
    match oauth2.grant {
        Grant::RefreshToken => {
            let token = credentials.get(Credentials::REFRESH_TOKEN)?;
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
        }
        Grant::ClientCredentials => {
            client(CLIENT_ID)?;
            form.append_pair("grant_type", "client_credentials");
        }
    }
    if !oauth2.scopes.is_empty() {
        form.append_pair("scope", &oauth2.scopes.join(" "));
    }
    Some(Outbound {
        method: Method::POST,
        uri: oauth2.token_url.clone(),
        headers,
        body: Bytes::from(form.finish()),
        secret_parameter: None,
    })
}

/// What a token endpoint may answer. <https://www.rfc-editor.org/rfc/rfc6749#section-5>
#[derive(Deserialize)]
struct Answer {
    access_token: Option<Value>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    refresh_token: Option<Value>,
    error: Option<Value>,
}

/// What the answer comes to. `scale` turns its seconds into the wheel's.
pub(crate) fn answered(
    oauth2: &OAuth2,
    answer: Result<Response, FetchError>,
    now: std::time::SystemTime,
    scale: Scale,
) -> Refreshed {
    let response = match answer {
        Ok(response) => response,
        Err(error) => return Refreshed::Failed(error.into()),
    };
    if response.redirects > 0 || response.status.is_redirection() {
        return bad("the token endpoint redirects, which is not followed");
    }
    if response.body.len() > MAX_ANSWER_BYTES {
        return bad("the token endpoint's answer is too large");
    }
    let answer = serde_json::from_slice::<Answer>(&response.body).ok();
    let error = answer.as_ref().and_then(|answer| answer.error.as_ref()).and_then(Value::as_str);
    let retry_after = ServerClock::new(&response.headers, now).retry_after();
    let retry_after_seconds = retry_after.map(|seconds| scale.wheel_seconds(seconds));
    match (response.status, answer.as_ref()) {
        (StatusCode::OK, Some(answer)) if error.is_none() => granted(answer, scale),
        (StatusCode::OK, None) => bad("the token endpoint's answer is not the JSON that it should be"),
        (StatusCode::REQUEST_TIMEOUT, _) => Refreshed::Failed(Outcome::Timeout),
        (status, _) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Refreshed::Failed(Outcome::ServerError { status: status.as_u16(), retry_after_seconds })
        }
        (status, _) => refused(status, error, oauth2),
    }
}

/// An error. <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>
fn refused(status: StatusCode, error: Option<&str>, oauth2: &OAuth2) -> Refreshed {
    match error {
        Some(code) if oauth2.refused_errors.iter().any(|refused| refused == code) => Refreshed::Refused,
        Some("invalid_grant" | "access_denied") => Refreshed::Refused,
        // Not the account's fault: it must not be parked for it.
        Some("invalid_client") => bad("the token endpoint refuses the application: `invalid_client`"),
        Some("unauthorized_client") => {
            bad("the token endpoint refuses the application: `unauthorized_client`")
        }
        Some("invalid_scope") => bad("the token endpoint refuses the scopes: `invalid_scope`"),
        Some("invalid_request") => bad("the token endpoint does not understand: `invalid_request`"),
        Some("unsupported_grant_type") => {
            bad("the token endpoint has no such grant: `unsupported_grant_type`")
        }
        Some(_) | None if status == StatusCode::UNAUTHORIZED => Refreshed::Refused,
        Some(_) | None => Refreshed::Failed(Outcome::BadResponse {
            reason: format!("the token endpoint answers with status {}", status.as_u16()),
        }),
    }
}

/// A success. <https://www.rfc-editor.org/rfc/rfc6749#section-5.1>
fn granted(answer: &Answer, scale: Scale) -> Refreshed {
    let is_bearer = match &answer.token_type {
        None | Some(Value::Null) => true,
        Some(kind) => kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
    };
    if !is_bearer {
        // <https://www.rfc-editor.org/rfc/rfc6749#section-7.1>: a token of a kind that is not understood is not used.
        return bad("the token endpoint gives a token that is no bearer token");
    }
    let Some(token) = answer.access_token.as_ref().and_then(secret) else {
        return bad("the token endpoint's answer has no `access_token` that can be sent");
    };
    let mut secrets = Secrets::from([(Credentials::TOKEN.into(), token)]);
    match &answer.refresh_token {
        None | Some(Value::Null) => {}
        Some(rotated) => match secret(rotated) {
            Some(rotated) => drop(secrets.insert(Credentials::REFRESH_TOKEN.into(), rotated)),
            None => return bad("the token endpoint's answer has a `refresh_token` that cannot be sent"),
        },
    }
    let life = answer.expires_in.as_ref().and_then(seconds);
    Refreshed::Renewed { secrets, expires_in_seconds: life.map(|seconds| scale.wheel_seconds(seconds)) }
}

/// Text that may stand in a header. <https://www.rfc-editor.org/rfc/rfc6749#appendix-A.12>
fn secret(value: &Value) -> Option<Secret> {
    let text = value.as_str()?;
    let fits = !text.is_empty()
        && text.len() <= MAX_TOKEN_BYTES
        && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte));
    fits.then(|| Secret::new(text))
}

/// Seconds, as a number or, from careless servers, as its text.
fn seconds(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    crate::wait::number(&text).map(|seconds| seconds.min(MAX_LIFE_SECONDS))
}

fn bad(reason: &str) -> Refreshed {
    Refreshed::Failed(Outcome::BadResponse { reason: reason.to_owned() })
}
