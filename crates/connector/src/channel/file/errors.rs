//! `errors`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::{At, LimitScope, Text};

/// What some responses really mean.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct ErrorRuleFile {
    /// The statuses: `403`, `[400, 403]`, `4xx`, or `200` together with a predicate on the body.
    pub(in crate::channel) status: At<StatusFile>,
    /// A header that must be there.
    pub(in crate::channel) header: Option<Text>,
    /// A text that the body must contain.
    pub(in crate::channel) body_contains: Option<Text>,
    /// jq, on the body, that must give `true`.
    pub(in crate::channel) body: Option<Text>,
    /// What the response comes to.
    pub(in crate::channel) outcome: At<RuleOutcome>,
    /// What was limited. `rate_limited` only.
    pub(in crate::channel) scope: Option<At<LimitScope>>,
    /// How long to wait. `rate_limited` and `server_error` only.
    pub(in crate::channel) wait: Option<At<WaitFile>>,
}

/// What an error rule calls a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleOutcome {
    /// A limit is spent.
    RateLimited,
    /// The token is not good, or no longer.
    Unauthorized,
    /// What is polled is not there.
    Gone,
    /// The server has a fault.
    ServerError,
    /// Not what the channel declares.
    BadResponse,
    /// Nothing new.
    Unchanged,
}

/// A wait in the body.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct WaitFile {
    /// jq, on the body: a number.
    pub(in crate::channel) body: Text,
    /// What it counts.
    #[serde(default)]
    pub(in crate::channel) unit: WaitUnit,
}

/// What a wait counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Minutes.
    Minutes,
}

/// One status or class, or a list of them, as they are written.
#[derive(Debug, Clone)]
pub(in crate::channel) struct StatusFile(pub(in crate::channel) Vec<String>);

impl<'de> Deserialize<'de> for StatusFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Statuses)
    }
}

struct Statuses;

impl<'de> Visitor<'de> for Statuses {
    type Value = StatusFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status like `403`, a class like `4xx`, or a list of them")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<StatusFile, E> {
        Ok(StatusFile(vec![number.to_string()]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<StatusFile, E> {
        Ok(StatusFile(vec![number.to_string()]))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusFile, E> {
        Ok(StatusFile(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<StatusFile, A::Error> {
        let mut all = Vec::new();
        while let Some(StatusFile(some)) = list.next_element()? {
            all.extend(some);
        }
        Ok(StatusFile(all))
    }
}
