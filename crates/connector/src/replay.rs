//! Polls without a network: the answers come from a recording, a test or a benchmark.

use std::time::SystemTime;

use bytes::Bytes;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Polled, Request};

use crate::channel::ChannelSet;
use crate::conversation::{Conversation, Moment, Step, polled};
use crate::exchange::{FetchError, Outbound, Response};
use crate::wait::Scale;

/// A request as it would go out, its credentials included.
pub(crate) type Asked = ::http::Request<Bytes>;

/// Makes one poll, all but the network: `answer` gets each request, its `Authorization` included, and gives the response
/// to it, its body decoded. `now` stands for our clock.
pub fn replay(
    channels: &ChannelSet,
    request: Request<'_>,
    now: SystemTime,
    mut answer: impl FnMut(&::http::Request<Bytes>) -> ::http::Response<Bytes>,
) -> Polled {
    replay_with(channels, request, now, |asked| Ok(answer(asked)))
}

/// The same, where an answer may fail to come.
pub(crate) fn replay_with(
    channels: &ChannelSet,
    request: Request<'_>,
    now: SystemTime,
    mut answer: impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
) -> Polled {
    let (channel, job_type) = match channels.find(&request.row.job.job_type) {
        Ok(found) => found,
        Err(error) => return polled(Outcome::BadResponse { reason: error.to_string() }),
    };
    let moment = Moment { now, scale: Scale::new(1.0) };
    let (mut conversation, mut outbound) = match Conversation::start(channel, job_type, request, moment) {
        Ok(started) => started,
        Err(polled) => return *polled,
    };
    loop {
        let Outbound { method, uri, headers, body, secret_parameter: _ } = outbound;
        let mut asked = ::http::Request::new(body);
        *asked.method_mut() = method;
        *asked.uri_mut() = uri.clone();
        *asked.headers_mut() = headers;
        let response = answer(&asked).map(|response| {
            let (head, body) = response.into_parts();
            Response { status: head.status, headers: head.headers, body, uri, redirects: 0 }
        });
        match conversation.answer(response, request.budget) {
            Step::Ask(next) => outbound = next,
            Step::Done(polled) => return polled,
        }
    }
}
