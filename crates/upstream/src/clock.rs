//! What time it is, in wall-clock milliseconds.
//!
//! The server reads the time here and nowhere else, so a test can hold it still. The clock knows nothing of the
//! timelines' own, possibly faster time: that is [`Timeline`](crate::timeline)'s affair.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The server's source of time. Clones share one time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// Real time, or tokio's virtual time in a paused runtime.
    Running {
        started: Instant,
        epoch_ms: u64,
    },
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Follows tokio's clock from the wall-clock time of this call on. Never steps back, whatever the system clock does.
    #[must_use]
    pub fn running() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Source::Running { started: Instant::now(), epoch_ms: whole_ms(since_epoch) })
    }

    /// Stands at `epoch_ms` (milliseconds since 1970) and moves only by [`Clock::advance`].
    #[must_use]
    pub fn manual(epoch_ms: u64) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(epoch_ms))))
    }

    /// Moves a manual clock forward. A running clock moves by itself, and ignores this.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::Manual(now_ms) => {
                now_ms.fetch_add(whole_ms(by), Ordering::SeqCst);
            }
            Source::Running { .. } => {}
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::Running { started, epoch_ms } => epoch_ms.saturating_add(whole_ms(started.elapsed())),
            Source::Manual(now_ms) => now_ms.load(Ordering::SeqCst),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::running()
    }
}

/// A duration in whole milliseconds; the sub-millisecond rest is dropped.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(1_000);
        let clone = clock.clone();
        assert_eq!(clock.now_ms(), 1_000);
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clone.now_ms(), 2_500);
    }
}
