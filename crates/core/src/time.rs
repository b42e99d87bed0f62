//! Instants and minutes. Nothing here reads a clock: `now` is always an argument.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Minutes in a day, and slots in the wheel.
pub const MINUTES_PER_DAY: u16 = 1440;
/// Milliseconds in a minute.
pub const MILLIS_PER_MINUTE: u64 = 60_000;

/// An instant: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The minute that the instant falls in; the last representable minute when it lies beyond.
    #[must_use]
    pub fn minute(self) -> EpochMinute {
        EpochMinute(u32::try_from(self.0 / MILLIS_PER_MINUTE).unwrap_or(u32::MAX))
    }

    /// Later by `wait`, saturating.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time since `earlier`; zero when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339, with milliseconds: `2026-11-23T07:45:00.000Z`. Instants past the year 9999 show as its end.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let timestamp = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        format!("{timestamp:.3}")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A minute: whole minutes since the Unix epoch. Minute 0 of a day is a multiple of 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochMinute(u32);

impl EpochMinute {
    /// The last representable minute, in the year 10136.
    pub const MAX: Self = Self(u32::MAX);

    /// From whole minutes since the Unix epoch.
    #[must_use]
    pub const fn new(minutes: u32) -> Self {
        Self(minutes)
    }

    /// Whole minutes since the Unix epoch.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The instant at which the minute begins.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(u64::from(self.0) * MILLIS_PER_MINUTE)
    }

    /// The first minute that begins at or after `instant`.
    #[must_use]
    pub fn at_or_after(instant: Timestamp) -> Self {
        Self(u32::try_from(instant.0.div_ceil(MILLIS_PER_MINUTE)).unwrap_or(u32::MAX))
    }

    /// The slot of the wheel: 0 to 1439.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 1440 fits")]
    pub const fn of_day(self) -> u16 {
        (self.0 % MINUTES_PER_DAY as u32) as u16
    }

    /// Later by `minutes`, saturating.
    #[must_use]
    pub const fn plus(self, minutes: u32) -> Self {
        Self(self.0.saturating_add(minutes))
    }

    /// Earlier by `minutes`, saturating.
    #[must_use]
    pub const fn minus(self, minutes: u32) -> Self {
        Self(self.0.saturating_sub(minutes))
    }

    /// Minutes since `earlier`; zero when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for EpochMinute {
    /// `2026-11-23T07:45Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.start().to_rfc3339();
        write!(f, "{}Z", text.get(..16).unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_truncates_its_instant() {
        let minute = EpochMinute::new(29_000_000);
        assert_eq!(minute.start().plus(Duration::from_millis(59_999)).minute(), minute);
        assert_eq!(EpochMinute::at_or_after(minute.start()), minute);
        assert_eq!(EpochMinute::at_or_after(minute.start().plus(Duration::from_millis(1))), minute.plus(1));
    }

    #[test]
    fn the_ends_of_time_saturate() {
        assert_eq!(Timestamp::from_millis(u64::MAX).minute(), EpochMinute::MAX);
        assert_eq!(EpochMinute::MAX.plus(1), EpochMinute::MAX);
        assert_eq!(Timestamp::from_millis(u64::MAX).to_rfc3339(), "9999-12-30T22:00:00.999Z");
        assert_eq!(EpochMinute::new(0).minus(1), EpochMinute::new(0));
    }

    #[test]
    fn minutes_read_as_dates() {
        assert_eq!(EpochMinute::new(29_827_185).to_string(), "2026-09-17T07:45Z");
    }
}
