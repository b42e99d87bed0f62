//! What a response that brings no items comes to: by the channel's rules, or else by its status.

use http::StatusCode;
use pollwheel_core::outcome::{LimitReading, Outcome, Scope};

use super::Reader;
use crate::answer::Answer;
use crate::channel::{ErrorRule, RuleOutcome};
use crate::wait::number;

impl Reader<'_> {
    /// What a response that is neither 200 nor 304 comes to.
    pub(crate) fn refusal(&self, answer: &Answer<'_>, limits: &[LimitReading]) -> Outcome {
        self.ruled(answer, limits).unwrap_or_else(|| self.by_status(answer, limits))
    }

    /// What the channel's rules say of a response, of a 200 too: some APIs answer so whatever happens.
    pub(crate) fn ruled(&self, answer: &Answer<'_>, limits: &[LimitReading]) -> Option<Outcome> {
        let mut rules = self.job.rules.iter().chain(&self.channel.rules);
        rules.find(|rule| rule.matches(answer)).map(|rule| self.by_rule(rule, answer, limits))
    }

    fn by_rule(&self, rule: &ErrorRule, answer: &Answer<'_>, limits: &[LimitReading]) -> Outcome {
        match rule.outcome {
            RuleOutcome::RateLimited => self.rate_limited(Some(rule), answer, limits),
            RuleOutcome::Unauthorized => Outcome::Unauthorized,
            RuleOutcome::Gone => Outcome::Gone,
            RuleOutcome::ServerError => self.server_error(Some(rule), answer),
            RuleOutcome::BadResponse => bad_status(answer.response.status),
            RuleOutcome::Unchanged => Outcome::Unchanged { context: None },
        }
    }

    fn by_status(&self, answer: &Answer<'_>, limits: &[LimitReading]) -> Outcome {
        let cost = u64::from(self.job.endpoint.cost);
        let has_too_few = || limits.iter().any(|limit| limit.remaining < cost);
        match answer.response.status {
            StatusCode::TOO_MANY_REQUESTS => self.rate_limited(None, answer, limits),
            StatusCode::FORBIDDEN if has_too_few() || self.clock(answer).retry_after().is_some() => {
                self.rate_limited(None, answer, limits)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Unauthorized,
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
            StatusCode::REQUEST_TIMEOUT => Outcome::Timeout,
            status if status.is_server_error() => self.server_error(None, answer),
            status => bad_status(status),
        }
    }

    /// The limit that is spent says what is counted and until when; a rule may say better what is counted, and the body and
    /// `Retry-After` may only lengthen the wait.
    fn rate_limited(
        &self,
        rule: Option<&ErrorRule>,
        answer: &Answer<'_>,
        limits: &[LimitReading],
    ) -> Outcome {
        let spent = limits
            .iter()
            .filter(|limit| limit.is_spent())
            .max_by_key(|limit| (std::cmp::Reverse(limit.remaining), limit.reset_seconds));
        let declared = self.job.limits.iter().chain(&self.channel.limits).next();
        let scope = rule
            .and_then(|rule| rule.scope)
            .map(|scope| self.scope(scope, answer))
            .or_else(|| spent.map(|limit| limit.scope.clone()))
            .or_else(|| declared.map(|limit| self.scope(limit.scope(self.token), answer)))
            .unwrap_or(Scope::Account);
        let asked = self.wait(rule, answer);
        Outcome::RateLimited { scope, reset_seconds: spent.and_then(|limit| limit.reset_seconds).max(asked) }
    }

    fn server_error(&self, rule: Option<&ErrorRule>, answer: &Answer<'_>) -> Outcome {
        Outcome::ServerError {
            status: answer.response.status.as_u16(),
            retry_after_seconds: self.wait(rule, answer),
        }
    }

    /// The longer of `Retry-After` and the wait in the body, in seconds of the wheel.
    fn wait(&self, rule: Option<&ErrorRule>, answer: &Answer<'_>) -> Option<u64> {
        let in_body = rule.and_then(|rule| rule.wait.as_ref()).and_then(|wait| {
            let text = wait.body.scalar(answer.body().ok()?).ok()??;
            number(&text).map(|count| wait.unit.seconds(count))
        });
        in_body.max(self.clock(answer).retry_after()).map(|seconds| self.scale.wheel_seconds(seconds))
    }
}

impl ErrorRule {
    fn matches(&self, answer: &Answer<'_>) -> bool {
        let response = answer.response;
        let says = |text: &String| {
            let mut windows = response.body.windows(text.len().max(1));
            text.is_empty() || windows.any(|window| window == text.as_bytes())
        };
        self.statuses.iter().any(|status| status.holds(response.status))
            && self.header.as_ref().is_none_or(|name| response.headers.contains_key(name))
            && self.body_contains.as_ref().is_none_or(says)
            && self.body.as_ref().is_none_or(|filter| answer.body().is_ok_and(|body| filter.holds(body)))
    }
}

fn bad_status(status: StatusCode) -> Outcome {
    Outcome::BadResponse {
        reason: format!("the status is {}, which the channel does not expect", status.as_u16()),
    }
}
