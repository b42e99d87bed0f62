//! What a job keeps from poll to poll: the member `poll` of its context.
//!
//! | member | meaning |
//! | --- | --- |
//! | `cursor` | the low-water mark: the greatest id, the instant from which on ids are looked at, or the API's token |
//! | `known` | ids at or above the mark that are published: hashes, as [`crate::cursor`] writes them |
//! | `gap` | items above the mark that a poll could not reach: `newest` and `oldest` published above them, their ids (`known`), and `next`, the page to go on with |
//! | `seeding` | the first poll has not come to the end of its pages yet: what comes is not published |
//! | `validators` | of the first page: `etag` and `modified` as they came, and `of`, the request that they belong to |
//! | `saved` | the minute (Unix epoch) in which validators alone were last worth a write |
//!
//! The member's presence says that the job was polled before; an account file may give it to start from an id. All other
//! members of the context are the account's own, for templates, and stay as they are. So do members of `poll` that a
//! newer version has written.

use std::collections::BTreeMap;

use pollwheel_core::context::{Context, ContextError};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use xxhash_rust::xxh3::xxh3_64;

/// The name of the member.
pub(crate) const MEMBER: &str = "poll";
/// Longest validator that is kept, in bytes. Real ones have tens.
const MAX_VALIDATOR_BYTES: usize = 1024;
/// A quiet response whose validators changed is worth a write this often.
const MINUTES_BETWEEN_VALIDATOR_WRITES: u64 = 60;

/// The members of `poll` that this version knows.
const KNOWN: [&str; 6] = ["cursor", "gap", "known", "saved", "seeding", "validators"];

/// An object's members as they are written.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The member `poll`. Its members stand in the order of the alphabet, as they do in a context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gap: Option<Gap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) saved: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) seeding: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validators: Option<Validators>,
}

/// Items above the low-water mark that are not fetched yet: newer than the mark, older than what is published above.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// Ids published above the gap, where their order does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<String>,
    /// The newest id or time published above the gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<String>,
    /// The page to go on with: its URL, number or cursor, without secrets. None for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// The oldest id or time published above the gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oldest: Option<String>,
}

/// What a server gave to ask again with: sent back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    /// Bytes as the characters of the same number, so that odd ones survive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
    /// Which request they belong to.
    pub(crate) of: String,
}

/// A context whose `poll` is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the job's context has a member `poll` that this version cannot read")]
pub(crate) struct UnreadableState;

impl State {
    /// The state in a context; none before the first poll.
    pub(crate) fn of(context: &Context) -> Result<Option<Self>, UnreadableState> {
        #[derive(Deserialize)]
        struct Own {
            #[serde(default)]
            poll: Option<State>,
        }
        if context.as_json() == "{}" {
            return Ok(None);
        }
        serde_json::from_str(context.as_json()).map(|own: Own| own.poll).map_err(|_| UnreadableState)
    }

    /// The context with this state in it. What it does not know is copied as it is written.
    pub(crate) fn into_context(self, context: &Context) -> Result<Context, ContextError> {
        #[derive(Serialize)]
        struct Poll<'a> {
            #[serde(flatten)]
            own: &'a State,
            #[serde(flatten)]
            others: Members<'a>,
        }
        let mut members: Members<'_> = serde_json::from_str(context.as_json()).unwrap_or_default();
        let before = members.remove(MEMBER);
        let mut others: Members<'_> =
            before.and_then(|poll| serde_json::from_str(poll.get()).ok()).unwrap_or_default();
        others.retain(|name, _| !KNOWN.contains(&name.as_str()));
        let poll =
            if others.is_empty() { to_raw_value(&self) } else { to_raw_value(&Poll { own: &self, others }) };
        let poll = poll.map_err(|_| ContextError::NotAnObject)?;
        members.insert(MEMBER.to_owned(), &poll);
        to_raw_value(&members).map_err(|_| ContextError::NotAnObject)?.try_into()
    }

    /// Whether a quiet response is worth a write for its new validators.
    pub(crate) fn may_save(&self, minute: u64) -> bool {
        // A minute that is yet to come was counted by a faster wheel.
        self.saved.is_none_or(|saved| saved > minute || minute - saved >= MINUTES_BETWEEN_VALIDATOR_WRITES)
    }
}

