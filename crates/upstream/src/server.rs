//! The loop that accepts connections, the connections, and their end.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::reply::{Drops, OutBody, Timed, route};
use crate::service::{Detail, Reply, Service};
use crate::stats::Stats;

/// How long a shutdown waits for answers that are on their way.
const GRACE: Duration = Duration::from_secs(1);
/// Pause after a failed accept: the usual cause is a lack of file descriptors, which takes a moment to pass.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Only requests for a token have a body, and it is short.
const MAX_BODY_BYTES: usize = 16 * 1_024;

/// Starts servers.
#[derive(Debug)]
pub struct Upstream;

impl Upstream {
    /// Binds the address and serves it on the current tokio runtime, until [`Running::shutdown`] or a drop.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a [`ConfigError`](crate::ConfigError) when the configuration is refused;
    /// else whatever binding the address failed with.
    pub async fn start(config: Config) -> io::Result<Running> {
        config.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let listener = TcpListener::bind(config.listen).await?;
        let addr = listener.local_addr()?;
        let service = Arc::new(Service::new(config));
        let (stop, stopped) = watch::channel(());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&service), stopped));
        Ok(Running { addr, service, stop, accepting })
    }
}

/// A server that is up. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    service: Arc<Service>,
    /// Dropped to stop: every task watches for that.
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Running {
    /// Where it listens, with the port that was taken.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://ADDRESS`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The counts so far, with every account that was asked for.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.service.stats(Detail::Accounts)
    }

    /// Accepts no more, lets the answers that are on their way out (for a second at most), and closes all connections.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.accepting.await {
            tracing::warn!(%error, "the accept loop ended badly");
        }
    }
}

async fn accept(listener: TcpListener, service: Arc<Service>, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, Arc::clone(&service), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, all_closed).await.is_err() {
        tracing::debug!("closing connections with answers on their way");
    }
}

/// Serves one connection to its end.
async fn serve(stream: TcpStream, peer: SocketAddr, service: Arc<Service>, mut stopped: watch::Receiver<()>) {
    // Answers are written whole: waiting to fill a packet would only add the delayed-ack pause to each.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(Notify::new());
    let answer = {
        let (reset, stopped) = (Arc::clone(&reset), stopped.clone());
        service_fn(move |request| {
            respond(request, peer, Arc::clone(&service), Arc::clone(&reset), stopped.clone())
        })
    };
    let mut connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = reset.notified() => {
                // Linger zero: closing sends RST, not FIN.
                let _ = connection.into_parts().io.into_inner().set_zero_linger();
                return;
            }
            _ = stopped.changed(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

/// A request's body; `None` when it is too long, not text, or never ends.
async fn read(body: Incoming) -> Option<String> {
    if body.is_end_stream() {
        return Some(String::new());
    }
    let whole = timeout(GRACE, Limited::new(body, MAX_BODY_BYTES).collect()).await.ok()?.ok()?;
    String::from_utf8(whole.to_bytes().to_vec()).ok()
}

/// A request left without an answer on purpose: makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("left without an answer")]
struct Unanswered;

async fn respond(
    request: Request<Incoming>,
    peer: SocketAddr,
    service: Arc<Service>,
    reset: Arc<Notify>,
    mut stopped: watch::Receiver<()>,
) -> Result<Response<OutBody>, Unanswered> {
    let (head, body) = request.into_parts();
    let body = read(body).await.ok_or(Unanswered)?;
    let Timed { reply, after } = route(&service, &head, &body, peer);
    if !after.is_zero() {
        sleep(after).await;
    }
    match reply {
        Reply::Send(answer) => Ok(answer.map(|body| Either::Left(Full::new(body)))),
        Reply::SendSlowly(answer) => {
            let gap = service.config.slow_byte;
            Ok(answer.map(|body| Either::Right(Drops::new(body, gap))))
        }
        Reply::NeverAnswer => {
            tokio::select! {
                () = sleep(service.config.timeout) => {}
                _ = stopped.changed() => {}
            }
            Err(Unanswered)
        }
        Reply::ResetConnection => {
            reset.notify_one();
            pending().await
        }
    }
}
