//! What a response says of the declared limits.

use http::{HeaderMap, HeaderName};
use pollwheel_core::outcome::LimitReading;

use super::{Reader, ratelimit, usage};
use crate::answer::Answer;
use crate::channel::{BodyQuota, Limit, LimitSource, Reset, WaitUnit};
use crate::wait::{ServerClock, number};

/// What is left of a limit, in the server's seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) remaining: u64,
    pub(super) reset_seconds: Option<u64>,
}

impl Reader<'_> {
    /// The declared limits that a response tells of, in seconds of the wheel.
    pub(crate) fn limits(&self, answer: &Answer<'_>) -> Vec<LimitReading> {
        let declared = self.job.limits.iter().chain(&self.channel.limits);
        let readings = declared.filter_map(|limit| {
            let left = self.left(limit, answer)?;
            Some(LimitReading {
                scope: self.scope(limit.scope(self.token), answer),
                remaining: left.remaining,
                cushion: self.cushion(limit),
                reset_seconds: left.reset_seconds.map(|seconds| self.scale.wheel_seconds(seconds)),
            })
        });
        readings.collect()
    }

    /// What is left unused. Where a request takes several units, fewer than that are none.
    fn cushion(&self, limit: &Limit) -> u64 {
        match limit.source {
            // Percent, not units.
            LimitSource::Usage(_) => limit.cushion,
            LimitSource::Documented
            | LimitSource::Headers { .. }
            | LimitSource::RateLimit(_)
            | LimitSource::Body(_) => {
                limit.cushion.saturating_add(u64::from(self.job.endpoint.cost.saturating_sub(1)))
            }
        }
    }

    fn left(&self, limit: &Limit, answer: &Answer<'_>) -> Option<Left> {
        let headers = &answer.response.headers;
        let clock = self.clock(answer);
        match &limit.source {
            LimitSource::Documented => None,
            LimitSource::Headers { remaining, reset } => {
                self::headers(headers, remaining, reset.as_ref(), clock)
            }
            LimitSource::RateLimit(policy) => ratelimit::left(headers, policy),
            LimitSource::Usage(rule) => usage::left(headers, rule),
            LimitSource::Body(quota) => self::quota(quota, answer, clock),
        }
    }
}

/// A header that comes several times means the least.
fn headers(
    headers: &HeaderMap,
    remaining: &HeaderName,
    reset: Option<&Reset>,
    clock: ServerClock<'_>,
) -> Option<Left> {
    let values = headers.get_all(remaining).iter();
    let remaining = values.filter_map(|value| number(value.to_str().ok()?)).min()?;
    let reset_seconds = reset.and_then(|reset| {
        let values = headers.get_all(&reset.name).iter();
        values.filter_map(|value| clock.reset(value.to_str().ok()?, reset.format)).max()
    });
    Some(Left { remaining, reset_seconds })
}

/// A body that is not JSON, or says nothing of the quota, is no reading.
fn quota(quota: &BodyQuota, answer: &Answer<'_>, clock: ServerClock<'_>) -> Option<Left> {
    let body = answer.body().ok()?;
    let remaining = number(&quota.remaining.scalar(body).ok()??)?;
    let reset_seconds = quota.reset.as_ref().and_then(|(filter, format)| {
        let text = filter.scalar(body).ok()??;
        clock.reset(&text, *format)
    });
    Some(Left { remaining, reset_seconds })
}

impl WaitUnit {
    /// So many of it, in seconds.
    pub(super) const fn seconds(self, count: u64) -> u64 {
        match self {
            Self::Seconds => count,
            Self::Minutes => count.saturating_mul(60),
        }
    }
}
