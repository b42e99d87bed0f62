//! Rate-limit windows: so many requests a window for each caller, enforced.
//!
//! Knows callers only as numbers (a hash of a token or of an address), and nothing of HTTP: a channel turns a
//! [`Standing`] into its own headers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// When a caller's window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At multiples of the window's length since 1970, for all callers together (Mastodon's rack-attack).
    Aligned,
    /// At the caller's first request (GitHub).
    FirstRequest,
}

/// Whether a request was within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// The window was already used up when the request came.
    Exhausted,
}

/// Where a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) verdict: Verdict,
    pub(crate) limit: u32,
    pub(crate) used: u32,
    /// The window's length.
    pub(crate) length_ms: u64,
    /// Milliseconds since 1970.
    pub(crate) resets_at_ms: u64,
}

impl Standing {
    pub(crate) fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    resets_at_ms: u64,
    used: u32,
}

/// The windows of all callers of one channel.
#[derive(Debug)]
pub(crate) struct Windows {
    limit: u32,
    length_ms: u64,
    start: Start,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    windows: HashMap<u64, Window>,
    /// Closed windows are swept when the map has grown to this size, so a sweep costs O(1) a request on average.
    sweep_at: usize,
}

const FIRST_SWEEP_AT: usize = 4_096;

impl Windows {
    pub(crate) fn new(limit: u32, length_ms: u64, start: Start) -> Self {
        let open = Mutex::new(Open { windows: HashMap::new(), sweep_at: FIRST_SWEEP_AT });
        Self { limit, length_ms: length_ms.max(1), start, open }
    }

    /// Counts one request of `caller`. A request that comes too late is not counted: a window is never overdrawn.
    pub(crate) fn take(&self, caller: u64, now_ms: u64) -> Standing {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = &mut *open;
        if open.windows.len() >= open.sweep_at {
            open.windows.retain(|_, window| window.resets_at_ms > now_ms);
            open.sweep_at = FIRST_SWEEP_AT.max(open.windows.len() * 2);
        }
        let fresh = Window { resets_at_ms: self.reset_after(now_ms), used: 0 };
        let window = open.windows.entry(caller).or_insert(fresh);
        if window.resets_at_ms <= now_ms {
            *window = fresh;
        }
        let verdict = if window.used < self.limit { Verdict::Allowed } else { Verdict::Exhausted };
        if verdict == Verdict::Allowed {
            window.used += 1;
        }
        let Window { used, resets_at_ms } = *window;
        Standing { verdict, limit: self.limit, used, length_ms: self.length_ms, resets_at_ms }
    }

    /// Gives back the request that led to `standing`, because its answer is free of charge.
    pub(crate) fn refund(&self, caller: u64, standing: Standing) -> Standing {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.windows.get_mut(&caller) {
            Some(window) if window.resets_at_ms == standing.resets_at_ms => {
                window.used = window.used.saturating_sub(1);
                Standing { used: window.used, ..standing }
            }
            Some(_) | None => standing,
        }
    }

    fn reset_after(&self, now_ms: u64) -> u64 {
        match self.start {
            Start::Aligned => now_ms - now_ms % self.length_ms + self.length_ms,
            Start::FirstRequest => now_ms + self.length_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_after_the_limit_is_exhausted_until_the_reset() {
        let windows = Windows::new(2, 1_000, Start::Aligned);
        assert_eq!(windows.take(1, 10_300).remaining(), 1);
        assert_eq!(windows.take(1, 10_400).remaining(), 0);
        let third = windows.take(1, 10_999);
        assert_eq!((third.verdict, third.used, third.resets_at_ms), (Verdict::Exhausted, 2, 11_000));
        assert_eq!(windows.take(2, 10_999).verdict, Verdict::Allowed, "callers do not share");
        assert_eq!(windows.take(1, 11_000).verdict, Verdict::Allowed, "a new window");
    }

    #[test]
    fn a_window_can_begin_with_the_first_request() {
        let windows = Windows::new(1, 1_000, Start::FirstRequest);
        assert_eq!(windows.take(1, 10_300).resets_at_ms, 11_300);
        assert_eq!(windows.take(1, 11_299).verdict, Verdict::Exhausted);
        assert_eq!(windows.take(1, 11_300).resets_at_ms, 12_300);
    }

    #[test]
    fn a_refund_is_for_its_own_window_only() {
        let windows = Windows::new(2, 1_000, Start::FirstRequest);
        let first = windows.take(1, 0);
        assert_eq!(windows.refund(1, first).remaining(), 2);
        let second = windows.take(1, 5_000);
        assert_eq!(windows.refund(1, first), first, "a closed window stays closed");
        assert_eq!(windows.take(1, 5_001).used, second.used + 1);
    }

    #[test]
    fn closed_windows_are_swept() {
        let windows = Windows::new(1, 10, Start::FirstRequest);
        for caller in 0..100_000 {
            windows.take(caller, caller);
        }
        assert!(windows.open.lock().unwrap().windows.len() <= FIRST_SWEEP_AT);
    }
}
