//! Cadences: how many minutes lie between two polls of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::EpochMinute;

/// Minutes between two polls of a job. Each divides the day, so a job's minutes are the same every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Cadence(u16);

/// A number that is not a cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a cadence: use one of 1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440 (minutes)"
)]
pub struct NotACadence(pub u16);

impl Cadence {
    /// Every cadence, fastest first.
    pub const ALL: [Self; 14] = [
        Self(1),
        Self(2),
        Self(3),
        Self(5),
        Self(10),
        Self(15),
        Self(20),
        Self(30),
        Self(60),
        Self(120),
        Self(240),
        Self(480),
        Self(720),
        Self(1440),
    ];
    /// Every minute.
    pub const FASTEST: Self = Self(1);
    /// Once a day.
    pub const SLOWEST: Self = Self(1440);

    /// A cadence of `minutes`.
    ///
    /// # Errors
    /// When it is not one of [`Cadence::ALL`].
    pub fn new(minutes: u16) -> Result<Self, NotACadence> {
        Self::ALL.into_iter().find(|cadence| cadence.0 == minutes).ok_or(NotACadence(minutes))
    }

    /// Minutes between two polls.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// The slowest cadence that is not slower than `minutes`; the fastest when there is none.
    #[must_use]
    pub fn at_most(minutes: u32) -> Self {
        Self::ALL.into_iter().rev().find(|cadence| u32::from(cadence.0) <= minutes).unwrap_or(Self::FASTEST)
    }

    /// The fastest cadence that is not faster than `minutes`; the slowest when there is none.
    #[must_use]
    pub fn at_least(minutes: u32) -> Self {
        Self::ALL.into_iter().find(|cadence| u32::from(cadence.0) >= minutes).unwrap_or(Self::SLOWEST)
    }

    /// The next slower cadence; itself when it is the slowest.
    #[must_use]
    pub fn slower(self) -> Self {
        Self::at_least(u32::from(self.0) + 1)
    }

    /// The next faster cadence; itself when it is the fastest.
    #[must_use]
    pub fn faster(self) -> Self {
        Self::at_most(u32::from(self.0).saturating_sub(1))
    }

    /// The minute within the cadence: a job of phase `p` is due in the minutes whose remainder is `p`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a remainder of a u16 fits a u16")]
    pub const fn phase_of(self, minute: EpochMinute) -> u16 {
        (minute.get() % self.0 as u32) as u16
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<u16> for Cadence {
    type Error = NotACadence;
    fn try_from(minutes: u16) -> Result<Self, NotACadence> {
        Self::new(minutes)
    }
}

impl From<Cadence> for u16 {
    fn from(cadence: Cadence) -> u16 {
        cadence.0
    }
}

/// The cadences that a service level allows, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct CadenceRange {
    fastest: Cadence,
    slowest: Cadence,
}

/// A range as it is written: not known to be the right way round.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    fastest: Cadence,
    slowest: Cadence,
}

impl From<CadenceRange> for Ends {
    fn from(range: CadenceRange) -> Self {
        Self { fastest: range.fastest, slowest: range.slowest }
    }
}

impl TryFrom<Ends> for CadenceRange {
    type Error = BackwardRange;
    fn try_from(ends: Ends) -> Result<Self, BackwardRange> {
        Self::new(ends.fastest, ends.slowest)
    }
}

/// A range whose fastest end is slower than its slowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the fastest cadence ({fastest} minutes) is slower than the slowest ({slowest} minutes): swap them")]
pub struct BackwardRange {
    /// The end named fastest.
    pub fastest: Cadence,
    /// The end named slowest.
    pub slowest: Cadence,
}

impl CadenceRange {
    /// From `fastest` to `slowest`.
    ///
    /// # Errors
    /// When they are the wrong way round.
    pub fn new(fastest: Cadence, slowest: Cadence) -> Result<Self, BackwardRange> {
        if fastest > slowest {
            Err(BackwardRange { fastest, slowest })
        } else {
            Ok(Self { fastest, slowest })
        }
    }

    /// The fastest cadence allowed.
    #[must_use]
    pub const fn fastest(self) -> Cadence {
        self.fastest
    }

    /// The slowest cadence allowed.
    #[must_use]
    pub const fn slowest(self) -> Cadence {
        self.slowest
    }

    /// The nearest cadence within the range.
    #[must_use]
    pub fn clamp(self, cadence: Cadence) -> Cadence {
        cadence.clamp(self.fastest, self.slowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cadence_divides_the_day() {
        for cadence in Cadence::ALL {
            assert_eq!(1440 % cadence.minutes(), 0);
            assert_eq!(Cadence::new(cadence.minutes()), Ok(cadence));
        }
        assert!(Cadence::ALL.is_sorted());
        for bad in [0, 4, 7, 1439, 2880] {
            assert_eq!(Cadence::new(bad), Err(NotACadence(bad)));
        }
    }

    #[test]
    fn steps_stop_at_the_ends() {
        assert_eq!(Cadence::FASTEST.faster(), Cadence::FASTEST);
        assert_eq!(Cadence::SLOWEST.slower(), Cadence::SLOWEST);
        assert_eq!(Cadence(5).faster(), Cadence(3));
        assert_eq!(Cadence(5).slower(), Cadence(10));
        assert_eq!(Cadence::at_most(0), Cadence::FASTEST);
        assert_eq!(Cadence::at_least(9999), Cadence::SLOWEST);
        assert_eq!(Cadence::at_most(14), Cadence(10));
        assert_eq!(Cadence::at_least(11), Cadence(15));
    }

    #[test]
    fn a_backward_range_is_refused() {
        assert!(CadenceRange::new(Cadence(60), Cadence(5)).is_err());
        let range = CadenceRange::new(Cadence(5), Cadence(60)).unwrap();
        assert_eq!(range.clamp(Cadence(1)), Cadence(5));
        assert_eq!(range.clamp(Cadence(1440)), Cadence(60));
    }
}
