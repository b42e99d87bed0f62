//! What a run came to: the reports of its passes, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use pollwheel_core::complete::CompletionReport;
use pollwheel_core::id::JobTypeId;
use pollwheel_core::meter::Metered;
use pollwheel_core::poll::PollReport;
use pollwheel_core::spread::{Freshness, Lateness};
use pollwheel_core::tick::{CursorMove, DrainReport, JobTypeTick, Skip, TickEnd};
use pollwheel_core::time::EpochMinute;

/// What a run came to so far.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Ticks run.
    pub ticks: u64,
    /// Due minutes of jobs, held ones included: a job that was due twice in a late window counts twice.
    pub due: u64,
    /// Due minutes skipped because the job is on hold.
    pub skipped_on_hold: u64,
    /// Copies of rows sent to job queues.
    pub dispatched: u64,
    /// Due minutes that a later dispatch made up for.
    pub missed_minutes: u64,
    /// Job types that a tick left out, by reason.
    pub skips: BTreeMap<&'static str, u64>,
    /// Where the due minutes of each job type went.
    pub job_types: BTreeMap<JobTypeId, JobTypeTotals>,
    /// Wake-ups that came to nothing: the job was parked, gone, or due anyway.
    pub idle_wakes: u64,
    /// Rows and messages that this build cannot read. They are kept.
    pub unreadable: u64,
    /// Polls made.
    pub polled: u64,
    /// Polls not made because the channel's limit is spent.
    pub throttled: u64,
    /// Polls that were dispatched and not made, because a limit that they share had no room: woken again.
    pub deferred: u64,
    /// Due jobs that were not dispatched because a limit that they share had no room.
    pub over_budget: u64,
    /// Due jobs that were left to a later turn, because for long more is due of a shared limit than fits.
    pub stretched: u64,
    /// Outcomes by name, as the completion saw them: `unchanged`, `new`, `rate_limited`, `crashed`, ...
    pub outcomes: BTreeMap<&'static str, u64>,
    /// New items found.
    pub items: u64,
    /// Events that the bus accepted.
    pub events: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// Jobs polled once for several messages of one batch.
    pub duplicate_messages: u64,
    /// Polls that panicked.
    pub panics: u64,
    /// Completions applied with a write, and of these, moves to another cadence.
    pub updated: u64,
    /// Rows moved to another cadence.
    pub moved: u64,
    /// Rows parked.
    pub parked: u64,
    /// Holds set.
    pub held: u64,
    /// Wake-ups set.
    pub woken: u64,
    /// Completions that came again, too late, or for a job that has left: counted no-ops.
    pub stale: u64,
    /// Messages that were returned to their queue.
    pub messages_failed: u64,
    /// Invocations without an answer.
    pub invocations_failed: u64,
    /// Dispatched jobs that were neither confirmed nor given up when the run ended. The next run dispatches them again.
    pub pending: u64,
    /// What a deployment on AWS would be billed for the same work.
    pub usage: Metered,
    /// How late polls began, in milliseconds of the wheel.
    lateness: Option<Histogram<u64>>,
    /// How old items were when they were published, by job type and service level.
    pub freshness: Freshness,
    /// How late polls began, in seconds of the wheel, by job type and service level.
    pub lateness_by_level: Lateness,
}

/// Where the due minutes of a job type went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTypeTotals {
    /// Those that a pass has read: dispatched, made up for, or skipped for a reason.
    pub drained: DrainReport,
    /// Minutes whose tick did not dispatch it, or not whole, by reason. A later tick makes up for them.
    pub minutes_not_dispatched: BTreeMap<&'static str, u64>,
    /// Minutes that are still to be made up for: by so many it is late now.
    pub behind_minutes: u32,
}

/// Where a run stands, after a tick.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// The tick's minute.
    pub minute: EpochMinute,
    /// How long after its minute began the tick was done, in time of the wheel.
    pub late: Duration,
    /// What the run came to so far.
    pub totals: &'a Totals,
}

/// Significant digits of the lateness histogram.
const LATENESS_DIGITS: u8 = 3;

