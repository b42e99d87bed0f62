//! A job type.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    At, CursorFile, ErrorRuleFile, ItemsFile, LevelFile, LimitFile, Need, PagesFile, RequestFile, Text,
    TextOr,
};

/// One endpoint, and what becomes of its responses.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct JobTypeFile {
    /// Whether an account must have a token, where it differs from the channel's.
    pub(in crate::channel) auth: Option<At<Need>>,
    /// Scopes of the token that the endpoint needs.
    #[serde(default)]
    pub(in crate::channel) oauth_scopes: Vec<Text>,
    /// What is asked.
    pub(in crate::channel) request: RequestFile,
    /// Whether `ETag` and `Last-Modified` are sent back.
    pub(in crate::channel) conditional: Option<At<bool>>,
    /// Where items are in a response.
    pub(in crate::channel) items: ItemsFile,
    /// How a poll knows what is new.
    pub(in crate::channel) cursor: At<CursorFile>,
    /// How pages follow.
    pub(in crate::channel) pages: Option<PagesFile>,
    /// What the first poll does.
    pub(in crate::channel) first_poll: Option<At<FirstPoll>>,
    /// What asks for a pause between two polls.
    #[serde(default)]
    pub(in crate::channel) floor: Vec<At<FloorFile>>,
    /// Rate limits beside the channel's.
    #[serde(default)]
    pub(in crate::channel) limits: Vec<At<LimitFile>>,
    /// What some responses really mean, looked at before the channel's.
    #[serde(default)]
    pub(in crate::channel) errors: Vec<At<ErrorRuleFile>>,
    /// Cadences that take the place of the channel's.
    #[serde(default)]
    pub(in crate::channel) service_levels: BTreeMap<String, At<LevelFile>>,
}

/// What the first poll of a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstPoll {
    /// Learns where the timeline stands and publishes nothing.
    #[default]
    Seed,
    /// Publishes the newest of the first page.
    Publish(u32),
}

/// A header's name, `feed_ttl`, or a place in the body.
pub(in crate::channel) type FloorFile = TextOr<FloorFields>;

/// A pause that the body asks for.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct FloorFields {
    /// jq, on the body: seconds.
    pub(in crate::channel) body: Text,
}
