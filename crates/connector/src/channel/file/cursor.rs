//! `cursor`.

use serde::Deserialize;

use super::{At, Text, TextOr};

/// How a poll knows what is new.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(in crate::channel) enum CursorFile {
    /// The greatest id is the newest.
    GreatestId(Order),
    /// The newest time, and the ids at it.
    Time(TimeFile),
    /// The ids that were seen.
    Seen(SeenFile),
    /// A token of the API's own.
    Token(TokenFile),
}

/// How ids are ordered: which of two is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Whole numbers of any length.
    Numeric,
    /// Byte by byte.
    Lexicographic,
}

/// The newest time, and the ids at it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct TimeFile {
    /// Ids so many seconds below the newest time are remembered too.
    pub(in crate::channel) overlap_seconds: Option<At<u32>>,
}

/// The ids that were seen.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct SeenFile {
    /// How many are remembered.
    pub(in crate::channel) keep: Option<At<u32>>,
}

/// A token of the API's own.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct TokenFile {
    /// jq, on the body, or `{header: NAME}`.
    pub(in crate::channel) from: At<TextOr<TokenHeaderFile>>,
}

/// A header with a token.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct TokenHeaderFile {
    /// Its name.
    pub(in crate::channel) header: Text,
}
