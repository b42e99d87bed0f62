//! What a channel declares, for whoever shows or measures it: no rule is applied here.

use serde::Serialize;

use super::{Auth, Channel, JobType, Limit, LimitScope, LimitSource, PolicyName, ResetFormat, WaitUnit};

/// How a job type asks, and what it heeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Whether it asks by `GET`.
    pub is_get: bool,
    /// Whether requests carry, or may carry, something that a server could refuse.
    pub is_authenticated: bool,
    /// Whether validators are sent back.
    pub is_conditional: bool,
    /// Most pages in one poll.
    pub max_pages: u32,
    /// Requests under way at once to one host, in one process.
    pub max_concurrent_per_host: u16,
    /// The limits that hold for it, its own first.
    pub limits: Vec<LimitDescription>,
}

/// A rate limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitDescription {
    /// What it counts, for a request with a token.
    pub scope: &'static str,
    /// Units that are left unused; percent where the source counts in percent.
    pub cushion: u64,
    /// Where a response tells of it.
    pub told: Told,
}

/// Where a response tells of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Nowhere: it is known from the documentation.
    Nowhere,
    /// In headers: that of what is left, and that of the reset with its format.
    Headers {
        /// What is left.
        remaining: String,
        /// The end of the window, and how it is written.
        reset: Option<(String, &'static str)>,
    },
    /// In the `RateLimit` fields, under this policy; none for the tightest.
    RateLimit(Option<String>),
    /// In a header of percentages.
    Usage {
        /// The header.
        header: String,
        /// The members that count.
        percents: Vec<String>,
        /// The member with the wait, and its unit.
        wait: Option<(String, &'static str)>,
    },
    /// In the body.
    Body,
}

impl Channel {
    /// What it declares for one of its job types.
    #[must_use]
    pub fn describe(&self, job_type: &JobType) -> Description {
        let limits = job_type.limits.iter().chain(&self.limits);
        Description {
            is_get: job_type.endpoint.is_get(),
            is_authenticated: matches!(self.auth, Auth::By(_)),
            is_conditional: job_type.conditional,
            max_pages: job_type.pages.as_ref().map_or(1, |pages| pages.limit),
            max_concurrent_per_host: self.max_concurrent_per_host,
            limits: limits.map(limit).collect(),
        }
    }
}

fn limit(limit: &Limit) -> LimitDescription {
    let scope = match limit.scope(super::Token::Present) {
        LimitScope::Account => "account",
        LimitScope::Application => "application",
        LimitScope::Token => "token",
        LimitScope::Host => "host",
        LimitScope::Endpoint => "endpoint",
    };
    LimitDescription { scope, cushion: limit.cushion, told: told(&limit.source) }
}

fn told(source: &LimitSource) -> Told {
    match source {
        LimitSource::Documented => Told::Nowhere,
        LimitSource::Headers { remaining, reset } => Told::Headers {
            remaining: remaining.to_string(),
            reset: reset.as_ref().map(|reset| (reset.name.to_string(), format(reset.format))),
        },
        LimitSource::RateLimit(PolicyName::Any) => Told::RateLimit(None),
        LimitSource::RateLimit(PolicyName::Named(name)) => Told::RateLimit(Some(name.clone())),
        LimitSource::Usage(usage) => Told::Usage {
            header: usage.header.to_string(),
            percents: usage.percents.clone(),
            wait: usage.wait.as_ref().map(|(member, unit)| (member.clone(), self::unit(*unit))),
        },
        LimitSource::Body(_) => Told::Body,
    }
}

const fn format(format: ResetFormat) -> &'static str {
    match format {
        ResetFormat::DeltaSeconds => "delta_seconds",
        ResetFormat::EpochSeconds => "epoch_seconds",
        ResetFormat::EpochMillis => "epoch_millis",
        ResetFormat::Iso8601 => "iso8601",
    }
}

const fn unit(unit: WaitUnit) -> &'static str {
    match unit {
        WaitUnit::Seconds => "seconds",
        WaitUnit::Minutes => "minutes",
    }
}
