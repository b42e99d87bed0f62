//! Safe fetching: one client for every third party, which treats all of them as hostile.
//!
//! Addresses are checked when connecting ([`dial`]), bodies are capped on the wire and decoded ([`body`]), time is capped in
//! four ways, redirects are followed by hand ([`redirect`]), no host gets more than its share of requests at a time
//! ([`hosts`]), and few bodies are large at a time ([`room`]). Errors name the rule that was broken, and never a URL, a token or content.

mod address;
mod body;
mod dial;
mod failure;
mod hosts;
mod redirect;
mod room;

use std::future::poll_fn;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pollwheel_core::ports::Permits;
use tokio::time::{Instant, timeout, timeout_at};

pub use self::address::special_host;
use self::dial::{Dial, Network};
use self::hosts::Hosts;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::redirect::redirected;
use self::room::{Room, SMALL_BYTES};
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
    hosts: Arc<Hosts>,
    room: Room,
}

impl Http {
    pub(crate) fn new(private: PrivateAddresses, idle_connections_per_host: usize) -> Result<Self, TlsError> {
        Self::on(Network::System, private, idle_connections_per_host)
    }

    fn on(
        network: Network,
        private: PrivateAddresses,
        idle_connections_per_host: usize,
    ) -> Result<Self, TlsError> {
        // Named, because a build with two providers has no default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(|error| TlsError(std::io::Error::other(error)))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Dial::new(private, network));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(idle_connections_per_host)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http2_max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            // What a server may send before it is read: a large body that waits for its place is not.
            .http2_initial_stream_window_size(u32::try_from(SMALL_BYTES).unwrap_or(u32::MAX))
            .build(https);
        Ok(Self { client, hosts: Arc::default(), room: Room::default() })
    }

    /// Makes one exchange, redirects included, before `deadline`: with at most `cap` requests under way to a host, its own
    /// included. Waiting for a place among them takes from the same time, and so does waiting for leave of `permits`, which is
    /// asked for right before each request.
    pub(crate) async fn fetch(
        &self,
        outbound: Outbound,
        cap: NonZeroU16,
        deadline: Instant,
        permits: Option<&dyn Permits>,
    ) -> Result<Response, FetchError> {
        timeout_at(deadline, self.follow(outbound, cap, permits)).await.unwrap_or(Err(FetchError::Timeout))
    }

    /// Makes one exchange before `deadline` and follows no redirect: for requests whose body is a secret.
    pub(crate) async fn fetch_once(
        &self,
        outbound: Outbound,
        deadline: Instant,
    ) -> Result<Response, FetchError> {
        timeout_at(deadline, self.once(outbound)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn once(&self, outbound: Outbound) -> Result<Response, FetchError> {
        let (head, incoming) = self.head(&outbound).await?.into_parts();
        let body = body::read(head.status, &head.headers, incoming, &self.room).await?;
        Ok(Response { status: head.status, headers: head.headers, body, uri: outbound.uri, redirects: 0 })
    }

    async fn follow(
        &self,
        mut outbound: Outbound,
        cap: NonZeroU16,
        permits: Option<&dyn Permits>,
    ) -> Result<Response, FetchError> {
        let mut redirects = 0;
        loop {
            let _place = match outbound.uri.authority() {
                Some(host) => Some(self.hosts.place(host, cap).await),
                None => None,
            };
            if let Some(permits) = permits
                && !poll_fn(|context| permits.poll_take(context)).await
            {
                return Err(FetchError::OverBudget);
            }
            let (head, incoming) = self.head(&outbound).await?.into_parts();
            let target = redirect::target(&outbound.uri, head.status, &head.headers)?;
            // Of a redirect, too: read to its end, the connection can be used again.
            let body = body::read(head.status, &head.headers, incoming, &self.room).await?;
            let Some(target) = target else {
                let (status, headers, uri) = (head.status, head.headers, outbound.uri);
                return Ok(Response { status, headers, body, uri, redirects });
            };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Err(FetchError::Bad(format!("more than {MAX_REDIRECTS} redirects")));
            }
            redirect::lead(&mut outbound, head.status, target)?;
        }
    }

    async fn head(&self, outbound: &Outbound) -> Result<http::Response<Incoming>, FetchError> {
        let mut request = Request::new(Full::new(outbound.body.clone()));
        request.method_mut().clone_from(&outbound.method);
        request.uri_mut().clone_from(&outbound.uri);
        request.headers_mut().clone_from(&outbound.headers);
        let response = timeout(FIRST_BYTE_TIMEOUT, self.client.request(request)).await;
        response.map_err(|_| FetchError::Timeout)?.map_err(|error| failure::of_request(&error))
    }
}

#[cfg(test)]
mod tests;
