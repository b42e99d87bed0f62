//! The connector as a port, all but the network: for simulation, where answers come from a modelled third party.
//!
//! Unlike [`replay`](super::replay) it renews nothing by itself: that is the poll pass's, with its store and leases. It asks
//! for leave before every request, as the connector does that has a network.

use std::fmt;
use std::future::poll_fn;
use std::time::SystemTime;

use ::http::header::{HeaderValue, USER_AGENT};
use bytes::Bytes;
use pollwheel_core::budget::Spend;
use pollwheel_core::id::ChannelName;
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::row::JobRow;

use super::{Asked, begun, exchanged};
use crate::auth;
use crate::channel::{Auth, ChannelSet};
use crate::conversation::Step;
use crate::exchange::FetchError;
use crate::wait::Scale;

/// A response, its body decoded.
pub type Answered = ::http::Response<Bytes>;

/// Whoever answers: none when nothing comes.
type Answers<'a> = dyn Fn(&Asked) -> Option<Answered> + 'a;

/// A poller that asks `answers` at the time that `now` tells.
pub struct Replayer<'a> {
    channels: &'a ChannelSet,
    now: &'a dyn Fn() -> SystemTime,
    answers: &'a Answers<'a>,
}

impl fmt::Debug for Replayer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayer").finish_non_exhaustive()
    }
}

impl<'a> Replayer<'a> {
    /// Polls the job types of these channels.
    #[must_use]
    pub fn new(channels: &'a ChannelSet, now: &'a dyn Fn() -> SystemTime, answers: &'a Answers<'a>) -> Self {
        Self { channels, now, answers }
    }

    fn answer(&self, asked: &Asked) -> Result<Answered, FetchError> {
        let mut asked = asked.clone();
        asked.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static("pollwheel"));
        (self.answers)(&asked).ok_or(FetchError::Timeout)
    }
}

impl Poller for Replayer<'_> {
    async fn poll(&self, request: Request<'_>) -> Polled {
        let (mut conversation, mut outbound) = match begun(self.channels, request, (self.now)()) {
            Ok(begun) => begun,
            Err(polled) => return *polled,
        };
        loop {
            let is_permitted = match request.permits {
                Some(permits) => poll_fn(|context| permits.poll_take(context)).await,
                None => true,
            };
            let answer = if is_permitted {
                exchanged(outbound, &mut |asked| self.answer(asked))
            } else {
                Err(FetchError::OverBudget)
            };
            match conversation.answer(answer, request.budget) {
                Step::Ask(next) => outbound = next,
                Step::Done(polled) => return polled,
            }
        }
    }

    fn renewal(&self, channel: &ChannelName) -> Option<Renewal> {
        auth::renewal(self.channels.get(channel.as_str())?, Scale::new(1.0))
    }

    fn uses_application(&self, channel: &ChannelName) -> bool {
        self.channels.get(channel.as_str()).is_some_and(auth::uses_application)
    }

    fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        self.channels.limited_host(row)
    }

    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        match self.channels.find(&request.row.job.job_type) {
            Ok((channel, job_type)) => channel.spends(job_type, request, spec),
            Err(_) => Vec::new(),
        }
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        let oauth2 = match self.channels.get(refresh.channel.as_str()).map(|channel| &channel.auth) {
            Some(Auth::By(rules)) => rules.oauth2.as_ref(),
            Some(Auth::None) | None => None,
        };
        let asked = oauth2
            .and_then(|oauth2| Some((oauth2, auth::ask(oauth2, refresh.credentials, refresh.application)?)));
        // Nothing to exchange is nothing that a second try would mend.
        let Some((oauth2, outbound)) = asked else { return Refreshed::Refused };
        let answer = exchanged(outbound, &mut |asked| self.answer(asked));
        auth::answered(oauth2, answer, (self.now)(), Scale::new(1.0))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use pollwheel_core::outcome::Outcome;
    use pollwheel_core::ports::Permits;

    use super::*;
    use crate::sample;

    const CHANNEL: &str = "channel: mastodon\nabout: A test.\nbase_url: https://api.example.com\nauth: none\n\
        service_levels: {professional: {fastest: 1, slowest: 60}}\njob_types:\n  statuses:\n    \
        items: {list: ., id: .id, type: test.item, data: .}\n    cursor: {greatest_id: numeric}\n    \
        request: {path: /t}\n    pages: {follow: link_header, limit: 5}\n";

    /// So many permits.
    #[derive(Debug)]
    struct Leaves(AtomicU32);

    impl Permits for Leaves {
        fn poll_take(&self, _: &mut Context<'_>) -> Poll<bool> {
            let take = |left: u32| left.checked_sub(1);
            Poll::Ready(self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok())
        }
    }

    /// What a poll comes to with so many permits, and the requests that went out. Every page has two new items and a next.
    async fn polled(permits: u32) -> (Polled, u32) {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("mastodon");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("channel.yml"), CHANNEL).unwrap();
        let channels = ChannelSet::load(&own).unwrap_or_else(|errors| panic!("{errors}"));
        let mut row = sample::row("42", r#"{"poll":{"cursor":"1"}}"#);
        row.subject.base_url = None;
        let asked = Cell::new(0);
        let answer = |_: &Asked| {
            let newest = 100 - 2 * asked.replace(asked.get() + 1);
            let page = format!(r#"[{{"id":{newest}}},{{"id":{}}}]"#, newest - 1);
            let answer = ::http::Response::builder()
                .header("link", format!("<https://api.example.com/t?page={}>; rel=\"next\"", asked.get() + 1))
                .header("content-type", "application/json");
            answer.body(Bytes::from(page)).ok()
        };
        let (now, permits) = (|| SystemTime::UNIX_EPOCH, Leaves(AtomicU32::new(permits)));
        let request = Request {
            row: &row,
            credentials: None,
            application: None,
            token: None,
            budget: Duration::from_secs(20),
            permits: Some(&permits),
        };
        let polled = Replayer::new(&channels, &now, &answer).poll(request).await;
        (polled, asked.get())
    }

    #[tokio::test]
    async fn leave_is_asked_for_before_every_request() {
        let (refused, asked) = polled(0).await;
        assert!(matches!(refused.outcome, Outcome::Deferred { .. }) && asked == 0, "{refused:?}");
        let (halfway, asked) = polled(3).await;
        assert!(matches!(halfway.outcome, Outcome::New { items: 6, more: true, .. }), "{halfway:?}");
        assert_eq!((halfway.requests, asked), (3, 3));
        assert_eq!(polled(9).await.1, 5, "as many as the page limit");
    }
}
