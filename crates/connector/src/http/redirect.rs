//! Redirects, followed by hand: where they may lead, and what goes along.
//!
//! Credentials belong to one origin. A redirect to another one takes the address and nothing else along: no header that
//! carries a secret, no parameter that does, no body. A POST is made again only where the status says so and the origin
//! stays, because everything else would turn it into another request than the channel declares.

use http::{HeaderMap, Method, StatusCode, Uri, header};
use url::form_urlencoded;

use crate::base_url;
use crate::exchange::{FetchError, Outbound};

/// Where a redirect leads; none when the response is not one.
pub(super) fn target(from: &Uri, status: StatusCode, headers: &HeaderMap) -> Result<Option<Uri>, FetchError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = headers.get(header::LOCATION).ok_or_else(|| bad("without a location"))?;
    let location = location.to_str().map_err(|_| bad("with a location that is no URL"))?;
    let target = base_url::join(from, location);
    let target = target.map_err(|error| bad(&format!("with a location that cannot be followed: {error}")))?;
    if from.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(bad("leads from https to http"));
    }
    Ok(Some(target))
}

/// The request that a redirect with these headers would lead to, from one with credentials in a header and a parameter.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn redirected(from: &Uri, secret_parameter: &str, headers: &HeaderMap) -> Option<Outbound> {
    let secret = http::HeaderValue::from_static("Bearer planted-t0ken");
    let mut outbound = Outbound {
        method: Method::GET,
        uri: from.clone(),
        headers: HeaderMap::from_iter([(header::AUTHORIZATION, secret)]),
        body: bytes::Bytes::new(),
        secret_parameter: Some(secret_parameter.to_owned()),
    };
    let target = target(from, StatusCode::FOUND, headers).ok()??;
    lead(&mut outbound, StatusCode::FOUND, target).ok()?;
    Some(outbound)
}

/// Turns a request into the one that the redirect to `target` asks for.
pub(super) fn lead(outbound: &mut Outbound, status: StatusCode, target: Uri) -> Result<(), FetchError> {
    let is_elsewhere = !base_url::same_origin(&outbound.uri, &target);
    if outbound.method != Method::GET {
        // <https://www.rfc-editor.org/rfc/rfc9110#section-15.4.8>
        if !matches!(status.as_u16(), 307 | 308) {
            return Err(bad("of a POST to something else than the same POST"));
        }
        if is_elsewhere {
            return Err(bad("of a POST to another origin"));
        }
    }
    outbound.uri = match outbound.secret_parameter.take().filter(|_| is_elsewhere) {
        Some(name) => without_secret(&outbound.uri, &target, &name)?,
        None => target,
    };
    if is_elsewhere {
        drop_secrets(&mut outbound.headers);
    }
    Ok(())
}

fn bad(reason: &str) -> FetchError {
    FetchError::Bad(format!("a redirect {reason}"))
}

