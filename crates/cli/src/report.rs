//! The final report of a run: what it did and what it cost. `pollwheel run --help` explains each field.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pollwheel_core::id::{JobTypeId, ServiceLevel};
use pollwheel_core::meter::Prices;
use pollwheel_core::spread::Spread;
use pollwheel_local::bus::Published;
use pollwheel_local::engine::Totals;
use pollwheel_local::store::StoreStats;
use serde::Serialize;

use crate::cost::Billed;
use crate::due::DueMinutes;
use crate::lateness::Late;
use crate::usage::Usage;

/// Outcomes that count as failed polls.
pub(crate) const FAILURES: [&str; 8] =
    ["unauthorized", "gone", "server_error", "timeout", "network", "bad_response", "bus_refused", "crashed"];

/// What a run came to. The order of the fields is the order in the file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) ticks: u64,
    pub(crate) due: u64,
    pub(crate) dispatched: u64,
    pub(crate) polled: u64,
    pub(crate) unchanged: u64,
    pub(crate) new_items: u64,
    pub(crate) events_published: u64,
    pub(crate) failed: u64,
    pub(crate) held: u64,
    pub(crate) parked: u64,
    pub(crate) duplicates: u64,
    pub(crate) lost: u64,
    pub(crate) store_writes: u64,
    pub(crate) store_writes_per_poll: f64,
    pub(crate) requests: u64,
    pub(crate) http_429: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) max_rss_bytes: u64,
    pub(crate) polls_per_second: f64,
    pub(crate) lateness_seconds_p50: f64,
    pub(crate) lateness_seconds_p99: f64,
    pub(crate) seeded: u64,
    pub(crate) pending: u64,
    pub(crate) row_writes: u64,
    pub(crate) wake_writes: u64,
    pub(crate) cursor_writes: u64,
    pub(crate) control_writes: u64,
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    pub(crate) job_types: BTreeMap<String, DueMinutes>,
    pub(crate) wall_seconds: f64,
    pub(crate) freshness: Vec<Fresh>,
    pub(crate) lateness: Vec<Late>,
    #[serde(flatten)]
    pub(crate) billed: Billed,
}

/// How old the items of a job type and service level were when they were published.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fresh {
    pub(crate) job_type: JobTypeId,
    pub(crate) level: ServiceLevel,
    /// Those whose time the third party tells, without those of first polls.
    pub(crate) items: u64,
    pub(crate) seconds_p50: u64,
    pub(crate) seconds_p90: u64,
    pub(crate) seconds_p99: u64,
}

impl Fresh {
    fn of(((job_type, level), ages): (&(JobTypeId, ServiceLevel), &Spread)) -> Self {
        Self {
            job_type: job_type.clone(),
            level: level.clone(),
            items: ages.count(),
            seconds_p50: ages.percentile(50),
            seconds_p90: ages.percentile(90),
            seconds_p99: ages.percentile(99),
        }
    }
}

/// What a report is made of.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    /// What the passes did.
    pub(crate) totals: &'a Totals,
    /// What was published.
    pub(crate) published: Published,
    /// The store's counts when polling began.
    pub(crate) before: StoreStats,
    /// The store's counts now.
    pub(crate) after: StoreStats,
    /// What the process used.
    pub(crate) usage: Usage,
    /// How long the run took, in real time.
    pub(crate) wall: Duration,
    /// What usage is priced by.
    pub(crate) prices: &'a Prices,
}

impl Report {
    /// Adds up.
    pub(crate) fn of(measured: &Measured<'_>) -> Self {
        let Measured { totals, published, before, after, usage, wall, prices } = measured;
        let row_writes = after.row_writes - before.row_writes;
        let wake_writes = after.wake_writes - before.wake_writes;
        let cursor_writes = after.cursor_writes - before.cursor_writes;
        let control_writes = after.control_writes - before.control_writes;
        let store_writes = row_writes + wake_writes + cursor_writes + control_writes;
        Self {
            ticks: totals.ticks,
            due: totals.due,
            dispatched: totals.dispatched,
            polled: totals.polled,
            unchanged: totals.outcome("unchanged"),
            new_items: totals.items,
            events_published: published.events,
            failed: FAILURES.iter().map(|name| totals.outcome(name)).sum(),
            held: totals.held,
            parked: totals.parked,
            duplicates: published.repeated,
            lost: lost(totals),
            store_writes,
            store_writes_per_poll: ratio(store_writes, to_f64(totals.polled)),
            requests: totals.requests,
            http_429: totals.outcome("rate_limited").saturating_sub(totals.throttled),
            cpu_seconds: usage.cpu.as_secs_f64(),
            max_rss_bytes: usage.max_rss_bytes,
            polls_per_second: ratio(totals.polled, wall.as_secs_f64()),
            lateness_seconds_p50: totals.lateness_seconds(0.5),
            lateness_seconds_p99: totals.lateness_seconds(0.99),
            seeded: totals.outcome("seeded"),
            pending: totals.pending,
            row_writes,
            wake_writes,
            cursor_writes,
            control_writes,
            outcomes: totals.outcomes.clone(),
            job_types: totals.job_types.iter().map(|(id, totals)| (id.to_string(), totals.into())).collect(),
            wall_seconds: wall.as_secs_f64(),
            freshness: totals.freshness.iter().map(Fresh::of).collect(),
            lateness: Late::all(&totals.lateness_by_level),
            billed: Billed::of(&totals.usage, totals.polled, prices),
        }
    }
}

