//! One API request, from the limit to the answer: the order in which the rules apply.
//!
//! 1. Some APIs turn away who does not say who they are.
//! 2. The caller's window. It comes before faults, so that no fault hides a violation.
//! 3. A fault, perhaps.
//! 4. The token and the account.
//! 5. The content, or a 304.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use crate::accounts::{self, Accounts, Pace};
use crate::api::{self, Answer, Api, Need, Problem, Subject};
use crate::apis::Apis;
use crate::call::{Call, Query, is_account_id};
use crate::channel::{Channel, PerChannel};
use crate::clock::whole_ms;
use crate::config::{Auth, Config};
use crate::draw::Draws;
use crate::fate::{Fate, Fates};
use crate::fault::{Fault, Faults};
use crate::oauth::{self, Oauth, State};
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
    pub(crate) apis: Apis,
    pub(crate) oauth: Oauth,
    started_ms: u64,
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
        let apis = Apis::new(config.poll_interval);
        let windows = PerChannel::from_fn(|channel| {
            let limit = config.limits.get(channel);
            Windows::new(limit.requests, whole_ms(limit.window), apis.get(channel).window_start())
        });
        Self {
            accounts: Accounts::new(config.seed, config.growth, pace),
            apis,
            oauth: Oauth::new(config.token_ttl),
            started_ms,
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
        let of_accounts = |channel| {
            let api = self.apis.get(channel);
            self.accounts.stats(channel, now_ms, |account, id| api.item_id(account, id))
        };
        let oauth = self.oauth.stats();
        let mut total = channels.sum();
        total.violations += oauth.refresh_token_reuse;
        Stats {
            seed: self.config.seed,
            uptime_ms: now_ms.saturating_sub(self.started_ms),
            total,
            channels,
            oauth,
            accounts: match detail {
                Detail::Totals => None,
                Detail::Accounts => Some(PerChannel::from_fn(of_accounts)),
            },
        }
    }

    /// The request as its API understands it; `None` when no API has such a path.
    pub(crate) fn call<'a>(
        &self,
        path: &'a str,
        query: Query<'a>,
        headers: &'a HeaderMap,
        peer: IpAddr,
    ) -> Option<(Channel, Call<'a>)> {
        let (channel, subject) = self.apis.find(path, query)?;
        let token = self.apis.get(channel).token(headers, query);
        let account = match subject {
            Subject::Account(id) => Some(id).filter(|id| is_account_id(id))?,
            Subject::TokenOwner => {
                let owner = token.as_deref().and_then(oauth::owner);
                Cow::Owned(owner.unwrap_or(accounts::NOBODY).to_owned())
            }
        };
        Some((channel, Call { account, token, path, query, headers, peer, now_ms: self.now_ms() }))
    }

    /// Answers an API request, and counts it.
    pub(crate) fn answer(&self, channel: Channel, call: &Call<'_>) -> Reply {
        let (api, counters) = (self.apis.get(channel), self.counters.get(channel));
        counters.add(Count::Requests);
        if let Some(problem) = api.turns_away(call) {
            counters.add(Count::HttpOther);
            return Reply::Send(api.refusal(problem, call));
        }
        self.accounts.count_request(channel, &call.account);
        let standing = self.windows.get(channel).take(api.counts_by(call), call.now_ms);
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
        tracing::debug!(%channel, account = %call.account, %fault, "injecting a fault");
        match fault {
            Fault::Error500 => Reply::Send(refuse(api, Problem::ServerError, call, &standing)),
            Fault::Timeout => Reply::NeverAnswer,
            Fault::Reset => Reply::ResetConnection,
            Fault::SlowBody => Reply::SendSlowly(self.proper(channel, call, standing).0),
            Fault::Malformed => Reply::Send(mangle(self.proper(channel, call, standing).0, &mut draws)),
        }
    }

    fn note_poll(&self, channel: Channel, call: &Call<'_>) {
        let Some(interval) = self.apis.get(channel).poll_interval(call) else { return };
        let last = self.accounts.note_poll(channel, &call.account, call.path, call.now_ms);
        if last.is_some_and(|last| call.now_ms < last + whole_ms(interval)) {
            self.counters.get(channel).add(Count::EarlyPolls);
        }
    }

    /// What keeps the caller from an answer, and what to count for it.
    fn obstacle(&self, channel: Channel, call: &Call<'_>) -> Option<(Problem, Count)> {
        let needed = match self.apis.get(channel).needs_token(call) {
            Need::Never => false,
            Need::Optional => self.config.auth == Auth::Required,
            Need::Always => true,
        };
        match call.token().map(|token| self.oauth.state(token, call.now_ms)) {
            None if needed => return Some((Problem::Unauthorized, Count::Http401)),
            Some(State::Expired) => return Some((Problem::Expired, Count::Http401)),
            None | Some(State::Good) => {}
        }
        match self.fates.of(channel, &call.account) {
            Fate::Alive => None,
            Fate::Unauthorized => Some((Problem::Unauthorized, Count::Http401)),
            Fate::Forbidden => Some((Problem::Forbidden, Count::HttpOther)),
            Fate::Gone => Some((Problem::Gone, Count::HttpGone)),
            Fate::Missing => Some((Problem::Missing, Count::HttpGone)),
            Fate::Throttled => Some((Problem::Throttled, Count::Http429)),
        }
    }

    /// The answer without a fault, and what to count for it.
    fn proper(&self, channel: Channel, call: &Call<'_>, standing: Standing) -> (Answer, Vec<Count>) {
        let api = self.apis.get(channel);
        let refusal = |problem, count| (refuse(api, problem, call, &standing), vec![count]);
        if let Some((problem, count)) = self.obstacle(channel, call) {
            return refusal(problem, count);
        }
        let feed = self.accounts.feed(channel, &call.account, call.now_ms);
        let content = match api.content(call, &feed) {
            Ok(content) => content,
            Err(problem) => return refusal(problem, Count::HttpOther),
        };
        let mut headers = HeaderMap::with_capacity(16);
        content.add_headers(&mut headers, call);
        if content.is_current(call) {
            let free = api.gives_304_for_free(call);
            let windows = self.windows.get(channel);
            let standing = if free { windows.refund(api.counts_by(call), standing) } else { standing };
            api.add_headers(&mut headers, call, &standing);
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = headers;
            return (answer, vec![Count::Http304]);
        }
        let items = content.items as u64;
        let mut answer = api::with_body(StatusCode::OK, content.content_type(), content.into_body());
        api.add_headers(answer.headers_mut(), call, &standing);
        answer.headers_mut().extend(headers);
        (answer, vec![Count::Http200, Count::Items(items)])
    }
}

fn refuse(api: &dyn Api, problem: Problem, call: &Call<'_>, standing: &Standing) -> Answer {
    let mut answer = api.refusal(problem, call);
    api.add_headers(answer.headers_mut(), call, standing);
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
