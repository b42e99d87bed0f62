//! `pages`.

use serde::Deserialize;

use super::{At, Text};

/// How pages follow.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct PagesFile {
    /// What leads to the next page.
    pub(in crate::channel) follow: At<FollowFile>,
    /// jq, on the body: false or null ends.
    pub(in crate::channel) more: Option<Text>,
    /// A page with fewer elements is the last.
    pub(in crate::channel) size: Option<At<u32>>,
    /// Pages in one poll.
    pub(in crate::channel) limit: Option<At<u32>>,
}

/// What leads to the next page.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(in crate::channel) enum FollowFile {
    /// `Link: <...>; rel="next"`, within the same origin.
    LinkHeader,
    /// The parameter that asks for what is older than an id.
    MaxId(Text),
    /// A cursor in the body.
    Cursor(PageCursorFile),
    /// jq, on the body: a URL within the same origin.
    Url(Text),
    /// The parameter with the number of a page.
    Page(PageNumberFile),
    /// The parameter with the number of elements before a page.
    Offset(OffsetFile),
    /// The cursor's own token.
    Token,
}

/// A cursor in the body.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct PageCursorFile {
    /// jq, on the body: the cursor. Null or an empty string ends.
    pub(in crate::channel) from: Text,
    /// The query parameter for it. Left out when a template says `{{ page }}`.
    pub(in crate::channel) parameter: Option<Text>,
}

/// The parameter with the number of a page.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct PageNumberFile {
    /// Its name.
    pub(in crate::channel) parameter: Text,
    /// The number of the first page.
    #[serde(default = "one")]
    pub(in crate::channel) first: u32,
}

const fn one() -> u32 {
    1
}

/// The parameter with the number of elements before a page.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct OffsetFile {
    /// Its name.
    pub(in crate::channel) parameter: Text,
}
