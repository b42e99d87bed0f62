//! The windows of the modelled third party: what it enforces, and what was called past them.

use std::collections::{BTreeMap, VecDeque};

use pollwheel_core::hash::mix;
use pollwheel_core::time::Timestamp;

/// Accounts above which sliding windows of single accounts are not kept: a million of them would not fit.
const SLIDING_UP_TO: usize = 20_000;

/// A limit: so many calls in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) calls: u32,
    pub(super) window_seconds: u32,
}

/// What is called from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Caller {
    /// One account.
    Account(u32),
    /// The application.
    Application,
}

/// Calls past a window's limit: each is one violation, of whichever kind of window noticed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// Of fixed windows: aligned to the clock, or to some other instant of the third party's choosing.
    pub fixed: u64,
    /// Of sliding windows: any stretch of time of the window's length.
    pub sliding: u64,
    /// The first of them, in words.
    pub first: Option<String>,
}

impl Violations {
    fn tell(&mut self, window: &str, caller: Caller, Limit { calls, window_seconds }: Limit, now: Timestamp) {
        self.first.get_or_insert_with(|| {
            let caller = match caller {
                Caller::Account(number) => format!("account {number}"),
                Caller::Application => "the application".to_owned(),
            };
            format!(
                "{caller}: more than {calls} in a {window} window of {window_seconds} s that ends at {now}"
            )
        });
    }
}

/// Where a caller stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The call is served.
    Served {
        /// Calls left in the fixed window.
        remaining: u32,
        /// Seconds until it resets.
        reset_seconds: u64,
    },
    /// The call is refused.
    Refused {
        /// Seconds until the fixed window resets.
        reset_seconds: u64,
    },
}

/// The windows of every caller.
#[derive(Debug, Default)]
pub(super) struct Windows {
    seed: u64,
    accounts: Vec<(u32, u32)>,
    application: (u32, u32),
    sliding: BTreeMap<Caller, VecDeque<u64>>,
    violations: Violations,
}

impl Windows {
    pub(super) fn new(seed: u64, accounts: usize) -> Self {
        Self { seed, accounts: vec![(0, 0); accounts], ..Self::default() }
    }

    pub(super) fn violations(&self) -> Violations {
        self.violations.clone()
    }

    /// Counts a call, past the limit or not.
    pub(super) fn call(&mut self, caller: Caller, limit: Limit, now: Timestamp) -> Standing {
        let width = u64::from(limit.window_seconds.max(1)) * 1000;
        // Each caller's windows begin at an instant of their own.
        let phase = match caller {
            Caller::Account(number) => mix(self.seed, u64::from(number)) % width,
            Caller::Application => mix(self.seed, u64::MAX) % width,
        };
        let shifted = now.millis() + phase;
        let window = u32::try_from(shifted / width).unwrap_or(u32::MAX);
        let reset_seconds = (width - shifted % width).div_ceil(1000);
        let (known, count) = match caller {
            Caller::Account(number) => match self.accounts.get_mut(number as usize) {
                Some(entry) => (&mut entry.0, &mut entry.1),
                None => return Standing::Served { remaining: limit.calls, reset_seconds },
            },
            Caller::Application => (&mut self.application.0, &mut self.application.1),
        };
        if *known != window {
            (*known, *count) = (window, 0);
        }
        *count += 1;
        let count = *count;
        self.slide(caller, limit, now, width);
        if count > limit.calls {
            self.violations.fixed += 1;
            self.violations.tell("fixed", caller, limit, now);
            return Standing::Refused { reset_seconds };
        }
        Standing::Served { remaining: limit.calls - count, reset_seconds }
    }

    fn slide(&mut self, caller: Caller, limit: Limit, now: Timestamp, width: u64) {
        if matches!(caller, Caller::Account(_)) && self.accounts.len() > SLIDING_UP_TO {
            return;
        }
        let calls = self.sliding.entry(caller).or_default();
        calls.push_back(now.millis());
        while calls.front().is_some_and(|&first| first + width <= now.millis()) {
            calls.pop_front();
        }
        if calls.len() > limit.calls as usize {
            self.violations.sliding += 1;
            self.violations.tell("sliding", caller, limit, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_past_the_window_is_refused_and_counted() {
        let mut windows = Windows::new(1, 1);
        let limit = Limit { calls: 2, window_seconds: 60 };
        let at = |seconds: u64| Timestamp::from_millis(1_740_000_000_000 + seconds * 1000);
        for _ in 0..2 {
            assert!(matches!(windows.call(Caller::Application, limit, at(0)), Standing::Served { .. }));
        }
        assert!(matches!(windows.call(Caller::Application, limit, at(0)), Standing::Refused { .. }));
        assert!(matches!(windows.call(Caller::Application, limit, at(61)), Standing::Served { .. }));
        let violations = windows.violations();
        assert_eq!((violations.fixed, violations.sliding), (1, 1));
        let first = violations.first.unwrap();
        assert!(first.starts_with("the application: more than 2 in a sliding window of 60 s"), "{first}");
    }
}
