//! Faults on purpose: which kinds there are, how often each comes, and which one a request gets.
//!
//! What a fault does to the connection is [`crate::reply`]'s and [`crate::server`]'s affair.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::draw::{self, Chance, Draws};

/// A way to fail a request that would otherwise have been answered properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A 500 with the API's usual error page.
    #[serde(rename = "error_500")]
    Error500,
    /// The request is read, and never answered; the connection closes after [`Config::timeout`](crate::Config).
    Timeout,
    /// The connection is reset (TCP RST) before an answer.
    Reset,
    /// A right answer, one byte at a time, one each [`Config::slow_byte`](crate::Config).
    SlowBody,
    /// A 200 whose body is cut JSON, or an HTML page.
    Malformed,
}

impl Fault {
    /// Every fault, in the order in which reports list them.
    pub const ALL: [Self; 5] = [Self::Error500, Self::Timeout, Self::Reset, Self::SlowBody, Self::Malformed];

    /// The name used on the command line and in the statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error500 => "error_500",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::SlowBody => "slow_body",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| UnknownFault(name.to_owned()))
    }
}

/// A name that is not a fault's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no fault `{0}`: use `error_500`, `timeout`, `reset`, `slow_body` or `malformed`")]
pub struct UnknownFault(String);

/// One value for each fault: a probability, or a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerFault<T> {
    /// For [`Fault::Error500`].
    pub error_500: T,
    /// For [`Fault::Timeout`].
    pub timeout: T,
    /// For [`Fault::Reset`].
    pub reset: T,
    /// For [`Fault::SlowBody`].
    pub slow_body: T,
    /// For [`Fault::Malformed`].
    pub malformed: T,
}

impl<T> PerFault<T> {
    /// The value of one fault.
    pub fn get(&self, fault: Fault) -> &T {
        match fault {
            Fault::Error500 => &self.error_500,
            Fault::Timeout => &self.timeout,
            Fault::Reset => &self.reset,
            Fault::SlowBody => &self.slow_body,
            Fault::Malformed => &self.malformed,
        }
    }

    /// The value of one fault, to change it.
    pub fn get_mut(&mut self, fault: Fault) -> &mut T {
        match fault {
            Fault::Error500 => &mut self.error_500,
            Fault::Timeout => &mut self.timeout,
            Fault::Reset => &mut self.reset,
            Fault::SlowBody => &mut self.slow_body,
            Fault::Malformed => &mut self.malformed,
        }
    }
}

/// Deals out faults: one draw a request, in the order of arrival, so one client's run repeats exactly.
#[derive(Debug)]
pub(crate) struct Faults {
    key: u64,
    chances: PerFault<Chance>,
    dealt: AtomicU64,
}

impl Faults {
    pub(crate) fn new(seed: u64, rates: &PerFault<f64>) -> Self {
        let mut chances = PerFault::default();
        for fault in Fault::ALL {
            *chances.get_mut(fault) = Chance::of(*rates.get(fault));
        }
        Self { key: draw::key(seed, "faults"), chances, dealt: AtomicU64::new(0) }
    }

    /// The fault of the next request and the draws for its details, or `None` for a proper answer.
    pub(crate) fn next(&self) -> Option<(Fault, Draws)> {
        let mut draws = Draws::new(self.key, self.dealt.fetch_add(1, Ordering::Relaxed));
        let mut left = draw::part(&mut draws);
        for fault in Fault::ALL {
            let parts = self.chances.get(fault).parts();
            if left < parts {
                return Some((fault, draws));
            }
            left -= parts;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_at_their_rates_and_repeat_with_the_seed() {
        let rates = PerFault { error_500: 0.1, reset: 0.2, ..PerFault::default() };
        let run = |seed| {
            let faults = Faults::new(seed, &rates);
            (0..10_000).map(|_| faults.next().map(|(fault, _)| fault)).collect::<Vec<_>>()
        };
        let dealt = run(1);
        let count = |fault| dealt.iter().filter(|f| **f == fault).count();
        assert!((900..1_100).contains(&count(Some(Fault::Error500))));
        assert!((1_850..2_150).contains(&count(Some(Fault::Reset))));
        assert_eq!(
            count(Some(Fault::Timeout)) + count(Some(Fault::SlowBody)) + count(Some(Fault::Malformed)),
            0
        );
        assert_eq!(dealt, run(1));
        assert_ne!(dealt, run(2));
    }

    #[test]
    fn names_round_trip_and_match_the_serialised_form() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>().unwrap(), fault);
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
        }
    }
}
