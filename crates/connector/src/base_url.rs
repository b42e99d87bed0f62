//! Base URLs: where an API is, checked once and kept in the parts that requests are made of.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use url::{Position, Url};

/// Why a text is not a base URL. The messages repeat no part of it: a URL may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("it is not a URL: write it like `https://api.example.com`")]
    NotAUrl,
    #[error("its scheme is not http or https")]
    Scheme,
    #[error("it has no host")]
    NoHost,
    #[error("it has a user name or password in it: use `token` for credentials")]
    UserInfo,
    #[error("it has a query or a fragment: leave everything from `?` or `#` away")]
    Extra,
    #[error("it is more than {MAX_URL_BYTES} bytes long")]
    TooLong,
}

/// Longest URL, in bytes.
pub(crate) const MAX_URL_BYTES: usize = 4096;

/// Where an API is: scheme, host, port and the path before every request's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    origin: Origin,
    prefix: String,
}

/// Scheme, host and port. Credentials stay within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl BaseUrl {
    /// Parses `text`. Hosts in every spelling (`0x7f.1`, `2130706433`) become the address they mean, so that what is
    /// checked is what is connected to.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        plain(text).map_or_else(|| Self::parse_any(text), Ok)
    }

    fn parse_any(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Extra);
        }
        Ok(Self { origin: Origin::of(&url)?, prefix: url.path().trim_end_matches('/').to_owned() })
    }

    /// Parses a URL that is itself what is asked for, its query included.
    pub(crate) fn whole(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        let prefix = url[Position::BeforePath..Position::AfterQuery].to_owned();
        Ok(Self { origin: Origin::of(&url)?, prefix })
    }

    /// The path before every request's own, without a slash at its end.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Whether a host is this very machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Origin {
    fn of(url: &Url) -> Result<Self, UrlError> {
        let scheme = match url.scheme() {
            "https" => Scheme::HTTPS,
            "http" => Scheme::HTTP,
            _ => return Err(UrlError::Scheme),
        };
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self { scheme, authority: authority.parse().map_err(|_| UrlError::NoHost)? })
    }

    /// The URL of a path and query at this origin.
    pub(crate) fn uri(&self, path_and_query: String) -> Result<Uri, UrlError> {
        let path = PathAndQuery::from_maybe_shared(bytes::Bytes::from(path_and_query));
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.map_err(|_| UrlError::NotAUrl)?);
        Uri::from_parts(parts).map_err(|_| UrlError::NotAUrl)
    }

    /// Host and port, as a rate limit by host names it.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Whether nobody on the way reads what is sent: it is encrypted, or does not leave this machine.
    pub(crate) fn is_private_to_wire(&self) -> bool {
        self.scheme == Scheme::HTTPS || is_loopback(self.authority.host())
    }

    /// Whether a URL is at this origin. Default ports are left out on both sides, by the same parser.
    pub(crate) fn holds(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }
}

/// A base URL that a parser would leave as it is written, as it would nearly all of them; none for any other. Every poll of
/// an account with a base URL of its own reads one, and a parser takes a quarter of a quiet poll's time for it.
fn plain(text: &str) -> Option<BaseUrl> {
    let (scheme, rest) = match text.split_once("://")? {
        ("https", rest) => (Scheme::HTTPS, rest),
        ("http", rest) => (Scheme::HTTP, rest),
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    // No dots in the path: a segment of them means another one.
    let is_plain_path =
        path.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/'));
    if text.len() > MAX_URL_BYTES || !is_plain_path || !is_plain_host(host) || !port.is_none_or(is_plain_port)
    {
        return None;
    }
    let origin = Origin { scheme, authority: authority.parse().ok()? };
    Some(BaseUrl { origin, prefix: path.trim_end_matches('/').to_owned() })
}

/// Names in lower case that nothing maps to another one, and addresses in the form that all others become.
fn is_plain_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with("xn--")
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    // A last label with a digit at its front may be a number, and the host an address.
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_lowercase()) {
        host.split('.').all(is_label)
    } else {
        host.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

/// Ports that stand in a URL: no default one.
fn is_plain_port(port: &str) -> bool {
    !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok_and(|port| !matches!(port, 80 | 443))
}

fn parse(text: &str) -> Result<Url, UrlError> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    checked(Url::parse(text).map_err(|_| UrlError::NotAUrl)?)
}

fn checked(url: Url) -> Result<Url, UrlError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::UserInfo);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlError::NoHost);
    }
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    Ok(url)
}

/// The URL that a header (`Location`, `Link`) means in an answer to `from`.
pub(crate) fn join(from: &Uri, reference: &str) -> Result<Uri, UrlError> {
    if reference.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    let base = Url::parse(&from.to_string()).map_err(|_| UrlError::NotAUrl)?;
    let mut url = checked(base.join(reference).map_err(|_| UrlError::NotAUrl)?)?;
    url.set_fragment(None);
    let path = url[Position::BeforePath..Position::AfterQuery].to_owned();
    Origin::of(&url)?.uri(path)
}

