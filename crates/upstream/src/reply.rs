//! From a decision to bytes on the wire: which path belongs to what, and how an answer's body leaves.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use tokio::time::{Sleep, sleep};

use crate::api::json;
use crate::call::Query;
use crate::control;
use crate::oauth::Vendor;
use crate::service::{Reply, Service};

/// A body, whole or in drops.
pub(crate) type OutBody = Either<Full<Bytes>, Drops>;

/// What a request is answered with, and how long that takes at least.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) reply: Reply,
    pub(crate) after: Duration,
}

/// Finds out what a request is for, and has it answered. `body` is that of a request for a token.
pub(crate) fn route(service: &Service, request: &Parts, body: &str, peer: SocketAddr) -> Timed {
    let path = request.uri.path();
    let query = Query::new(request.uri.query());
    let at_once = |answer| Timed { reply: Reply::Send(answer), after: Duration::ZERO };
    let after_latency = |reply| Timed { reply, after: service.config.latency };
    if path.starts_with("/_") {
        return at_once(control::answer(service, &request.method, &path[1..], query));
    }
    if request.method == Method::POST
        && let Some(vendor) = Vendor::at(path)
    {
        let answer = service.oauth.answer(vendor, &request.headers, body, service.now_ms());
        return after_latency(Reply::Send(answer));
    }
    let Some((channel, call)) = service.call(path, query, &request.headers, peer.ip()) else {
        return at_once(json(
            StatusCode::NOT_FOUND,
            r#"{"error":"this server has no such path"}"#.to_owned(),
        ));
    };
    if request.method != Method::GET && request.method != Method::HEAD {
        return at_once(json(StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"only GET is served"}"#.to_owned()));
    }
    after_latency(service.answer(channel, &call))
}

/// A body that leaves one byte at a time.
#[derive(Debug)]
pub(crate) struct Drops {
    left: Bytes,
    gap: Duration,
    next: Pin<Box<Sleep>>,
}

impl Drops {
    pub(crate) fn new(body: Bytes, gap: Duration) -> Self {
        Self { left: body, gap, next: Box::pin(sleep(gap)) }
    }
}

impl Body for Drops {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(this.next.as_mut().poll(cx));
        this.next.as_mut().reset(tokio::time::Instant::now() + this.gap);
        Poll::Ready(Some(Ok(Frame::data(this.left.split_to(1)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn drops_leave_one_at_a_time() {
        let started = Instant::now();
        let mut body = Drops::new(Bytes::from_static(b"abc"), Duration::from_secs(1));
        let mut got = Vec::new();
        while let Some(frame) = body.frame().await {
            got.push((started.elapsed().as_secs(), frame.unwrap().into_data().unwrap()));
        }
        assert_eq!(got, [(1, "a".into()), (2, "b".into()), (3, "c".into())]);
    }
}