impl Totals {
    pub(super) fn add_tick(&mut self, reports: &[JobTypeTick]) {
        self.ticks += 1;
        for report in reports {
            self.add_drained(&report.job_type, &report.drained);
            let of_type = self.job_types.entry(report.job_type.clone()).or_default();
            of_type.behind_minutes = report.behind_minutes;
            let (skip, is_late) = match &report.end {
                TickEnd::Skipped(Skip::Repeated) => ("repeated", false),
                TickEnd::Skipped(Skip::Paused) => ("paused", true),
                TickEnd::Skipped(Skip::Throttled) => ("throttled", true),
                TickEnd::Skipped(Skip::Backlogged) => ("backlogged", true),
                TickEnd::Dispatched(CursorMove::Moved) => continue,
                TickEnd::Dispatched(CursorMove::Lost) => ("overtaken", false),
                TickEnd::Dispatched(CursorMove::Kept) => ("sent_in_part", true),
                TickEnd::Failed(_) => ("failed", true),
            };
            if is_late {
                *of_type.minutes_not_dispatched.entry(skip).or_default() += 1;
            }
            *self.skips.entry(skip).or_default() += 1;
        }
    }

    pub(super) fn add_drained(&mut self, job_type: &JobTypeId, report: &DrainReport) {
        self.due += report.due;
        self.skipped_on_hold += report.held;
        self.dispatched += report.dispatched;
        self.missed_minutes += report.caught_up;
        self.over_budget += report.over_budget;
        self.stretched += report.stretched;
        self.idle_wakes += report.covered_wakes + report.stale_wakes;
        self.unreadable += report.unreadable;
        if let Some(of_type) = self.job_types.get_mut(job_type) {
            of_type.drained += *report;
        } else {
            let of_type = JobTypeTotals { drained: *report, ..JobTypeTotals::default() };
            self.job_types.insert(job_type.clone(), of_type);
        }
    }

    pub(super) fn add_polls(&mut self, report: &PollReport) {
        self.polled += report.polled;
        self.throttled += report.throttled;
        self.deferred += report.over_budget;
        self.items += report.items;
        self.events += report.events;
        self.requests += report.requests;
        self.duplicate_messages += report.duplicates;
        self.panics += report.panics;
        self.unreadable += report.unreadable;
        for (key, ages) in &report.freshness {
            *self.freshness.entry(key.clone()).or_default() += ages;
        }
        self.lateness_by_level += &report.lateness_by_level;
        if self.lateness.is_none() {
            // It grows as needed: a day late is no error here.
            self.lateness = Histogram::new(LATENESS_DIGITS).ok();
        }
        if let Some(histogram) = &mut self.lateness {
            for lateness in &report.lateness {
                // `saturating_record` would clip it at what the histogram holds so far, and never let it grow.
                let _grown = histogram.record(u64::try_from(lateness.as_millis()).unwrap_or(u64::MAX));
            }
        }
    }

    pub(super) fn add_completions(&mut self, report: &CompletionReport) {
        for (name, count) in &report.outcomes {
            *self.outcomes.entry(name).or_default() += count;
        }
        self.updated += report.updated;
        self.moved += report.moved;
        self.parked += report.parked;
        self.held += report.held;
        self.woken += report.woken;
        self.stale += report.repeated + report.stale + report.departed;
        self.unreadable += report.unreadable;
    }

    /// Finished polls of an outcome.
    #[must_use]
    pub fn outcome(&self, name: &str) -> u64 {
        self.outcomes.get(name).copied().unwrap_or_default()
    }

    /// How late polls began, in milliseconds of the wheel; none without polls.
    #[must_use]
    pub const fn lateness(&self) -> Option<&Histogram<u64>> {
        self.lateness.as_ref()
    }

    /// How late polls began: the given quantile (0 to 1), in seconds of the wheel; 0 without polls.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of lateness are far below 2^52")]
    pub fn lateness_seconds(&self, quantile: f64) -> f64 {
        self.lateness.as_ref().map_or(0.0, |histogram| histogram.value_at_quantile(quantile) as f64 / 1000.0)
    }
}
