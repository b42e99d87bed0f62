//! The rate limits that responses tell of.

use http::HeaderName;

use super::Token;
pub(crate) use super::file::{LimitScope, ResetFormat, WaitUnit};
use crate::body_filter::BodyFilter;

/// A rate limit.
#[derive(Debug)]
pub(crate) struct Limit {
    scope: LimitScope,
    scope_without_token: LimitScope,
    /// Calls that are left unused; percent where the source counts in percent.
    pub(crate) cushion: u64,
    /// What the documentation allows.
    allowance: Option<Allowance>,
    calls_without_token: Option<u64>,
    pub(crate) source: LimitSource,
}

/// So many calls in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) calls: u64,
    pub(crate) window_seconds: u64,
}

/// Where a response tells of a limit.
#[derive(Debug)]
pub(crate) enum LimitSource {
    /// Nowhere: the limit is known from the documentation alone.
    Documented,
    /// In two headers.
    Headers { remaining: HeaderName, reset: Option<Reset> },
    /// In the `RateLimit` fields.
    RateLimit(PolicyName),
    /// In a header of percentages.
    Usage(Usage),
    /// In the body.
    Body(BodyQuota),
}

/// A header with the end of a window.
#[derive(Debug)]
pub(crate) struct Reset {
    pub(crate) name: HeaderName,
    pub(crate) format: ResetFormat,
}

/// Which policy of the `RateLimit` fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyName {
    /// The one with the least left.
    Any,
    /// The one of this name.
    Named(String),
}

/// A header with a JSON object of percentages.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) header: HeaderName,
    pub(crate) percents: Vec<String>,
    pub(crate) wait: Option<(String, WaitUnit)>,
}

/// A quota in the body.
#[derive(Debug)]
pub(crate) struct BodyQuota {
    pub(crate) remaining: BodyFilter,
    pub(crate) reset: Option<(BodyFilter, ResetFormat)>,
}

impl Limit {
    pub(super) const fn new(
        (scope, scope_without_token): (LimitScope, LimitScope),
        cushion: u64,
        allowance: Option<Allowance>,
        calls_without_token: Option<u64>,
        source: LimitSource,
    ) -> Self {
        Self { scope, scope_without_token, cushion, allowance, calls_without_token, source }
    }

    /// What the documentation allows to requests with or without a token.
    pub(crate) fn allowance_of(&self, token: Token) -> Option<Allowance> {
        let allowance = self.allowance?;
        let calls = match token {
            Token::Present => allowance.calls,
            Token::Absent => self.calls_without_token.unwrap_or(allowance.calls),
        };
        Some(Allowance { calls, ..allowance })
    }

    /// Units of an allowance that are left unused.
    pub(crate) fn cushion_of(&self, allowance: Allowance) -> u64 {
        match self.source {
            // Percent.
            LimitSource::Usage(_) => (allowance.calls / 100).saturating_mul(self.cushion),
            LimitSource::Documented
            | LimitSource::Headers { .. }
            | LimitSource::RateLimit(_)
            | LimitSource::Body(_) => self.cushion,
        }
    }

    /// What the limit counts, for a request with or without a token.
    pub(crate) const fn scope(&self, token: Token) -> LimitScope {
        match token {
            Token::Present => self.scope,
            Token::Absent => self.scope_without_token,
        }
    }
}
