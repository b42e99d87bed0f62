//! One API request, as far as the APIs look at it.

mod query;

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HOST, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT};

pub(crate) use self::query::Query;
use crate::dates;
use crate::draw;

/// Longer ids are nobody's; they would only fill the memory.
const MAX_ACCOUNT_CHARS: usize = 128;

/// An account id that is safe to print into JSON, XML, headers and URLs as it stands.
pub(crate) fn is_account_id(id: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'@' | b':');
    !id.is_empty() && id.len() <= MAX_ACCOUNT_CHARS && id.bytes().all(allowed)
}

/// The bearer token of a request (GitHub's older `token` scheme is the same thing).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    (known && !token.trim().is_empty()).then(|| token.trim())
}

/// A request for an account's items.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Checked with [`is_account_id`].
    pub(crate) account: Cow<'a, str>,
    /// As the API understands it.
    pub(crate) token: Option<Cow<'a, str>>,
    pub(crate) path: &'a str,
    pub(crate) query: Query<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) peer: IpAddr,
    /// Wall clock, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Call<'_> {
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What most rate limits count by: the token, else the address. A hash, so that no token is kept.
    pub(crate) fn caller(&self) -> u64 {
        self.token().map_or_else(|| self.address(), |token| draw::key(1, token))
    }

    /// What the other rate limits count by.
    pub(crate) fn address(&self) -> u64 {
        draw::key(2, &self.peer.to_string())
    }

    pub(crate) fn has_user_agent(&self) -> bool {
        self.headers.get(USER_AGENT).is_some_and(|agent| !agent.is_empty())
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.headers.contains_key(IF_NONE_MATCH)
    }

    /// Whether the client's copy is current. Compares weakly, as RFC 9110 section 13.1.2 says for `If-None-Match`.
    pub(crate) fn has_current(&self, etag: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let lists = self.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = lists.flat_map(|list| list.split(','));
        tags.any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
    }

    /// The date of `If-Modified-Since`, in milliseconds since 1970.
    pub(crate) fn modified_since_ms(&self) -> Option<u64> {
        dates::parse_http(self.headers.get(IF_MODIFIED_SINCE)?.to_str().ok()?)
    }

    /// `http://host`, as the client wrote it, for the links in the answer.
    pub(crate) fn base_url(&self) -> String {
        let safe = |host: &&str| {
            !host.is_empty() && host.bytes().all(|c| c.is_ascii_alphanumeric() || b".:-_[]".contains(&c))
        };
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok()).filter(safe);
        format!("http://{}", host.unwrap_or("localhost"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_call<T>(headers: &[(&'static str, &'static str)], check: impl FnOnce(&Call<'_>) -> T) -> T {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(&Call {
            account: "1".into(),
            token: bearer(&headers).map(Cow::Borrowed),
            path: "/",
            query: Query::default(),
            headers: &headers,
            peer: IpAddr::from([127, 0, 0, 1]),
            now_ms: 0,
        })
    }

    #[test]
    fn etags_are_compared_weakly() {
        let has = |value, etag| with_call(&[("if-none-match", value)], |call| call.has_current(etag));
        assert!(has(r#"W/"a""#, r#"W/"a""#));
        assert!(has(r#""a""#, r#"W/"a""#));
        assert!(has(r#""b", W/"a""#, r#""a""#));
        assert!(has("*", r#""a""#));
        assert!(!has(r#""b""#, r#""a""#));
        assert!(!with_call(&[], |call| call.has_current(r#""a""#)));
    }

    #[test]
    fn callers_differ_by_token_before_address() {
        let caller = |value| with_call(&[("authorization", value)], |call| call.caller());
        assert_eq!(caller("Bearer a"), caller("token a"));
        assert_ne!(caller("Bearer a"), caller("Bearer b"));
        assert_eq!(caller("Basic a"), with_call(&[], |call| call.caller()), "no token");
    }

    #[test]
    fn links_never_carry_a_strange_host() {
        let base = |host| with_call(&[("host", host)], |call| call.base_url());
        assert_eq!(base("127.0.0.1:80"), "http://127.0.0.1:80");
        assert_eq!(base("a>; rel=\"x\""), "http://localhost");
    }

    #[test]
    fn ids_are_printable_everywhere() {
        assert!(is_account_id("109876543210"));
        assert!(is_account_id("gone-a.b_c@d"));
        assert!(is_account_id("did:plc:z72i7hdynmk6r22z27h6tvur"));
        for id in ["", "a/b", "a\"b", "é", "a%20b", "a~b", &"a".repeat(129)] {
            assert!(!is_account_id(id), "{id}");
        }
    }
}
