//! Where the due minutes of a job type went, as the report of a run tells it. `pollwheel run --help` explains each field.

use std::collections::BTreeMap;

use pollwheel_local::engine::JobTypeTotals;
use serde::Serialize;

/// `due` is the sum of `dispatched`, `caught_up` and all that was skipped.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DueMinutes {
    due: u64,
    dispatched: u64,
    caught_up: u64,
    skipped: Skipped,
    late: Late,
    minutes_not_dispatched: BTreeMap<&'static str, u64>,
    behind_minutes: u32,
}

/// Due minutes that were left out, by reason.
#[derive(Debug, Clone, Copy, Serialize)]
struct Skipped {
    held: u64,
    over_budget: u64,
    stretched: u64,
    left: u64,
    refused: u64,
}

/// Dispatches in a later minute than the first that they answer for.
#[derive(Debug, Clone, Copy, Serialize)]
struct Late {
    dispatches: u64,
    minutes: u64,
    most_minutes: u32,
}

impl From<&JobTypeTotals> for DueMinutes {
    fn from(totals: &JobTypeTotals) -> Self {
        let drained = &totals.drained;
        Self {
            due: drained.due,
            dispatched: drained.dispatched,
            caught_up: drained.caught_up,
            skipped: Skipped {
                held: drained.held,
                over_budget: drained.over_budget,
                stretched: drained.stretched,
                left: drained.left,
                refused: drained.refused,
            },
            late: Late {
                dispatches: drained.late,
                minutes: drained.late_minutes,
                most_minutes: drained.latest_minutes,
            },
            minutes_not_dispatched: totals.minutes_not_dispatched.clone(),
            behind_minutes: totals.behind_minutes,
        }
    }
}
