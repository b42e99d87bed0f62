//! Where the wheel stands when a run starts.

use std::time::Duration;

use anyhow::Context;
use pollwheel_core::policy::{Catalog, JobTypeSpec, MAX_HOLD_MINUTES};
use pollwheel_core::ports::{Clock, ControlStore};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::store::Store;

use crate::exit::Failure;

/// Real time from the last poll of a minute to the next tick, in which it is made and applied.
const SETTLE: Duration = Duration::from_millis(250);

/// The wheel's time at the start. It stands still until [`Start::clock`] is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The wall clock, ahead of it by a time.
    Wall { ahead: Duration },
    /// A wheel of its own pace.
    Running { origin: Timestamp, tick: Duration },
}

impl Start {
    /// The wheel's time before it turns.
    pub(super) fn now(self) -> Timestamp {
        match self {
            Self::Wall { ahead } => WheelClock::wall(ahead).now(),
            Self::Running { origin, .. } => origin,
        }
    }

    /// The clock, turning from now on.
    pub(super) fn clock(self) -> WheelClock {
        match self {
            Self::Wall { ahead } => WheelClock::wall(ahead),
            Self::Running { origin, tick } => WheelClock::running(origin, tick),
        }
    }
}

/// Seconds of the wheel in a real second.
pub(super) fn scale(tick: Option<Duration>) -> f64 {
    REAL_TICK.as_secs_f64() / tick.unwrap_or(REAL_TICK).as_secs_f64()
}

/// The job types as a run of this pace needs them. A poll must be applied before the next tick reads its row, or that
/// tick dispatches the row as it was, and what is new is published twice. At the wall clock's pace the spread of a minute's
/// jobs ends ten seconds before the next minute; at a faster one it ends sooner, so that the same real time is left.
pub(super) fn paced(catalog: &Catalog, tick: Option<Duration>) -> Catalog {
    let room_seconds = SETTLE.as_secs_f64() * scale(tick);
    let tick_micros = tick.unwrap_or(REAL_TICK).as_micros().max(1);
    let longest = (0..60_u16).rev().find(|spread| f64::from(*spread) + room_seconds <= 60.0);
    let paced = |spec: &JobTypeSpec| {
        let mut spec = spec.clone();
        spec.spread_seconds = spec.spread_seconds.min(longest.unwrap_or(0));
        // Limits are real time, too.
        spec.budgets = spec.budgets.iter().map(|budget| budget.scaled(scale(tick))).collect();
        // Floors that servers ask for are real time: what caps them must be, too.
        for policy in spec.levels.values_mut().chain([&mut spec.default_policy]) {
            let minutes = u128::from(policy.max_staleness_minutes) * REAL_TICK.as_micros() / tick_micros;
            let minutes = u32::try_from(minutes).unwrap_or(u32::MAX).min(MAX_HOLD_MINUTES);
            policy.max_staleness_minutes = policy.max_staleness_minutes.max(minutes);
        }
        spec
    };
    Catalog::new(catalog.iter().map(paced))
}

/// Finds out where the wheel goes on: where the wall clock is, or where an earlier run has turned it to, if that is later.
pub(super) async fn start(
    store: &Store,
    catalog: &Catalog,
    tick: Option<Duration>,
) -> Result<Start, Failure> {
    let now = WheelClock::wall_now();
    let start = place(now, newest_cursor(store, catalog).await?, tick);
    if let Start::Wall { ahead } = start
        && !ahead.is_zero()
    {
        tracing::warn!(
            ahead_minutes = ahead.as_secs() / 60,
            "the state folder is ahead of the wall clock, from an accelerated run: the wheel goes on from there and stays ahead"
        );
    }
    Ok(start)
}

fn place(now: Timestamp, cursor: Option<EpochMinute>, tick: Option<Duration>) -> Start {
    let next = cursor.map(|cursor| cursor.plus(1));
    match tick.filter(|tick| *tick != REAL_TICK) {
        Some(tick) => {
            let minute = next.map_or(now.minute(), |next| next.max(now.minute()));
            Start::Running { origin: minute.start(), tick }
        }
        // A cursor in this very minute is the ordinary end of a run that was ended and started again.
        None => match cursor.filter(|cursor| *cursor > now.minute()) {
            Some(cursor) => Start::Wall { ahead: cursor.plus(1).start().since(now) },
            None => Start::Wall { ahead: Duration::ZERO },
        },
    }
}

async fn newest_cursor(store: &Store, catalog: &Catalog) -> Result<Option<EpochMinute>, Failure> {
    let mut newest = None;
    for spec in catalog.iter() {
        let gate = store.gate(&spec.id).await.map_err(anyhow::Error::new);
        newest = newest.max(gate.context("cannot read the state folder")?.cursor);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use pollwheel_core::cadence::{Cadence, CadenceRange};

    use super::*;

    const MINUTE: EpochMinute = EpochMinute::new(29_000_000);
    const TICK: Duration = Duration::from_millis(200);

    fn now() -> Timestamp {
        MINUTE.start().plus(Duration::from_secs(30))
    }

    #[test]
    fn an_accelerated_wheel_starts_in_this_minute_or_after_the_newest_cursor() {
        let origin = |cursor| place(now(), cursor, Some(TICK));
        let at = |minute: EpochMinute| Start::Running { origin: minute.start(), tick: TICK };
        assert_eq!(origin(None), at(MINUTE));
        assert_eq!(origin(Some(MINUTE.minus(500))), at(MINUTE));
        assert_eq!(origin(Some(MINUTE)), at(MINUTE.plus(1)));
        assert_eq!(origin(Some(MINUTE.plus(500))), at(MINUTE.plus(501)));
    }

    #[test]
    fn a_faster_wheel_leaves_the_same_real_time_between_a_poll_and_the_next_tick() {
        let id = pollwheel_core::id::JobTypeId::new("mastodon/statuses").unwrap();
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).unwrap();
        let catalog = Catalog::new([JobTypeSpec::new(id.clone(), range)]);
        let spread = |tick| paced(&catalog, tick).get(&id).unwrap().spread_seconds;
        assert_eq!(spread(None), 50);
        assert_eq!(spread(Some(Duration::from_secs(1))), 45);
        assert_eq!(spread(Some(Duration::from_millis(500))), 30);
        assert_eq!(spread(Some(TICK)), 0);
    }

    #[test]
    fn a_faster_wheel_lets_servers_ask_for_the_same_real_time() {
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::new(15).unwrap()).unwrap();
        let catalog =
            Catalog::new([JobTypeSpec::new(pollwheel_core::id::JobTypeId::new("toy/posts").unwrap(), range)]);
        let minutes = |tick: Option<u64>| {
            let paced = paced(&catalog, tick.map(Duration::from_secs));
            paced.iter().next().map(|spec| spec.default_policy.max_staleness_minutes)
        };
        assert_eq!([None, Some(60), Some(20), Some(1)].map(minutes), [30, 30, 90, 1440].map(Some));
    }

    #[test]
    fn a_real_wheel_keeps_the_wall_clock_unless_an_earlier_run_was_ahead_of_it() {
        let real = |cursor| place(now(), cursor, None);
        for cursor in [None, Some(MINUTE.minus(500)), Some(MINUTE)] {
            assert_eq!(real(cursor), Start::Wall { ahead: Duration::ZERO });
        }
        assert_eq!(real(Some(MINUTE.plus(9))), Start::Wall { ahead: Duration::from_secs(9 * 60 + 30) });
        assert_eq!(place(now(), None, Some(REAL_TICK)), real(None));
    }
}
