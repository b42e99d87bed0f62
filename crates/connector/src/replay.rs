//! Polls without a network: the answers come from a recording, a test or a benchmark.

mod poller;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Application, Credentials, Polled, Refreshed, Request};
use pollwheel_core::time::Timestamp;

use crate::auth;
use crate::channel::{Auth, Channel, ChannelSet, Grant, OAuth2};
use crate::conversation::{Conversation, Moment, Step, polled};
use crate::exchange::{FetchError, Outbound, Response};
use crate::wait::Scale;

pub use poller::{Answered, Replayer};

/// A request as it would go out, its credentials included.
pub type Asked = ::http::Request<Bytes>;

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
    answer: impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
) -> Polled {
    replay_renewing(channels, request, now, answer).polled
}

/// A poll, and the names of the secrets that an exchange on the way replaced.
pub(crate) struct Replayed {
    pub(crate) polled: Polled,
    pub(crate) renewed: Option<Vec<Box<str>>>,
}

/// Makes one poll as a worker does: a token that ends is renewed first, one that is refused is renewed once and the poll
/// made again. There is no store, so nobody else renews.
pub(crate) fn replay_renewing(
    channels: &ChannelSet,
    request: Request<'_>,
    now: SystemTime,
    mut answer: impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
) -> Replayed {
    let mut keys = Keys::of(channels, request);
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let instant = Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
    let mut exchanges = 0;
    if keys.is_due(instant) {
        exchanges += 1;
        match keys.exchange(now, &mut answer) {
            Err(outcome) if keys.have_ended(instant) => {
                let polled = Polled { requests: exchanges, ..polled(outcome) };
                return Replayed { polled, renewed: None };
            }
            // Good until its end.
            Ok(()) | Err(_) => {}
        }
    }
    let mut last = poll_once(channels, keys.request(request), now, &mut answer);
    if last.outcome == Outcome::Unauthorized && keys.renewed.is_none() && keys.oauth2().is_some() {
        exchanges += 1;
        match keys.exchange(now, &mut answer) {
            Ok(()) => {
                let before = last.requests;
                last = poll_once(channels, keys.request(request), now, &mut answer);
                last.requests = last.requests.saturating_add(before);
            }
            Err(outcome) => last.outcome = outcome,
        }
    }
    last.requests = last.requests.saturating_add(exchanges);
    Replayed { polled: last, renewed: keys.renewed }
}

/// What a replayed poll authenticates with.
struct Keys<'c> {
    channel: Option<&'c Channel>,
    account: Option<Cow<'c, Credentials>>,
    application: Option<Cow<'c, Application>>,
    renewed: Option<Vec<Box<str>>>,
}

impl<'c> Keys<'c> {
    fn of(channels: &'c ChannelSet, request: Request<'c>) -> Self {
        Self {
            channel: channels.get(request.row.job.job_type.channel()),
            account: request.credentials.map(Cow::Borrowed),
            application: request.application.map(Cow::Borrowed),
            renewed: None,
        }
    }

    fn request<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        Request { credentials: self.account.as_deref(), application: self.application.as_deref(), ..request }
    }

    /// How the held credentials are renewed, when they can be.
    fn oauth2(&self) -> Option<&'c OAuth2> {
        let oauth2 = match &self.channel?.auth {
            Auth::By(rules) => rules.oauth2.as_ref()?,
            Auth::None => return None,
        };
        auth::ask(oauth2, self.held(oauth2)?, self.application.as_deref()).map(|_| oauth2)
    }

    fn held(&self, oauth2: &OAuth2) -> Option<&Credentials> {
        match oauth2.grant {
            Grant::RefreshToken => self.account.as_deref(),
            Grant::ClientCredentials => self.application.as_ref().map(|application| &application.credentials),
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let before = self.channel.and_then(|channel| auth::renewal(channel, Scale::new(1.0)));
        before.is_some_and(|renewal| self.end_within(now, renewal.before))
    }

    fn have_ended(&self, now: Timestamp) -> bool {
        self.end_within(now, Duration::ZERO)
    }

    fn end_within(&self, now: Timestamp, time: Duration) -> bool {
        let held = self.oauth2().and_then(|oauth2| self.held(oauth2));
        held.is_some_and(|held| auth::expires_within(held, now, time))
    }

    fn exchange(
        &mut self,
        now: SystemTime,
        answer: &mut impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
    ) -> Result<(), Outcome> {
        let oauth2 = self.oauth2().ok_or(Outcome::Unauthorized)?;
        let held = self.held(oauth2).ok_or(Outcome::Unauthorized)?;
        let asked = auth::ask(oauth2, held, self.application.as_deref()).ok_or(Outcome::Unauthorized)?;
        let (secrets, expires_in_seconds) =
            match auth::answered(oauth2, exchanged(asked, answer), now, Scale::new(1.0)) {
                Refreshed::Renewed { secrets, expires_in_seconds } => (secrets, expires_in_seconds),
                Refreshed::Refused => return Err(Outcome::Unauthorized),
                Refreshed::Failed(outcome) => return Err(outcome),
            };
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let end = expires_in_seconds
            .map(|seconds| Timestamp::from_millis(millis).plus(Duration::from_secs(seconds)));
        let names = secrets.keys().cloned().collect();
        let renewed = held.renewed(secrets, end);
        self.renewed = Some(names);
        match (oauth2.grant, &mut self.application) {
            (Grant::RefreshToken, _) => self.account = Some(Cow::Owned(renewed)),
            (Grant::ClientCredentials, Some(application)) => application.to_mut().credentials = renewed,
            (Grant::ClientCredentials, None) => {}
        }
        Ok(())
    }
}

fn poll_once(
    channels: &ChannelSet,
    request: Request<'_>,
    now: SystemTime,
    answer: &mut impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
) -> Polled {
    let (mut conversation, mut outbound) = match begun(channels, request, now) {
        Ok(begun) => begun,
        Err(polled) => return *polled,
    };
    loop {
        match conversation.answer(exchanged(outbound, answer), request.budget) {
            Step::Ask(next) => outbound = next,
            Step::Done(polled) => return polled,
        }
    }
}

/// A conversation and its first request, or what the poll comes to without one.
fn begun<'a>(
    channels: &'a ChannelSet,
    request: Request<'a>,
    now: SystemTime,
) -> Result<(Conversation<'a>, Outbound), Box<Polled>> {
    let (channel, job_type) = channels
        .find(&request.row.job.job_type)
        .map_err(|error| Box::new(polled(Outcome::BadResponse { reason: error.to_string() })))?;
    Conversation::start(channel, job_type, request, Moment { now, scale: Scale::new(1.0) })
}

/// One exchange with whoever answers.
fn exchanged(
    outbound: Outbound,
    answer: &mut impl FnMut(&Asked) -> Result<::http::Response<Bytes>, FetchError>,
) -> Result<Response, FetchError> {
    let Outbound { method, uri, headers, body, secret_parameter: _ } = outbound;
    let mut asked = ::http::Request::new(body);
    *asked.method_mut() = method;
    *asked.uri_mut() = uri.clone();
    *asked.headers_mut() = headers;
    answer(&asked).map(|response| {
        let (head, body) = response.into_parts();
        Response { status: head.status, headers: head.headers, body, uri, redirects: 0 }
    })
}
