//! `service_levels`.

use serde::Deserialize;

use super::At;

/// The cadences of a plan.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct LevelFile {
    /// Minutes between two polls of a busy account.
    pub(in crate::channel) fastest: At<u16>,
    /// Minutes between two polls of a quiet account.
    pub(in crate::channel) slowest: At<u16>,
    /// Minutes: the longest pause that a server can ask for by a floor.
    pub(in crate::channel) max_staleness: Option<At<u32>>,
}
