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
}