/// Dispatched jobs that neither came back as an outcome, nor were polled together with another message of the same job,
/// nor are pending.
fn lost(totals: &Totals) -> u64 {
    let confirmed: u64 = totals.outcomes.values().sum();
    totals
        .dispatched
        .saturating_sub(confirmed + totals.duplicate_messages + totals.pending + totals.unreadable)
}

fn ratio(count: u64, by: f64) -> f64 {
    if by > 0.0 { to_f64(count) / by } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for Report {
    /// The summary for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ticks in {:.1} s", self.ticks, self.wall_seconds)?;
        writeln!(
            f,
            "  polls      {} ({:.0} a second): {} unchanged, {} failed, {} refused by a limit, {} first polls",
            self.polled, self.polls_per_second, self.unchanged, self.failed, self.http_429, self.seeded
        )?;
        writeln!(
            f,
            "  events     {} for {} new items, {} of them repeated",
            self.events_published, self.new_items, self.duplicates
        )?;
        writeln!(
            f,
            "  jobs       {} dispatched, {} times on hold, {} parked, {} pending, {} lost",
            self.dispatched, self.held, self.parked, self.pending, self.lost
        )?;
        writeln!(
            f,
            "  writes     {} to the store, {:.4} a poll",
            self.store_writes, self.store_writes_per_poll
        )?;
        writeln!(
            f,
            "  lateness   {:.1} s in the middle, {:.1} s at the 99th percentile, in time of the wheel",
            self.lateness_seconds_p50, self.lateness_seconds_p99
        )?;
        for Fresh { job_type, level, items, seconds_p50, seconds_p90, .. } in &self.freshness {
            writeln!(
                f,
                "  freshness  {job_type}, {level}: {items} items, {seconds_p50} s old in the middle when published, {seconds_p90} s at the 90th percentile"
            )?;
        }
        write!(
            f,
            "  process    {:.2} s of CPU, {} MB of memory",
            self.cpu_seconds,
            self.max_rss_bytes / 1_000_000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::{PriceTable, USUAL_REGION};

    fn report(totals: &Totals) -> Report {
        let before = StoreStats { row_writes: 100, registration_writes: 100, ..StoreStats::default() };
        let after =
            StoreStats { row_writes: 103, wake_writes: 1, cursor_writes: 4, control_writes: 2, ..before };
        let wall = Duration::from_secs(2);
        let published = Published { events: 7, repeated: 1, refused: 0 };
        let table = PriceTable::built_in().unwrap();
        let (usage, prices) = (Usage::default(), table.region(USUAL_REGION).unwrap());
        Report::of(&Measured { totals, published, before, after, usage, wall, prices })
    }

    #[test]
    fn registrations_are_not_the_writes_of_polling() {
        let mut totals = Totals::default();
        totals.polled = 20;
        let report = report(&totals);
        assert_eq!((report.store_writes, report.row_writes), (10, 3));
        assert!((report.store_writes_per_poll - 0.5).abs() < 1e-9);
        assert!((report.polls_per_second - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_run_without_polls_divides_by_nothing() {
        let report = report(&Totals::default());
        assert!(report.store_writes_per_poll.abs() < 1e-9);
    }

    #[test]
    fn what_was_dispatched_is_confirmed_pending_or_lost() {
        let mut totals = Totals::default();
        (totals.dispatched, totals.pending) = (10, 2);
        totals.outcomes = BTreeMap::from([("unchanged", 6), ("timeout", 1)]);
        let report = report(&totals);
        assert_eq!((report.lost, report.failed, report.unchanged), (1, 1, 6));
    }

    #[test]
    fn the_first_fields_are_those_that_were_promised_in_their_order() {
        let promised = "ticks due dispatched polled unchanged new_items events_published failed held parked duplicates lost \
             store_writes store_writes_per_poll requests http_429 cpu_seconds max_rss_bytes polls_per_second \
             lateness_seconds_p50 lateness_seconds_p99";
        let billed = "usage usd usd_per_million_polls";
        let json = serde_json::to_string(&report(&Totals::default())).unwrap();
        let mut from = 0;
        for field in promised.split_whitespace().chain(billed.split_whitespace()) {
            let at = json[from..]
                .find(&format!("\"{field}\":"))
                .unwrap_or_else(|| panic!("no `{field}` after {from}: {json}"));
            from += at;
        }
    }
}
