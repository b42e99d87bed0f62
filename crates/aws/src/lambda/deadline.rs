//! How much time an invocation has.

use std::time::Duration;

use pollwheel_core::time::Timestamp;
use tokio::time::Instant;

/// The end of an invocation, on a clock that nobody sets: Lambda tells it by the wall clock, once.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// From what Lambda says (`Lambda-Runtime-Deadline-Ms`, milliseconds since the Unix epoch) and what time it is.
    #[must_use]
    pub fn new(epoch_millis: u64, now: Timestamp) -> Self {
        Self(Instant::now() + Timestamp::from_millis(epoch_millis).since(now).min(LONGEST))
    }

    /// The time that is left.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The same deadline, earlier: what is left after it is for finishing.
    #[must_use]
    pub fn earlier_by(self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or(self.0))
    }

    /// Completes when the deadline has come.
    pub async fn passed(self) {
        tokio::time::sleep_until(self.0).await;
    }

    /// The deadline on the clock that says it is `now`.
    #[must_use]
    pub fn on_clock(self, now: Timestamp) -> Timestamp {
        now.plus(self.left())
    }
}

/// No invocation lasts longer. <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
const LONGEST: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r13_a_deadline_counts_down_and_ends_at_nothing() {
        let now = Timestamp::from_millis(1_000_000);
        let deadline = Deadline::new(1_010_000, now);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(deadline.left(), Duration::from_secs(6));
        assert_eq!(deadline.earlier_by(Duration::from_secs(2)).left(), Duration::from_secs(4));
        assert_eq!(deadline.earlier_by(Duration::from_secs(60)).left(), Duration::ZERO);
        assert_eq!(deadline.on_clock(now), Timestamp::from_millis(1_006_000));
        deadline.passed().await;
        assert_eq!(deadline.left(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_deadline_is_capped() {
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(Deadline::new(u64::MAX, now).left(), LONGEST);
        assert_eq!(Deadline::new(0, now).left(), Duration::ZERO);
    }
}
