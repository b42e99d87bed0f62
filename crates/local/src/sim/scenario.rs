//! What the accounts do: how often they are polled and how much they post.

use std::num::NonZeroU32;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use serde::{Deserialize, Serialize};

/// A scenario. In JSON, members that are left out are those of `news`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Fastest cadence, in minutes.
    pub fastest: Cadence,
    /// Slowest cadence, in minutes.
    pub slowest: Cadence,
    /// Items of an account in a day, besides its bursts.
    pub items_per_day: u32,
    /// Items of a burst; accounts have between none and this many.
    pub burst_items: u32,
    /// Minutes between two bursts, about.
    pub burst_every_minutes: NonZeroU32,
    /// A time in which no tick comes and the third party does not answer.
    pub outage: Option<Outage>,
}

/// A time in which nothing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// The minute of the run in which it begins.
    pub from_minute: u32,
    /// How long it lasts, in minutes.
    pub minutes: u32,
}

/// Why a text is not a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is no JSON, or has other members.
    #[error("not a scenario: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The cadences are the wrong way round.
    #[error("`fastest` is slower than `slowest`: exchange them")]
    Range,
}

/// Minutes of a quarter of an hour: the cadence that figures are given for.
const QUARTER: u32 = 15;
/// Minutes of six hours.
const SIX_HOURS: NonZeroU32 = NonZeroU32::MIN.saturating_add(359);

impl Default for Scenario {
    fn default() -> Self {
        Self::news()
    }
}

impl Scenario {
    /// Every quarter of an hour, and nothing is posted.
    #[must_use]
    pub fn quiet() -> Self {
        Self { items_per_day: 0, ..Self::news() }
    }

    /// Every quarter of an hour, and one poll in twenty brings an item.
    #[must_use]
    pub fn news() -> Self {
        let quarter = Cadence::at_least(QUARTER);
        Self {
            fastest: quarter,
            slowest: quarter,
            items_per_day: 5,
            burst_items: 0,
            burst_every_minutes: SIX_HOURS,
            outage: None,
        }
    }

    /// Bursts of many pages, and cadences that follow them.
    #[must_use]
    pub fn torrent() -> Self {
        let (fastest, slowest) = (Cadence::at_least(5), Cadence::at_least(60));
        Self { fastest, slowest, items_per_day: 24, burst_items: 400, ..Self::news() }
    }

    /// News, and an hour in which nothing goes.
    #[must_use]
    pub fn outage() -> Self {
        Self { outage: Some(Outage { from_minute: 120, minutes: 60 }), ..Self::news() }
    }

    /// A scenario by its name; none when it has none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "quiet" => Some(Self::quiet()),
            "news" => Some(Self::news()),
            "torrent" => Some(Self::torrent()),
            "outage" => Some(Self::outage()),
            _ => None,
        }
    }

    /// A scenario from the JSON of a file.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn read(json: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = serde_json::from_str(json)?;
        scenario.range().map(|_| scenario).ok_or(ScenarioError::Range)
    }

    /// The cadences allowed; none when they are the wrong way round, which no scenario that was read is.
    #[must_use]
    pub fn range(&self) -> Option<CadenceRange> {
        CadenceRange::new(self.fastest, self.slowest).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_differs_from_news() {
        let read = Scenario::read(r#"{"fastest": 5, "slowest": 60, "items_per_day": 0}"#).unwrap();
        assert_eq!((read.fastest.minutes(), read.items_per_day, read.burst_items), (5, 0, 0));
        assert!(matches!(Scenario::read(r#"{"fastest": 60, "slowest": 5}"#), Err(ScenarioError::Range)));
        assert!(Scenario::read(r#"{"fastest": 7}"#).is_err(), "no divisor of a day");
        assert!(Scenario::read(r#"{"colour": "blue"}"#).is_err());
    }
}
