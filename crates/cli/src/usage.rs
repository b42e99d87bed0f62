//! What the process has used: CPU time and memory.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// What the process has used since it started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time, of all threads.
    pub(crate) cpu: Duration,
    /// Largest resident set, in bytes.
    pub(crate) max_rss_bytes: u64,
}

/// Asks the system. Zeros when it does not say.
pub(crate) fn usage() -> Usage {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Usage::default() };
    // Linux counts in KiB, Apple's systems in bytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    Usage {
        cpu: duration(usage.user_time()) + duration(usage.system_time()),
        max_rss_bytes: u64::try_from(usage.max_rss()).unwrap_or_default() * unit,
    }
}

fn duration(time: TimeVal) -> Duration {
    let (seconds, micros) = (u64::try_from(time.tv_sec()), u64::try_from(time.tv_usec()));
    Duration::from_secs(seconds.unwrap_or_default()) + Duration::from_micros(micros.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_something() {
        let usage = usage();
        assert!(usage.max_rss_bytes > 1_000_000, "{usage:?}");
        assert!(usage.max_rss_bytes < 1_000_000_000_000, "{usage:?}");
    }
}
