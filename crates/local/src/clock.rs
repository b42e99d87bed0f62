//! The time of the wheel: the wall clock, or a wheel that turns faster, or one that stands on tokio's paused time.
//!
//! Everything that is counted in minutes or spread over one follows it: ticks, delays, visibility, holds. What belongs
//! to the outside (HTTP time-outs, a server's `Retry-After`) stays in real seconds; the connector converts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pollwheel_core::ports::Clock;
use pollwheel_core::time::{EpochMinute, MILLIS_PER_MINUTE, Timestamp};
use tokio::time::Instant;

/// Longest sleep before the wall clock is asked again: it may be set, and a laptop may wake from its sleep.
const WALL_CHECK: Duration = Duration::from_secs(5);

/// The time of the wheel.
#[derive(Debug, Clone, Copy)]
pub struct WheelClock {
    source: Source,
    /// Seconds of the wheel in a real second.
    scale: f64,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Wall { ahead: Duration, at: Timestamp, since: Instant },
    Running { origin: Timestamp, since: Instant },
}

impl WheelClock {
    /// The wall clock, ahead of it by `ahead` (for a state folder whose cursors an accelerated run has moved on).
    ///
    /// When the wall clock is set back, the wheel goes on at its pace and stays ahead; set forward, it follows.
    #[must_use]
    pub fn wall(ahead: Duration) -> Self {
        let (at, since) = (Self::wall_now().plus(ahead), Instant::now());
        Self { source: Source::Wall { ahead, at, since }, scale: 1.0 }
    }

    /// A clock that stands at `origin` now and turns a minute of the wheel in `tick`. Under paused tokio time it is
    /// virtual.
    #[must_use]
    pub fn running(origin: Timestamp, tick: Duration) -> Self {
        let scale = 60.0 / tick.as_secs_f64().max(0.000_001);
        Self { source: Source::Running { origin, since: Instant::now() }, scale }
    }

    /// Seconds of the wheel in a real second.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// Whether a second of the wheel is a real one: nothing to convert, which a simulation would do all the time.
    fn keeps_real_time(&self) -> bool {
        (self.scale - 1.0).abs() < f64::EPSILON
    }

    /// A real duration, as the wheel counts it.
    #[must_use]
    pub fn to_wheel(&self, real: Duration) -> Duration {
        if self.keeps_real_time() { real } else { real.mul_f64(self.scale) }
    }

    /// A duration of the wheel, in real time.
    #[must_use]
    pub fn to_real(&self, wheel: Duration) -> Duration {
        if self.keeps_real_time() { wheel } else { wheel.div_f64(self.scale) }
    }

    /// How long to sleep before `instant` may have come. Never longer than it takes, so the caller looks again.
    #[must_use]
    pub fn real_until(&self, instant: Timestamp) -> Duration {
        // A millisecond more than the difference, so that a sleep that ends is not a shade too early.
        let wheel = instant.since(self.now());
        let real =
            if wheel.is_zero() { Duration::ZERO } else { self.to_real(wheel) + Duration::from_micros(1) };
        match self.source {
            Source::Wall { .. } => real.min(WALL_CHECK),
            Source::Running { .. } => real,
        }
    }

    /// The wall clock's time.
    #[must_use]
    pub fn wall_now() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The wheel's minute.
    #[must_use]
    pub fn minute(&self) -> EpochMinute {
        self.now().minute()
    }
}

impl Clock for WheelClock {
    fn now(&self) -> Timestamp {
        match self.source {
            Source::Wall { ahead, at, since } => Self::wall_now().plus(ahead).max(at.plus(since.elapsed())),
            Source::Running { origin, since } => origin.plus(self.to_wheel(since.elapsed())),
        }
    }
}

/// The real length of a tick at which a wheel keeps the wall clock's pace.
pub const REAL_TICK: Duration = Duration::from_millis(MILLIS_PER_MINUTE);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r18_a_wall_clock_that_falls_behind_does_not_stop_the_wheel() {
        // Paused time runs away from the wall clock, as the wall clock does from the wheel when it is set back.
        let clock = WheelClock::wall(Duration::ZERO);
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(3600)).await;
        let passed = clock.now().since(before);
        assert!(passed >= Duration::from_secs(3600) && passed < Duration::from_secs(3660), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_accelerated_minute_passes_in_one_tick() {
        let clock = WheelClock::running(Timestamp::from_millis(60_000), Duration::from_millis(200));
        assert_eq!(clock.minute(), EpochMinute::new(1));
        let wait = clock.real_until(EpochMinute::new(2).start());
        assert!(wait >= Duration::from_millis(200) && wait < Duration::from_millis(202), "{wait:?}");
        tokio::time::advance(wait).await;
        assert_eq!(clock.minute(), EpochMinute::new(2));
        assert_eq!(clock.real_until(EpochMinute::new(1).start()), Duration::ZERO);
    }
}
