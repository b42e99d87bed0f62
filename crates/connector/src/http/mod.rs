//! Safe fetching: one client for every third party, which treats all of them as hostile.
//!
//! Addresses are checked when connecting ([`dial`]), bodies are capped on the wire and decoded ([`body`]), time is capped in
//! four ways, redirects are followed by hand. Errors name the rule that was broken, and never a URL, a token or content.

mod address;
mod body;
mod dial;
mod failure;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::address::special_host;
use self::dial::Dial;
use crate::base_url;
use crate::connector::PrivateAddresses;
use crate::exchange::{FetchError, Outbound, Response};

/// Time until the head of a response, the connection included.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(20);
/// Redirects followed in one exchange.
const MAX_REDIRECTS: u32 = 3;
/// Largest head of a response, in bytes. hyper caps the number of headers at 100.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A connection that was not used for this long is closed: sooner than servers usually do, so that few requests meet a
/// connection that has just been closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// TLS cannot be set up: no supported protocol version or cipher suite in this build.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up")]
pub struct TlsError(#[source] std::io::Error);

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<Dial>, Full<Bytes>>,
}

impl Http {
    pub(crate) fn new(private: PrivateAddresses, idle_connections_per_host: usize) -> Result<Self, TlsError> {
        // Named, because a build with two providers has no default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(|error| TlsError(std::io::Error::other(error)))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Dial::new(private));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(idle_connections_per_host)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http2_max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            .build(https);
        Ok(Self { client })
    }

    /// Makes one exchange, redirects included, before `deadline`.
    pub(crate) async fn fetch(&self, outbound: Outbound, deadline: Instant) -> Result<Response, FetchError> {
        timeout_at(deadline, self.follow(outbound)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn follow(&self, outbound: Outbound) -> Result<Response, FetchError> {
        let Outbound { mut method, mut uri, mut headers, mut body } = outbound;
        let mut redirects = 0;
        loop {
            let response = self.head(&method, &uri, headers.clone(), body.clone()).await?;
            let (head, incoming) = response.into_parts();
            let Some(target) = redirect(&uri, head.status, &head.headers)? else {
                let body = body::read(head.status, &head.headers, incoming).await?;
                return Ok(Response { status: head.status, headers: head.headers, body, uri, redirects });
            };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Err(FetchError::Bad(format!("more than {MAX_REDIRECTS} redirects")));
            }
            if !base_url::same_origin(&uri, &target) {
                headers.remove(header::AUTHORIZATION);
            }
            // Read to its end, the connection can be used again.
            body::read(head.status, &head.headers, incoming).await?;
            if matches!(head.status.as_u16(), 301..=303) {
                // What was posted is not posted elsewhere. <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
                (method, body) = (Method::GET, Bytes::new());
            }
            uri = target;
        }
    }

    async fn head(
        &self,
        method: &Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<http::Response<Incoming>, FetchError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        let response = timeout(FIRST_BYTE_TIMEOUT, self.client.request(request)).await;
        response.map_err(|_| FetchError::Timeout)?.map_err(|error| failure::of_request(&error))
    }
}

/// Where a redirect leads; none when the response is not one.
fn redirect(from: &Uri, status: http::StatusCode, headers: &HeaderMap) -> Result<Option<Uri>, FetchError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let bad = |reason: &str| FetchError::Bad(format!("a redirect {reason}"));
    let location = headers.get(header::LOCATION).ok_or_else(|| bad("without a location"))?;
    let location = location.to_str().map_err(|_| bad("with a location that is no URL"))?;
    let target = base_url::join(from, location);
    let target = target.map_err(|error| bad(&format!("with a location that cannot be followed: {error}")))?;
    if from.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(bad("leads from https to http"));
    }
    Ok(Some(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(from: &str, to: &'static str) -> Result<Option<String>, String> {
        let headers = HeaderMap::from_iter([(header::LOCATION, header::HeaderValue::from_static(to))]);
        let found = redirect(&from.parse().unwrap(), http::StatusCode::FOUND, &headers);
        found.map(|uri| uri.map(|uri| uri.to_string())).map_err(|error| error.to_string())
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
}