/// Every header that carries credentials: those that are marked, and those that do nothing else.
fn drop_secrets(headers: &mut HeaderMap) {
    let secret: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            value.is_sensitive()
                || matches!(**name, header::AUTHORIZATION | header::PROXY_AUTHORIZATION | header::COOKIE)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// The target without the parameter that carries credentials, which careless servers copy from the request. The secret
/// elsewhere in the target is more than careless.
fn without_secret(from: &Uri, target: &Uri, name: &str) -> Result<Uri, FetchError> {
    let decoded =
        |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
    let name = decoded(name);
    let is_secret = |pair: &&str| decoded(pair) == name;
    let pairs = |uri: &Uri| -> Vec<String> {
        uri.query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let secret = pairs(from).into_iter().find(|pair| is_secret(&pair.as_str()));
    let kept: Vec<_> = pairs(target).into_iter().filter(|pair| !is_secret(&pair.as_str())).collect();
    let mut path = target.path().to_owned();
    for (index, pair) in kept.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(pair);
    }
    let secret = secret.as_deref().and_then(|pair| pair.split_once('=')).map_or("", |(_, secret)| secret);
    // In the host's name, too, which is in lower case.
    let authority = target.authority().map_or("", |authority| authority.as_str());
    let repeats = |text: &str| text.to_ascii_lowercase().contains(&secret.to_ascii_lowercase());
    if !secret.is_empty() && (repeats(&path) || repeats(authority)) {
        return Err(bad("repeats the credentials in a URL of another origin"));
    }
    let mut parts = target.clone().into_parts();
    parts.path_and_query = Some(path.parse().map_err(|_| bad("with a location that is no URL"))?);
    Uri::from_parts(parts).map_err(|_| bad("with a location that is no URL"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn location(from: &str, to: &'static str) -> Result<Option<String>, String> {
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(to))]);
        let found = target(&from.parse().unwrap(), StatusCode::FOUND, &headers);
        found.map(|uri| uri.map(|uri| uri.to_string())).map_err(|error| error.to_string())
    }

    fn outbound(method: Method, uri: &'static str) -> Outbound {
        let mut key = HeaderValue::from_static("s3cret");
        key.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, HeaderValue::from_static("Bearer s3cret")),
            (header::COOKIE, HeaderValue::from_static("a=s3cret")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        headers.append("x-api-key", HeaderValue::from_static("plain"));
        headers.append("x-api-key", key);
        Outbound {
            method,
            uri: Uri::from_static(uri),
            headers,
            body: Bytes::from_static(b"s3cret"),
            secret_parameter: uri.contains("key=").then(|| "key".to_owned()),
        }
    }

    fn led(mut outbound: Outbound, status: u16, to: &'static str) -> Result<Outbound, String> {
        let status = StatusCode::from_u16(status).unwrap();
        lead(&mut outbound, status, Uri::from_static(to)).map_err(|error| error.to_string())?;
        Ok(outbound)
    }

    #[test]
    fn r23_redirects_stay_with_http_and_never_lose_https() {
        assert_eq!(location("https://a.example/x", "/y").unwrap().unwrap(), "https://a.example/y");
        assert_eq!(
            location("http://a.example/x", "https://b.example/").unwrap().unwrap(),
            "https://b.example/"
        );
        assert!(
            location("https://a.example/x", "http://a.example/").unwrap_err().contains("from https to http")
        );
        assert!(location("https://a.example/x", "file:///etc/passwd").unwrap_err().contains("scheme"));
        let secret = location("https://a.example/x", "https://user:secret@b.example/").unwrap_err();
        assert!(secret.contains("user name") && !secret.contains("secret"));
    }

    #[test]
    fn r23_every_header_with_a_secret_stays_within_its_origin() {
        let home = led(outbound(Method::GET, "https://a.example/"), 302, "https://a.example/b").unwrap();
        assert_eq!(home.headers.len(), 5);
        for elsewhere in ["https://b.example/", "https://a.example:8443/", "http://a.example/"] {
            let led = led(outbound(Method::GET, "https://a.example/"), 302, elsewhere).unwrap();
            assert_eq!(led.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
        }
    }

    #[test]
    fn r23_a_secret_in_the_query_does_not_change_its_origin() {
        let from = || outbound(Method::GET, "https://a.example/?limit=5&key=s3%2Fcret");
        let uri = |to| led(from(), 302, to).map(|led| led.uri.to_string());
        assert_eq!(
            uri("https://b.example/x?limit=5&key=s3%2Fcret&z").unwrap(),
            "https://b.example/x?limit=5&z"
        );
        assert_eq!(uri("https://b.example/x?k%65y=s3%2Fcret").unwrap(), "https://b.example/x");
        assert_eq!(uri("https://a.example/x?key=s3%2Fcret").unwrap(), "https://a.example/x?key=s3%2Fcret");
        for repeated in ["https://b.example/s3%2FCret", "https://b.example/?other=s3%2Fcret"] {
            let error = uri(repeated).unwrap_err();
            assert!(error.contains("repeats the credentials") && !error.contains("s3"), "{error}");
        }
    }

    #[test]
    fn r23_a_post_is_made_again_only_where_it_was_sent() {
        let post = || outbound(Method::POST, "https://a.example/");
        for status in [307, 308] {
            let led = led(post(), status, "https://a.example/b").unwrap();
            assert_eq!(
                (led.method, led.body, led.uri.path()),
                (Method::POST, Bytes::from_static(b"s3cret"), "/b")
            );
        }
        assert!(led(post(), 307, "https://b.example/").unwrap_err().contains("POST to another origin"));
        for status in [301, 302, 303] {
            assert!(led(post(), status, "https://a.example/").unwrap_err().contains("the same POST"));
        }
    }
}
