//! `items`.

use serde::Deserialize;

use super::{At, Text, TextOr};
use crate::format::Format;

/// Where items are in a response, and what becomes of them.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct ItemsFile {
    /// What a response is written in.
    #[serde(default)]
    pub(in crate::channel) format: Format,
    /// jq, on the response: the list. For feeds it is `.entries` unless it says otherwise.
    pub(in crate::channel) list: Option<Text>,
    /// jq, on an element: false or null drops it.
    pub(in crate::channel) keep: Option<Text>,
    /// jq, on an element: a string or number. Every element must have one.
    pub(in crate::channel) id: Text,
    /// jq, on an element: a time. Null is no time.
    pub(in crate::channel) time: Option<Text>,
    /// The events' type.
    #[serde(rename = "type")]
    pub(in crate::channel) kind: At<KindFile>,
    /// jq, on an element: what the event is about, if that is not the item's id.
    pub(in crate::channel) subject: Option<Text>,
    /// jq, on an element: the events' data.
    pub(in crate::channel) data: Text,
    /// Counted up, the same item gets a new event id: consumers see it anew.
    #[serde(default = "one")]
    pub(in crate::channel) dedupe_version: u32,
}

const fn one() -> u32 {
    1
}

/// The events' type, or where it is.
pub(in crate::channel) type KindFile = TextOr<KindFields>;

/// The events' type as a function of the element.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct KindFields {
    /// jq, on an element: the type.
    pub(in crate::channel) jq: Text,
}
