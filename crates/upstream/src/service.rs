//! One API request, from the limit to the answer: the order in which the rules apply.
//!
//! 1. GitHub turns away who does not say who they are.
//! 2. The caller's window. It comes before faults, so that no fault hides a violation.
//! 3. A fault, perhaps.
//! 4. The token and the account.
//! 5. The page, or a 304.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use crate::accounts::{Accounts, Pace};
use crate::api::{self, Answer, Api, Problem};
use crate::call::Call;
use crate::channel::{Channel, PerChannel};
use crate::clock::whole_ms;
use crate::config::{Auth, Config};
use crate::draw::Draws;
use crate::fate::{Fate, Fates};
use crate::fault::{Fault, Faults};
use crate::github::Github;
use crate::mastodon::Mastodon;
use crate::stats::{Count, Counters, Stats};
use crate::window::{Standing, Verdict, Windows};

/// What to do about a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Send(Answer),
    /// A byte at a time.
    SendSlowly(Answer),
    NeverAnswer,
    ResetConnection,
}

/// Whether a report lists every account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Totals,
    Accounts,
}

/// The server's state. Shared by all connections.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) config: Config,
    pub(crate) accounts: Accounts,
    started_ms: u64,
    github: Github,
    fates: Fates,
    faults: Faults,
    windows: PerChannel<Windows>,
    counters: PerChannel<Counters>,
}

impl Service {
    /// `config` has been checked.
    pub(crate) fn new(config: Config) -> Self {
        let started_ms = config.clock.now_ms();
        let pace = Pace { origin_ms: started_ms, scale: config.time_scale };
        let github = Github { poll_interval_seconds: config.poll_interval.as_secs() };
        let windows = PerChannel::from_fn(|channel| {
            let limit = config.limits.get(channel);
            let start = match channel {
                Channel::Mastodon => Mastodon.window_start(),
                Channel::Github => github.window_start(),
            };
            Windows::new(limit.requests, whole_ms(limit.window), start)
        });
        Self {
            accounts: Accounts::new(config.seed, config.growth, pace),
            started_ms,
            github,
            fates: Fates::new(&config),
            faults: Faults::new(config.seed, &config.faults),
            windows,
            counters: PerChannel::from_fn(|_| Counters::default()),
            config,
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.config.clock.now_ms()
    }

    pub(crate) fn stats(&self, detail: Detail) -> Stats {
        let now_ms = self.now_ms();
        let channels = PerChannel::from_fn(|channel| self.counters.get(channel).read());
        let accounts = match detail {
            Detail::Totals => None,
            Detail::Accounts => Some(PerChannel::from_fn(|channel| self.accounts.stats(channel, now_ms))),
        };
        Stats {
            seed: self.config.seed,
            uptime_ms: now_ms.saturating_sub(self.started_ms),
            total: channels.sum(),
            channels,
            accounts,
        }
    }

    fn api(&self, channel: Channel) -> &dyn Api {
        match channel {
            Channel::Mastodon => &Mastodon,
            Channel::Github => &self.github,
        }
    }

    /// Answers an API request, and counts it.
    pub(crate) fn answer(&self, channel: Channel, call: &Call<'_>) -> Reply {
        let (api, counters) = (self.api(channel), self.counters.get(channel));
        counters.add(Count::Requests);
        if let Some(problem) = api.turns_away(call) {
            counters.add(Count::HttpOther);
            return Reply::Send(api.refusal(problem, call));
        }
        self.accounts.count_request(channel, call.account);
        let standing = self.windows.get(channel).take(call.caller(), call.now_ms);
        if standing.verdict == Verdict::Exhausted {
            counters.add(Count::Violations);
            counters.add(Count::Http429);
            return Reply::Send(refuse(api, Problem::Limited, call, &standing));
        }
        self.note_poll(channel, call);
        let Some((fault, mut draws)) = self.faults.next() else {
            let (answer, counts) = self.proper(channel, call, standing);
            counts.into_iter().for_each(|count| counters.add(count));
            return Reply::Send(answer);
        };
        counters.add(Count::Fault(fault));
        tracing::debug!(%channel, account = call.account, %fault, "injecting a fault");
        match fault {
            Fault::Error500 => Reply::Send(refuse(api, Problem::ServerError, call, &standing)),
            Fault::Timeout => Reply::NeverAnswer,
            Fault::Reset => Reply::ResetConnection,
            Fault::SlowBody => Reply::SendSlowly(self.proper(channel, call, standing).0),
            Fault::Malformed => Reply::Send(mangle(self.proper(channel, call, standing).0, &mut draws)),
        }
    }

    fn note_poll(&self, channel: Channel, call: &Call<'_>) {
        if !self.api(channel).is_poll(call) {
            return;
        }
        let interval_ms = self.github.poll_interval_seconds * 1_000;
        let last = self.accounts.note_poll(channel, call.account, call.now_ms);
        if last.is_some_and(|last| call.now_ms < last + interval_ms) {
            self.counters.get(channel).add(Count::EarlyPolls);
        }
    }

    /// The answer without a fault, and what to count for it.
    fn proper(&self, channel: Channel, call: &Call<'_>, standing: Standing) -> (Answer, Vec<Count>) {
        let api = self.api(channel);
        let refusal = |problem, count| (refuse(api, problem, call, &standing), vec![count]);
        if self.config.auth == Auth::Required && call.token().is_none() {
            return refusal(Problem::Unauthorized, Count::Http401);
        }
        match self.fates.of(channel, call.account) {
            Fate::Alive => {}
            Fate::Unauthorized => return refusal(Problem::Unauthorized, Count::Http401),
            Fate::Forbidden => return refusal(Problem::Forbidden, Count::HttpOther),
            Fate::Gone => return refusal(Problem::Gone, Count::HttpGone),
            Fate::Missing => return refusal(Problem::Missing, Count::HttpGone),
        }
        let feed = self.accounts.feed(channel, call.account, call.now_ms);
        let page = match api.page(call, &feed) {
            Ok(page) => page,
            Err(problem) => return refusal(problem, Count::HttpOther),
        };
        let mut headers = HeaderMap::with_capacity(16);
        if call.has_current(&api.etag(call, &page)) {
            let free = api.gives_304_for_free(call);
            let windows = self.windows.get(channel);
            let standing = if free { windows.refund(call.caller(), standing) } else { standing };
            api.add_headers(&mut headers, &standing);
            api.add_page_headers(&mut headers, call, &page);
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = headers;
            return (answer, vec![Count::Http304]);
        }
        let mut answer = api::json(StatusCode::OK, api.body(call, &page));
        api.add_headers(answer.headers_mut(), &standing);
        api.add_page_headers(answer.headers_mut(), call, &page);
        (answer, vec![Count::Http200, Count::Items(page.ids.len() as u64)])
    }
}

fn refuse(api: &dyn Api, problem: Problem, call: &Call<'_>, standing: &Standing) -> Answer {
    let mut answer = api.refusal(problem, call);
    api.add_headers(answer.headers_mut(), standing);
    answer
}

/// Spoils an answer and leaves its headers: half of the JSON, or the page of a proxy that is having a bad day.
fn mangle(answer: Answer, draws: &mut Draws) -> Answer {
    const PAGE: &[u8] =
        b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>We will be right back</h1>";
    let (mut parts, body) = answer.into_parts();
    let whole_page = parts.status == StatusCode::OK && body.len() > 2;
    parts.status = StatusCode::OK;
    if whole_page && draws.below(2) == 0 {
        return Response::from_parts(parts, body.slice(..body.len() / 2));
    }
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(parts, Bytes::from_static(PAGE))
}