impl Validators {
    /// The validators in a response to the request `of`; none when it has none.
    pub(crate) fn read(headers: &http::HeaderMap, of: RequestKey) -> Option<Self> {
        let keep = |name| {
            let value: &http::HeaderValue = headers.get(name)?;
            (!value.is_empty() && value.len() <= MAX_VALIDATOR_BYTES)
                .then(|| value.as_bytes().iter().copied().map(char::from).collect())
        };
        let (etag, modified) = (keep(http::header::ETAG), keep(http::header::LAST_MODIFIED));
        (etag.is_some() || modified.is_some()).then(|| Self { of: of.text(), etag, modified })
    }

    /// Adds the headers that ask for changes only.
    pub(crate) fn write(&self, headers: &mut http::HeaderMap) {
        let mut send = |name, text: &Option<String>| {
            if let Some(Ok(value)) = text.as_deref().map(header_value) {
                headers.insert(name, value);
            }
        };
        send(http::header::IF_NONE_MATCH, &self.etag);
        send(http::header::IF_MODIFIED_SINCE, &self.modified);
    }
}

/// A validator as it came: characters as the bytes of the same number.
fn header_value(text: &str) -> Result<http::HeaderValue, http::header::InvalidHeaderValue> {
    // As nearly all are.
    if text.is_ascii() {
        return http::HeaderValue::from_str(text);
    }
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    http::HeaderValue::try_from(bytes.unwrap_or_default())
}

/// A short name for a request: validators are good for the very same request only. No defence against anyone: who makes
/// two URLs collide gets a 304 for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestKey(u64);

impl RequestKey {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let path = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        // No URL has a space, so parts do not run together.
        let named = [uri.scheme_str().unwrap_or_default(), " ", authority, " ", path, " "].concat();
        Self(xxh3_64(named.as_bytes()))
    }

    /// As it stands in a context.
    pub(crate) fn text(self) -> String {
        self.digits().collect()
    }

    /// Whether validators belong to the request.
    pub(crate) fn is_of(self, validators: &Validators) -> bool {
        self.digits().eq(validators.of.chars())
    }

    /// Sixteen hexadecimal digits.
    fn digits(self) -> impl Iterator<Item = char> {
        let halves = self.0.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        halves.filter_map(|half| char::from_digit(half.into(), 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(json: &str) -> Context {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_job_was_polled_before_when_the_member_is_there() {
        assert_eq!(State::of(&context("{}")), Ok(None));
        assert_eq!(State::of(&context(r#"{"list":"7"}"#)), Ok(None));
        assert_eq!(State::of(&context(r#"{"poll":{}}"#)), Ok(Some(State::default())));
        assert_eq!(State::of(&context(r#"{"poll":{"cursor":5}}"#)), Err(UnreadableState));
    }

    #[test]
    fn r30_what_others_wrote_stays() {
        let before =
            context(r#"{"list":"7","poll":{"cursor":"1","validators":{"of":"y","etag":"x"},"seen":["a"]}}"#);
        let state = State { cursor: Some("2".to_owned()), ..State::of(&before).unwrap().unwrap() };
        let after = State { validators: None, ..state.clone() }.into_context(&before).unwrap();
        assert_eq!(after.as_json(), r#"{"list":"7","poll":{"cursor":"2","seen":["a"]}}"#);
        let kept = state.clone().into_context(&before).unwrap();
        assert_eq!(State::of(&kept), Ok(Some(state)));
    }

    #[test]
    fn validators_go_back_as_they_came() {
        for odd in [&b"W/\"abc\""[..], b"\"abc\"", b"unquoted", b"w/'x'", b"\"\xE9\"", b"*"] {
            let mut headers = http::HeaderMap::new();
            headers.insert(http::header::ETAG, http::HeaderValue::from_bytes(odd).unwrap());
            let json = serde_json::to_string(&Validators::read(&headers, RequestKey(0)).unwrap()).unwrap();
            let mut sent = http::HeaderMap::new();
            serde_json::from_str::<Validators>(&json).unwrap().write(&mut sent);
            assert_eq!(sent[http::header::IF_NONE_MATCH].as_bytes(), odd);
        }
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::ETAG, http::HeaderValue::from_str(&"x".repeat(1_025)).unwrap());
        assert_eq!(Validators::read(&headers, RequestKey(0)), None);
    }

    #[test]
    fn validators_alone_are_worth_a_write_once_an_hour() {
        let state = State { saved: Some(100), ..State::default() };
        assert!(!state.may_save(100) && !state.may_save(159) && state.may_save(160) && state.may_save(99));
        assert!(State::default().may_save(0));
    }
}
