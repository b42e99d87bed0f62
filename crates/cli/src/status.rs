//! The status line of a run, and the progress that a log without a terminal gets instead.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pollwheel_local::engine::{Snapshot, Totals};

use crate::report::FAILURES;
use crate::screen::Screen;

/// Between two lines of progress in a log.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Between two warnings about failed polls.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Shows where a run stands after each tick.
#[derive(Debug)]
pub(crate) struct Status<'a> {
    screen: &'a Screen,
    logged: Instant,
    failures: Failures,
}

/// Failed polls that were warned about.
#[derive(Debug, Default)]
struct Failures {
    told: BTreeMap<&'static str, u64>,
    at: Option<Instant>,
}

impl Failures {
    /// Warns about polls that failed since the last time, now and then; at the end in any case.
    fn warn(&mut self, totals: &Totals, every: Duration) {
        if self.at.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        let mut new = Vec::new();
        for name in FAILURES {
            let count = totals.outcome(name);
            let before = self.told.insert(name, count).unwrap_or_default();
            if count > before {
                new.push(format!("{name} {}", count - before));
            }
        }
        if !new.is_empty() {
            self.at = Some(Instant::now());
            tracing::warn!(
                outcomes = new.join(", "),
                "polls failed; their jobs are held and tried again, `pollwheel job` tells which"
            );
        }
    }
}

impl<'a> Status<'a> {
    pub(crate) fn new(screen: &'a Screen) -> Self {
        Self { screen, logged: Instant::now(), failures: Failures::default() }
    }

    /// After a tick.
    pub(crate) fn show(&mut self, snapshot: &Snapshot<'_>) {
        self.failures.warn(snapshot.totals, WARN_EVERY);
        if self.screen.is_live() {
            self.screen.status(line(snapshot));
        } else if self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            let totals = snapshot.totals;
            tracing::info!(
                minute = %snapshot.minute,
                ticks = totals.ticks,
                due = totals.due,
                polled = totals.polled,
                new_items = totals.items,
                held = totals.held,
                lag_seconds = snapshot.late.as_secs_f64(),
                "polling"
            );
        }
    }

    /// At the end of the run.
    pub(crate) fn clear(&mut self, totals: Option<&Totals>) {
        self.screen.status(String::new());
        if let Some(totals) = totals {
            self.failures.warn(totals, Duration::ZERO);
        }
    }
}

fn line(snapshot: &Snapshot<'_>) -> String {
    let totals = snapshot.totals;
    format!(
        "{}  due {}  polled {}  new {}  held {}  lag {:.1}s",
        snapshot.minute,
        totals.due,
        totals.polled,
        totals.items,
        totals.held,
        snapshot.late.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use pollwheel_core::time::EpochMinute;

    use super::*;

    #[test]
    fn the_line_says_minute_due_polled_new_held_and_lag() {
        let mut totals = Totals::default();
        (totals.due, totals.polled, totals.items, totals.held) = (12, 10, 3, 1);
        let snapshot = Snapshot {
            minute: EpochMinute::new(29_827_185),
            late: Duration::from_millis(250),
            totals: &totals,
        };
        assert_eq!(line(&snapshot), "2026-09-17T07:45Z  due 12  polled 10  new 3  held 1  lag 0.2s");
    }
}
