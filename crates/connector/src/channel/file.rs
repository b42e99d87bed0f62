//! The channel file as it is written: its fields, their YAML types and where each value stands.
//!
//! This module knows the spelling and nothing else; [`super::compile`] checks what the values mean. A field may become a
//! map where it is a word today; a word stays valid when that happens.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

type Text = Spanned<String>;

/// `channel.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelFile {
    pub(super) channel: Text,
    pub(super) about: Text,
    pub(super) docs: Option<Text>,
    pub(super) base_url: Option<Text>,
    #[serde(default)]
    pub(super) base_url_per_account: PerAccount,
    pub(super) auth: Auth,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) limits: Vec<Spanned<LimitFile>>,
    #[serde(default)]
    pub(super) errors: Vec<Spanned<ErrorRuleFile>>,
    pub(super) service_levels: Spanned<BTreeMap<String, Spanned<LevelFile>>>,
    pub(super) job_types: Spanned<BTreeMap<String, Spanned<JobTypeFile>>>,
}

/// Whether an account may bring a base URL of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PerAccount {
    #[default]
    Refused,
    Allowed,
    Required,
}

/// How requests authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    None,
    Bearer(Need),
}

/// Whether an account must have a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Need {
    Optional,
    Required,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitFile {
    pub(super) scope: ScopeFile,
    pub(super) scope_without_token: Option<ScopeFile>,
    pub(super) headers: LimitHeadersFile,
    #[serde(default)]
    pub(super) cushion: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScopeFile {
    Account,
    Application,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitHeadersFile {
    pub(super) remaining: Text,
    pub(super) reset: ResetFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetFile {
    pub(super) name: Text,
    pub(super) format: ResetFormat,
}

/// How a limit's reset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetFormat {
    Iso8601,
    EpochSeconds,
    EpochMillis,
    DeltaSeconds,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorRuleFile {
    pub(super) status: Spanned<u16>,
    pub(super) header: Option<Text>,
    pub(super) body_contains: Option<Text>,
    pub(super) outcome: RuleOutcome,
}

/// What an error rule calls a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleOutcome {
    RateLimited,
    Unauthorized,
    Gone,
    ServerError,
    BadResponse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelFile {
    pub(super) fastest: Spanned<u16>,
    pub(super) slowest: Spanned<u16>,
    pub(super) max_staleness: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobTypeFile {
    pub(super) request: RequestFile,
    #[serde(default = "yes")]
    pub(super) conditional: bool,
    pub(super) items: ItemsFile,
    pub(super) cursor: CursorFile,
    pub(super) pages: Option<PagesFile>,
    pub(super) first_poll: Option<Spanned<FirstPoll>>,
    #[serde(default)]
    pub(super) floor: Vec<Text>,
    #[serde(default)]
    pub(super) service_levels: BTreeMap<String, Spanned<LevelFile>>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestFile {
    pub(super) path: Text,
    #[serde(default)]
    pub(super) query: BTreeMap<String, Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemsFile {
    pub(super) list: Text,
    pub(super) id: Text,
    pub(super) time: Option<Text>,
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) data: Text,
    #[serde(default = "one")]
    pub(super) dedupe_version: u32,
}

const fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CursorFile {
    pub(super) order: Order,
}

/// How ids are ordered: which of two is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    Numeric,
    Lexicographic,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagesFile {
    pub(super) follow: FollowFile,
    pub(super) size: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) limit: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FollowFile {
    LinkHeader,
    MaxId(Text),
}

/// What the first poll of a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstPoll {
    #[default]
    Seed,
    Publish(u32),
}