/// Whether two URLs have the same origin.
pub(crate) fn same_origin(a: &Uri, b: &Uri) -> bool {
    a.scheme() == b.scheme() && a.authority() == b.authority()
}

/// The target of `rel="next"` in a `Link` header. <https://www.rfc-editor.org/rfc/rfc8288#section-3>
pub(crate) fn next_link<'h>(headers: impl Iterator<Item = &'h HeaderValue>) -> Option<&'h str> {
    headers.filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        // The parameters end where the next link begins.
        let parameters = after.split('<').next().unwrap_or(after);
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let relations = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r22_every_spelling_of_a_host_becomes_its_address() {
        for spelling in
            ["http://2130706433", "http://0x7f.1", "http://0177.0.0.1", "http://127.1", "http://①②⑦.0.0.1"]
        {
            let uri = BaseUrl::parse(spelling).unwrap().origin().uri("/".to_owned()).unwrap();
            assert_eq!(uri.host(), Some("127.0.0.1"), "{spelling}");
        }
    }

    #[test]
    fn r22_what_is_not_a_plain_http_url_is_refused_by_rule() {
        for (bad, error) in [
            ("file:///etc/passwd", UrlError::Scheme),
            ("gopher://x", UrlError::Scheme),
            ("ftp://x/", UrlError::Scheme),
            ("https://u:p@x", UrlError::UserInfo),
            ("https://api.example.com@evil.example", UrlError::UserInfo),
            ("https://x/?a=b", UrlError::Extra),
            ("https://x/#a", UrlError::Extra),
            ("https://", UrlError::NotAUrl),
            ("x", UrlError::NotAUrl),
        ] {
            assert_eq!(BaseUrl::parse(bad), Err(error), "{bad}");
        }
        assert_eq!(BaseUrl::parse(&format!("https://x/{}", "a".repeat(5_000))), Err(UrlError::TooLong));
    }

    #[test]
    fn a_base_url_keeps_its_path_and_drops_the_default_port() {
        let base = BaseUrl::parse("HTTPS://GHE.example.com:443/api/v3/").unwrap();
        assert_eq!(base.prefix(), "/api/v3");
        let uri = base.origin().uri("/api/v3/x?y=1".to_owned()).unwrap();
        assert_eq!(uri.to_string(), "https://ghe.example.com/api/v3/x?y=1");
        assert!(base.origin().holds(&uri));
        assert!(!base.origin().holds(&"http://ghe.example.com/".parse().unwrap()));
        let other = join(&uri, "//other.example:443/z#f").unwrap();
        assert_eq!(other.to_string(), "https://other.example/z");
        assert!(!same_origin(&uri, &other) && same_origin(&uri, &join(&uri, "?page=2").unwrap()));
        assert_eq!(join(&uri, "file:///x"), Err(UrlError::Scheme));
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        let next = |text: &'static str| next_link([HeaderValue::from_static(text)].iter()).map(str::to_owned);
        assert_eq!(
            next(r#"<https://a/?page=1>; rel="prev", <https://a/?page=3>; rel="next", <https://a/?page=9>; rel="last""#).unwrap(),
            "https://a/?page=3"
        );
        assert_eq!(next("</p?max_id=1>;rel=next").unwrap(), "/p?max_id=1");
        assert_eq!(next(r#"<a>; title="x"; rel="first next""#).unwrap(), "a");
        for none in ["", "<a>", r#"<a>; rel="prev""#, "<a; rel=next", "rel=next", r#"<a>; rel="nextish""#] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn r22_a_plain_url_is_read_as_any_other(
            text in "(http|https|ftp)://(([a-z]|[a-z0-9-]{1,9}|xn--[a-z0-9-]{0,5}|0x7f|[0-9]{1,3})?\\.){0,3}([a-z0-9-]{1,9}|[0-9]{1,3}|xn--a)(:|:[0-9]{1,6}|:80|:443|:8080)?(/|/api|//x|/\\.\\./|/a-b_C9|/%2e|/\\.|/ä|\\?|#){0,3}",
        ) {
            if let Some(plain) = plain(&text) {
                prop_assert_eq!(Ok(plain), BaseUrl::parse_any(&text), "{}", text);
            }
        }
    }

    #[test]
    fn r22_what_means_another_host_or_path_is_never_plain() {
        for plain_one in ["https://a.example", "http://127.0.0.1:8080/", "https://x-1.a.example:8443/api/v3/"]
        {
            assert_eq!(plain(plain_one), Some(BaseUrl::parse_any(plain_one).unwrap()), "{plain_one}");
        }
        for other in [
            "http://2130706433",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://127.1",
            "http://a.0x1",
            "http://a.1",
            "HTTP://a",
            "http://A",
            "http://a.",
            "http://",
            "http://xn--a",
            "http://a@b",
            "http://a:80",
            "https://a:443",
            "http://a:08080",
            "http://a:+90",
            "http://a:",
            "http://a:65536",
            "http://a/.",
            "http://a/%2e%2e",
            "http://a/?b",
            "http://a#b",
            "http://[::1]",
            "http://ä",
            "http://a\\b",
        ] {
            assert_eq!(plain(other), None, "{other}");
        }
    }
}
