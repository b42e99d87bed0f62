//! What a response says about limits and pauses, and what a status that is not 200 comes to.

use std::time::SystemTime;

use http::StatusCode;
use pollwheel_core::outcome::{LimitReading, Outcome, Scope};

use crate::body_filter::{BodyFilter, JsonBody};
use crate::channel::{Channel, ErrorRule, Limit, LimitScope, LimitSource, RuleOutcome, Token};
use crate::exchange::Response;
use crate::json;
use crate::wait::{FloorSource, Scale, ServerClock};

/// How one job's responses are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) channel: &'a Channel,
    pub(super) token: Token,
    pub(super) host: Host,
    /// Our clock, for responses without a `Date`.
    pub(super) now: SystemTime,
    pub(super) scale: Scale,
}

/// Whose host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// The channel's own.
    Channels,
    /// One that the account brought. It speaks for this account alone: it could otherwise say that the window of the
    /// whole application is spent, and stop the channel for everyone.
    Accounts,
}

impl Reader<'_> {
    fn scope(&self, limit: &Limit) -> Scope {
        match self.host {
            Host::Channels => match limit.scope(self.token) {
                LimitScope::Account => Scope::Account,
                // The wider scope, until the core knows the others.
                LimitScope::Application | LimitScope::Token | LimitScope::Host | LimitScope::Endpoint => {
                    Scope::Application
                }
            },
            Host::Accounts => Scope::Account,
        }
    }

    fn clock<'r>(&self, response: &'r Response) -> ServerClock<'r> {
        ServerClock::new(&response.headers, self.now)
    }

    /// The declared limits that a response tells of, in seconds of the wheel.
    pub(super) fn limits(&self, response: &Response) -> Vec<LimitReading> {
        let clock = self.clock(response);
        let readings = self.channel.limits.iter().filter_map(|limit| {
            let (remaining, reset) = match &limit.source {
                LimitSource::Headers { remaining, reset } => (remaining, reset),
                LimitSource::Documented
                | LimitSource::RateLimit(_)
                | LimitSource::Usage(_)
                | LimitSource::Body(_) => return None,
            };
            let remaining = response.headers.get(remaining)?.to_str().ok()?;
            let reset = reset.as_ref().and_then(|reset| clock.reset(&reset.name, reset.format));
            Some(LimitReading {
                scope: self.scope(limit),
                remaining: crate::wait::number(remaining)?,
                cushion: limit.cushion,
                reset_seconds: reset.map(|seconds| self.scale.wheel_seconds(seconds)),
            })
        });
        readings.collect()
    }

    /// Seconds of the wheel that a response asks to leave between two polls.
    pub(super) fn floor(&self, sources: &[FloorSource], response: &Response) -> Option<u64> {
        let clock = self.clock(response);
        let floor = sources.iter().filter_map(|source| clock.floor(source)).max()?;
        Some(self.scale.wheel_seconds(floor))
    }

    /// What a response that is neither 200 nor 304 comes to.
    pub(super) fn refusal(&self, response: &Response, limits: &[LimitReading]) -> Outcome {
        match self.channel.rules.iter().find(|rule| rule.matches(response)) {
            Some(rule) => self.by_rule(rule.outcome, response, limits),
            None => self.by_status(response, limits),
        }
    }

    fn by_rule(&self, outcome: RuleOutcome, response: &Response, limits: &[LimitReading]) -> Outcome {
        match outcome {
            RuleOutcome::RateLimited => self.rate_limited(response, limits),
            RuleOutcome::Unauthorized => Outcome::Unauthorized,
            RuleOutcome::Gone => Outcome::Gone,
            RuleOutcome::ServerError => self.server_error(response),
            RuleOutcome::BadResponse => bad_status(response.status),
            RuleOutcome::Unchanged => Outcome::Unchanged { context: None },
        }
    }

    fn by_status(&self, response: &Response, limits: &[LimitReading]) -> Outcome {
        let spent = || limits.iter().any(|limit| limit.remaining == 0);
        match response.status {
            StatusCode::TOO_MANY_REQUESTS => self.rate_limited(response, limits),
            StatusCode::FORBIDDEN if spent() || self.clock(response).retry_after().is_some() => {
                self.rate_limited(response, limits)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Unauthorized,
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
            StatusCode::REQUEST_TIMEOUT => Outcome::Timeout,
            status if status.is_server_error() => self.server_error(response),
            status => bad_status(status),
        }
    }

    /// The limit that is spent says what is counted and until when; `Retry-After` may only lengthen the wait.
    fn rate_limited(&self, response: &Response, limits: &[LimitReading]) -> Outcome {
        let spent =
            limits.iter().filter(|limit| limit.remaining == 0).max_by_key(|limit| limit.reset_seconds);
        let declared = self.channel.limits.first().map(|limit| self.scope(limit));
        let scope = spent.map(|limit| limit.scope.clone()).or(declared).unwrap_or(Scope::Account);
        let retry_after = self.clock(response).retry_after().map(|seconds| self.scale.wheel_seconds(seconds));
        Outcome::RateLimited {
            scope,
            reset_seconds: spent.and_then(|limit| limit.reset_seconds).max(retry_after),
        }
    }

    fn server_error(&self, response: &Response) -> Outcome {
        let retry_after = self.clock(response).retry_after();
        Outcome::ServerError {
            status: response.status.as_u16(),
            retry_after_seconds: retry_after.map(|seconds| self.scale.wheel_seconds(seconds)),
        }
    }
}

impl ErrorRule {
    fn matches(&self, response: &Response) -> bool {
        let says = |text: &String| String::from_utf8_lossy(&response.body).contains(text);
        let holds = |filter: &BodyFilter| {
            json::text(&response.body).is_ok_and(|text| filter.holds(&JsonBody::new(text)))
        };
        self.statuses.iter().any(|status| status.holds(response.status))
            && self.header.as_ref().is_none_or(|name| response.headers.contains_key(name))
            && self.body_contains.as_ref().is_none_or(says)
            && self.body.as_ref().is_none_or(holds)
    }
}

fn bad_status(status: StatusCode) -> Outcome {
    Outcome::BadResponse {
        reason: format!("the status is {}, which the channel does not expect", status.as_u16()),
    }
}
