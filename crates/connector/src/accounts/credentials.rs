//! Secrets as people and products write them down: a map of names. No message repeats a value.

use pollwheel_core::ports::{Credentials, Secret, Secrets};
use pollwheel_core::time::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::channel::{Channel, SendToken};
use crate::members::Members;

/// Most secrets of one holder.
const MAX_SECRETS: usize = 32;
/// Longest name of a secret, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Longest secret, in bytes: what still fits into a header beside others.
const MAX_SECRET_BYTES: usize = 16 * 1024;
/// The one member that is no secret: when the access token ends.
const EXPIRES_AT: &str = "expires_at";

/// A token: it travels in a header.
///
/// # Errors
/// Why it cannot.
pub(crate) fn token(text: String) -> Result<Secret, String> {
    let fits = !text.is_empty()
        && text.len() <= MAX_SECRET_BYTES
        && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
        && text.trim() == text;
    if fits {
        Ok(Secret::new(text))
    } else {
        Err("cannot be sent in a header: it is empty, too long, has a space at an end, or has characters outside of ASCII"
            .to_owned())
    }
}

/// Reads `{"token": ..., "refresh_token": ..., "expires_at": ..., "username": ..., ...}`.
///
/// # Errors
/// The first thing that is wrong with it, by the member's name.
pub fn read(raw: &RawValue) -> Result<Credentials, String> {
    let members: Map<String, Value> =
        serde_json::from_str(raw.get()).map_err(|_| "is not an object of texts".to_owned())?;
    if members.len() > MAX_SECRETS {
        return Err(format!("has {} members, the limit is {MAX_SECRETS}", members.len()));
    }
    let mut credentials = Credentials::default();
    for (name, value) in members {
        let Value::String(text) = value else {
            return Err(format!("has `{}`, which is not a text", shown(&name)));
        };
        if name == EXPIRES_AT {
            credentials.expires_at = Some(instant(&text)?);
            continue;
        }
        check_name(&name)?;
        let secret = match name.as_str() {
            Credentials::TOKEN | Credentials::REFRESH_TOKEN => token(text),
            _ if text.len() > MAX_SECRET_BYTES || text.chars().any(char::is_control) => {
                Err("is too long, or has a control character in it".to_owned())
            }
            _ => Ok(Secret::new(text)),
        };
        let secret = secret.map_err(|message| format!("has `{name}`, which {message}"))?;
        credentials.secrets.insert(name.into(), secret);
    }
    Ok(credentials)
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if fits {
        Ok(())
    } else {
        Err(format!("has the member `{}`: use lower-case letters, digits and `_`", shown(name)))
    }
}

/// A name that is none may be a secret in the wrong place: only its beginning is shown.
fn shown(name: &str) -> String {
    name.chars().take(16).flat_map(char::escape_debug).collect()
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let instant: jiff::Timestamp =
        text.parse().map_err(|_| format!("has `{EXPIRES_AT}`, which is not like `2026-11-23T07:45:00Z`"))?;
    Ok(Timestamp::from_millis(u64::try_from(instant.as_millisecond()).unwrap_or_default()))
}

/// The credentials of an account, whose token may stand beside them.
pub(super) fn joined(
    token: Option<Secret>,
    named: Option<Credentials>,
    members: &mut Members,
) -> Option<Credentials> {
    match (token, named) {
        (None, named) => named,
        (Some(token), None) => Some(Credentials::of_token(token)),
        (Some(token), Some(mut named)) => {
            if named.token().is_some() {
                members.flaw("token", "stands in `credentials` too: leave one away");
            }
            named.secrets.extend(Secrets::from([(Credentials::TOKEN.into(), token)]));
            Some(named)
        }
    }
}

/// Whether an account has what its channel sends.
pub(super) fn serve(credentials: Option<&Credentials>, channel: &Channel) -> bool {
    let has = |name: &str| credentials.is_some_and(|credentials| credentials.get(name).is_some());
    match channel.asks_accounts() {
        Some(SendToken::Basic) => has("username"),
        Some(SendToken::Bearer | SendToken::Header(_) | SendToken::Query(_)) => {
            has(Credentials::TOKEN) || has(Credentials::REFRESH_TOKEN)
        }
        None => has(Credentials::TOKEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(json: &str) -> Result<Credentials, String> {
        read(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn names_secrets_and_the_end_are_read() {
        let read = from(
            r#"{"token":"t","refresh_token":"r","password":"pä ss","expires_at":"1970-01-01T00:01:00Z"}"#,
        );
        let read = read.unwrap();
        assert_eq!(read.expires_at, Some(Timestamp::from_millis(60_000)));
        let names: Vec<&str> = read.secrets.keys().map(|name| &**name).collect();
        assert_eq!(names, ["password", "refresh_token", "token"]);
        assert_eq!(read.token().unwrap().expose(), "t");
    }

    #[test]
    fn r28_what_is_wrong_is_told_by_name_and_never_by_value() {
        let cases = [
            (r#"["s3cret"]"#, "not an object"),
            (r#""s3cret""#, "not an object"),
            (r#"{"token":7}"#, "`token`, which is not a text"),
            (r#"{"token":"s3cret "}"#, "`token`, which cannot be sent"),
            (r#"{"Token":"s3cret"}"#, "`Token`: use lower-case"),
            (r#"{"pin":"s3cret\u0000"}"#, "`pin`, which is too long, or has"),
            (r#"{"expires_at":"s3cret"}"#, "`expires_at`, which is not like"),
        ];
        for (json, says) in cases {
            let error = from(json).unwrap_err();
            assert!(error.contains(says) && !error.contains("s3cret"), "{json}: {error}");
        }
        let many: Vec<String> = (0..33).map(|number| format!(r#""n{number}":"x""#)).collect();
        assert!(from(&format!("{{{}}}", many.join(","))).unwrap_err().contains("the limit is 32"));
    }
}
