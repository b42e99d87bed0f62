//! Opening connections: every address of a host is checked before any is connected to.
//!
//! The check stands where the connection is made, so a name that resolves to something else the second time is checked
//! the second time.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

use super::address::broken_rule;
use crate::connector::PrivateAddresses;

/// Time for one address to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of one host that are tried.
const MAX_TRIES: usize = 3;

/// Why there is no connection. Names neither host nor address.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("the host is or resolves to a {0}, which is not allowed")]
    Forbidden(&'static str),
    #[error("the host does not resolve")]
    Unresolved,
    #[error("no connection in time")]
    Timeout,
    #[error("no connection ({0})")]
    Refused(std::io::ErrorKind),
}

/// hyper's way to open a connection.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    private: PrivateAddresses,
    network: Network,
}

/// What names resolve to, and what is at an address.
#[derive(Debug, Clone)]
pub(super) enum Network {
    /// As the operating system says.
    System,
    /// As a test says, so that names can change and public addresses lead to loopback.
    #[cfg(test)]
    Scripted(std::sync::Arc<super::tests::Script>),
}

impl Dial {
    pub(super) const fn new(private: PrivateAddresses, network: Network) -> Self {
        Self { private, network }
    }
}

impl Network {
    async fn lookup(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        let found: Vec<_> = match self {
            Self::System => lookup_host((host, port)).await.map_err(|_| DialError::Unresolved)?.collect(),
            #[cfg(test)]
            Self::Scripted(script) => script.lookup(host, port),
        };
        if found.is_empty() { Err(DialError::Unresolved) } else { Ok(found) }
    }

    async fn connect(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        match self {
            Self::System => TcpStream::connect(address).await,
            #[cfg(test)]
            Self::Scripted(script) => TcpStream::connect(script.connected(address)).await,
        }
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { private, network } = self.clone();
        Box::pin(async move {
            let addresses = resolve(&uri, &network).await?;
            check(&addresses, private)?;
            connect(&addresses, &network).await.map(TokioIo::new)
        })
    }
}

async fn resolve(uri: &Uri, network: &Network) -> Result<Vec<SocketAddr>, DialError> {
    let host = uri.host().ok_or(DialError::Unresolved)?.trim_start_matches('[').trim_end_matches(']');
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default_port);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    network.lookup(host, port).await
}

/// One forbidden address among them is enough: which one would be connected to is not for the name's owner to choose.
fn check(addresses: &[SocketAddr], private: PrivateAddresses) -> Result<(), DialError> {
    match private {
        PrivateAddresses::Allowed => Ok(()),
        PrivateAddresses::Refused => match addresses.iter().find_map(|address| broken_rule(address.ip())) {
            Some(rule) => Err(DialError::Forbidden(rule)),
            None => Ok(()),
        },
    }
}

async fn connect(addresses: &[SocketAddr], network: &Network) -> Result<TcpStream, DialError> {
    let mut last = DialError::Unresolved;
    for address in addresses.iter().take(MAX_TRIES) {
        last = match timeout(CONNECT_TIMEOUT, network.connect(*address)).await {
            Ok(Ok(stream)) => {
                // Requests are one small segment: waiting to fill it only delays. A failure to set it harms nothing.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => DialError::Refused(error.kind()),
            Err(_) => DialError::Timeout,
        };
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_one_forbidden_address_among_several_is_enough() {
        let addresses: Vec<SocketAddr> = ["1.1.1.1:443", "[2606:4700::1]:443", "169.254.169.254:443"]
            .map(|text| text.parse().unwrap())
            .into();
        assert!(check(&addresses[..2], PrivateAddresses::Refused).is_ok());
        let error = check(&addresses, PrivateAddresses::Refused).unwrap_err().to_string();
        assert_eq!(
            error,
            "the host is or resolves to a link-local address (169.254.0.0/16), which is not allowed"
        );
        assert!(check(&addresses, PrivateAddresses::Allowed).is_ok());
    }
}
