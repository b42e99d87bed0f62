//! One API request, as far as the APIs look at it.

use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HOST, HeaderMap, IF_NONE_MATCH, USER_AGENT};

use crate::draw;

/// Longer ids are nobody's; they would only fill the memory.
const MAX_ACCOUNT_CHARS: usize = 128;

/// An account id that is safe to print into JSON, headers and URLs as it stands.
pub(crate) fn is_account_id(id: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'@');
    !id.is_empty() && id.len() <= MAX_ACCOUNT_CHARS && id.bytes().all(allowed)
}

/// A request for an account's items.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Checked with [`is_account_id`].
    pub(crate) account: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Query<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) peer: IpAddr,
    /// Wall clock, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Call<'_> {
    /// The bearer token (GitHub's older `token` scheme is the same thing).
    pub(crate) fn token(&self) -> Option<&str> {
        let (scheme, token) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        (known && !token.trim().is_empty()).then(|| token.trim())
    }

    /// What the rate limit counts by: the token, else the address. A hash, so that no token is kept.
    pub(crate) fn caller(&self) -> u64 {
        match self.token() {
            Some(token) => draw::key(1, token),
            None => draw::key(2, &self.peer.to_string()),
        }
    }

    pub(crate) fn has_user_agent(&self) -> bool {
        self.headers.get(USER_AGENT).is_some_and(|agent| !agent.is_empty())
    }

    /// Whether the client's copy is current. Compares weakly, as RFC 9110 section 13.1.2 says for `If-None-Match`.
    pub(crate) fn has_current(&self, etag: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let lists = self.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = lists.flat_map(|list| list.split(','));
        tags.any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
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

/// The parameters of a URL. All of the APIs' parameters are numbers or words, so nothing is percent-decoded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(query: Option<&'a str>) -> Self {
        Self(query.unwrap_or_default())
    }

    /// The value of a parameter; the last one when it is repeated, as Rack does.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.rev().find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
    }

    /// The value of a parameter as a number; 0 for what is not one, as Ruby's `to_i`.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|value| value.parse().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_call<T>(headers: &[(&'static str, &'static str)], check: impl FnOnce(&Call<'_>) -> T) -> T {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(&Call {
            account: "1",
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
    fn parameters_are_found_whole() {
        let query = Query::new(Some("xlimit=1&limit=5&since_id=abc&max_id="));
        assert_eq!(query.number("limit"), Some(5));
        assert_eq!(query.number("since_id"), Some(0));
        assert_eq!(query.number("max_id"), None);
        assert_eq!(query.get("min_id"), None);
    }

    #[test]
    fn ids_are_printable_everywhere() {
        assert!(is_account_id("109876543210"));
        assert!(is_account_id("gone-a.b_c@d"));
        for id in ["", "a/b", "a\"b", "é", "a%20b", &"a".repeat(129)] {
            assert!(!is_account_id(id), "{id}");
        }
    }
}
