//! `limits`.

use serde::Deserialize;

use super::{At, Text};

/// A rate limit, and where responses tell of it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct LimitFile {
    /// What the limit counts.
    pub(in crate::channel) scope: LimitScope,
    /// The same, for a request without a token.
    pub(in crate::channel) scope_without_token: Option<LimitScope>,
    /// Calls that are left unused.
    #[serde(default)]
    pub(in crate::channel) cushion: u64,
    /// The documented number of calls in a window.
    pub(in crate::channel) calls: Option<At<u64>>,
    /// The same, for requests without a token.
    pub(in crate::channel) calls_without_token: Option<At<u64>>,
    /// The documented length of a window.
    pub(in crate::channel) window_seconds: Option<At<u64>>,
    /// Headers with what is left, and until when.
    pub(in crate::channel) headers: Option<LimitHeadersFile>,
    /// The policy of this name in the IETF `RateLimit` fields; `any` for the tightest.
    pub(in crate::channel) ratelimit: Option<Text>,
    /// A header with a JSON object of percentages.
    pub(in crate::channel) usage: Option<UsageFile>,
    /// What is left stands in the body.
    pub(in crate::channel) body: Option<BodyQuotaFile>,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitScope {
    /// The requests of one account.
    Account,
    /// The requests of the whole deployment to this channel.
    Application,
    /// The requests with one of the application's tokens.
    Token,
    /// The requests to one host.
    Host,
    /// The requests of this job type, of all accounts.
    Endpoint,
}

/// Headers with what is left, and until when.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct LimitHeadersFile {
    /// The header with the calls left.
    pub(in crate::channel) remaining: Text,
    /// The header with the end of the window.
    pub(in crate::channel) reset: Option<ResetFile>,
}

/// The header with the end of the window.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct ResetFile {
    /// Its name.
    pub(in crate::channel) name: Text,
    /// How it is written.
    pub(in crate::channel) format: ResetFormat,
}

/// How a limit's reset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetFormat {
    /// `2026-11-23T07:45:00Z`.
    Iso8601,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Seconds from now.
    DeltaSeconds,
}

/// A header with a JSON object of percentages, flat or one level below ids.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct UsageFile {
    /// The header.
    pub(in crate::channel) header: Text,
    /// Its members that are percentages. The greatest counts.
    pub(in crate::channel) percents: Vec<Text>,
    /// Its member that says how long to wait.
    pub(in crate::channel) wait: Option<Text>,
    /// What that member counts.
    pub(in crate::channel) wait_unit: Option<At<super::WaitUnit>>,
}

/// What is left stands in the body.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct BodyQuotaFile {
    /// jq, on the body: the calls left.
    pub(in crate::channel) remaining: Text,
    /// jq, on the body: the end of the window.
    pub(in crate::channel) reset: Option<Text>,
    /// How the end is written.
    pub(in crate::channel) format: Option<At<ResetFormat>>,
}
