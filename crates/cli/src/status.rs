//! The status line of a run, and the progress that a log without a terminal gets instead.

use std::time::{Duration, Instant};

use pollwheel_local::engine::Snapshot;

use crate::screen::Screen;

/// Between two lines of progress in a log.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Shows where a run stands after each tick.
#[derive(Debug)]
pub(crate) struct Status<'a> {
    screen: &'a Screen,
    logged: Instant,
}

impl<'a> Status<'a> {
    pub(crate) fn new(screen: &'a Screen) -> Self {
        Self { screen, logged: Instant::now() }
    }

    /// After a tick.
    pub(crate) fn show(&mut self, snapshot: &Snapshot<'_>) {
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
                lag_ms = snapshot.late.as_millis(),
                "polling"
            );
        }
    }

    /// At the end of the run.
    pub(crate) fn clear(&self) {
        self.screen.status(String::new());
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
    use pollwheel_local::engine::Totals;

    use super::*;

    #[test]
    fn the_line_says_minute_due_polled_new_held_and_lag() {
        let totals = Totals { due: 12, polled: 10, items: 3, held: 1, ..Totals::default() };
        let snapshot = Snapshot {
            minute: EpochMinute::new(29_827_185),
            late: Duration::from_millis(250),
            totals: &totals,
        };
        assert_eq!(line(&snapshot), "2026-09-17T07:45Z  due 12  polled 10  new 3  held 1  lag 0.2s");
    }
}
