//! The channel file as it is written: its fields, their YAML types and where each value stands.
//!
//! This module knows the spelling and nothing else; [`super::compile`] checks what the values mean. Every struct refuses
//! unknown fields. A field may become a map where it is a word today; a word stays valid when that happens.

mod at;
mod auth;
mod cursor;
mod errors;
mod items;
mod job;
mod levels;
mod limits;
mod pages;
mod request;
#[cfg(test)]
pub(super) mod schema;
mod text_or_map;
mod tree;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(super) use self::at::{At, Text};
pub(super) use self::auth::{AuthFields, AuthFile, OAuth2File, SendFile};
pub(crate) use self::auth::{ClientAuth, Grant, Need, Origin};
pub(crate) use self::cursor::Order;
pub(super) use self::cursor::{CursorFile, TokenFile};
pub(super) use self::errors::{ErrorRuleFile, WaitFile};
pub(crate) use self::errors::{RuleOutcome, WaitUnit};
pub(super) use self::items::ItemsFile;
pub(crate) use self::job::FirstPoll;
pub(super) use self::job::{FloorFile, JobTypeFile};
pub(super) use self::levels::LevelFile;
pub(super) use self::limits::{BodyQuotaFile, LimitFile, LimitHeadersFile, UsageFile};
pub(crate) use self::limits::{LimitScope, ResetFormat};
pub(super) use self::pages::{FollowFile, PagesFile};
pub(super) use self::request::{BodyFile, GraphqlFile, MethodFile, RequestFile};
pub(super) use self::text_or_map::TextOr;
pub(super) use self::tree::Tree;

/// `channel.yml`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelFile {
    /// The name: lower-case letters, digits, `_` and `-`. The same as the folder's.
    pub(super) channel: Text,
    /// What it is, in a sentence.
    pub(super) about: Text,
    /// Where the API is documented.
    pub(super) docs: Option<Text>,
    /// `https://host/prefix`. Left out when `base_url_per_account` is `required`, and when a job type's URL is its account's.
    pub(super) base_url: Option<Text>,
    /// Whether an account may bring a base URL of its own.
    #[serde(default)]
    pub(super) base_url_per_account: PerAccount,
    /// How requests authenticate.
    #[cfg_attr(test, schemars(with = "schema::NoneOr<AuthFields>"))]
    pub(super) auth: At<AuthFile>,
    /// Sent with every request. Values are templates.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "schema::Scalars"))]
    pub(super) headers: BTreeMap<String, Text>,
    /// Requests under way at once to one host, in one process.
    pub(super) max_concurrent_per_host: Option<At<u32>>,
    /// The rate limits of all job types.
    #[serde(default)]
    pub(super) limits: Vec<At<LimitFile>>,
    /// What some responses really mean. The first that matches decides, a job type's own before these.
    #[serde(default)]
    pub(super) errors: Vec<At<ErrorRuleFile>>,
    /// From the name of a plan to its cadences.
    pub(super) service_levels: At<BTreeMap<String, At<LevelFile>>>,
    /// From the name of a job type to its endpoint.
    pub(super) job_types: At<BTreeMap<String, At<JobTypeFile>>>,
}

/// Whether an account may bring a base URL of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum PerAccount {
    /// It is an error.
    #[default]
    Refused,
    /// It takes the place of the channel's.
    Allowed,
    /// Every account has one.
    Required,
}
