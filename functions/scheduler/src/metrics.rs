//! What the passes reported, as metrics and as a line in the log.

use std::collections::BTreeMap;
use std::time::Duration;

use pollwheel_aws::Usage;
use pollwheel_aws::lambda::{Dimension, Metric, Metrics};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::tick::{CursorMove, DrainReport, JobTypeTick, Skip, TickEnd};
use pollwheel_core::time::{EpochMinute, Timestamp};

const FUNCTION: &str = "scheduler";

/// How a tick ended for a job type, as its metrics count it.
struct Ended {
    skipped: bool,
    cursor_kept: bool,
    /// The metric that says why its minute was not done.
    reason: &'static str,
}

impl Ended {
    fn of(end: &TickEnd) -> Self {
        let (skipped, cursor_kept, reason) = match end {
            // The minute is done already: nothing was left out.
            TickEnd::Skipped(Skip::Repeated) | TickEnd::Dispatched(CursorMove::Moved | CursorMove::Lost) => {
                (false, false, "MinutesDone")
            }
            TickEnd::Skipped(Skip::Paused) => (true, false, "MinutesPaused"),
            TickEnd::Skipped(Skip::Throttled) => (true, false, "MinutesThrottled"),
            TickEnd::Skipped(Skip::Backlogged) => (true, false, "MinutesBacklogged"),
            TickEnd::Dispatched(CursorMove::Kept) => (false, true, "MinutesSentInPart"),
            TickEnd::Failed(_) => (false, true, "MinutesFailed"),
        };
        Self { skipped, cursor_kept, reason }
    }
}

/// A tick, after it is done.
pub(crate) fn tick(
    metrics: &Metrics,
    now: Timestamp,
    minute: EpochMinute,
    reports: &[JobTypeTick],
    fallback: Option<&'static str>,
    usage: Usage,
) {
    let lag = now.since(minute.start());
    let (mut skipped, mut kept) = (0, 0);
    let mut total = DrainReport::default();
    for report in reports {
        let ended = Ended::of(&report.end);
        let (was_skipped, was_kept) = (u64::from(ended.skipped), u64::from(ended.cursor_kept));
        (skipped, kept) = (skipped + was_skipped, kept + was_kept);
        total += report.drained;
        let mut values = dispatched(&report.drained);
        values.push(Metric::count("FannedOut", report.fanned_out));
        values.push(Metric::count("SkippedJobTypes", was_skipped));
        values.push(Metric::count("CursorsKept", was_kept));
        if report.behind_minutes > 0 {
            values.push(Metric::count("BehindMinutes", report.behind_minutes.into()));
            values.push(Metric::count(ended.reason, 1));
        }
        values.push(lag_metric(lag));
        metrics.emit(now, Dimension::JobType(&report.job_type), values);
        log(minute, report);
    }
    let mut values = dispatched(&total);
    values.push(Metric::count("SkippedJobTypes", skipped));
    values.push(Metric::count("CursorsKept", kept));
    values.push(Metric::count("TickTimeFallback", u64::from(fallback.is_some())));
    values.push(lag_metric(lag));
    values.extend(used(usage));
    metrics.emit(now, Dimension::Function(FUNCTION), values);
    tracing::info!(
        %minute,
        job_types = reports.len(),
        dispatched = total.dispatched,
        held = total.held,
        due = total.due,
        caught_up = total.caught_up,
        over_budget = total.over_budget,
        stretched = total.stretched,
        left = total.left,
        refused = total.refused,
        late = total.late,
        late_minutes = total.late_minutes,
        latest_minutes = total.latest_minutes,
        skipped_job_types = skipped,
        cursors_kept = kept,
        lag_seconds = lag.as_secs_f64(),
        "ticked"
    );
}

/// Messages of the drains queue, after they are done. What cannot be read has no job type.
pub(crate) fn drains(
    metrics: &Metrics,
    now: Timestamp,
    reports: &BTreeMap<Option<JobTypeId>, DrainReport>,
    failed: usize,
    usage: Usage,
) {
    let mut total = DrainReport::default();
    for (job_type, report) in reports {
        total += *report;
        if let Some(job_type) = job_type {
            metrics.emit(now, Dimension::JobType(job_type), dispatched(report));
        }
    }
    let mut values = dispatched(&total);
    values.push(Metric::count("RecordsFailed", failed as u64));
    values.extend(used(usage));
    metrics.emit(now, Dimension::Function(FUNCTION), values);
    tracing::info!(
        partitions = total.partitions,
        dispatched = total.dispatched,
        held = total.held,
        caught_up = total.caught_up,
        left = total.left,
        refused = total.refused,
        late = total.late,
        undrained = total.undrained,
        failed = total.failed,
        records_failed = failed,
        "drained"
    );
}

fn dispatched(report: &DrainReport) -> Vec<Metric> {
    let mut values = vec![
        Metric::count("Dispatched", report.dispatched),
        Metric::count("Held", report.held),
        Metric::count("MissedMinutes", report.caught_up),
        Metric::count("RowsUnreadable", report.unreadable),
    ];
    // A metric costs by the month: only where something was kept back, late or failed.
    let kept_back = [
        ("OverBudget", report.over_budget),
        ("Stretched", report.stretched),
        ("LeftMinutes", report.left),
        ("RefusedMinutes", report.refused),
        ("LateDispatches", report.late),
        ("LateMinutes", report.late_minutes),
        ("PartitionsUndrained", report.undrained),
        ("PartitionsFailed", report.failed),
    ];
    values.extend(
        kept_back.into_iter().filter(|(_, jobs)| *jobs > 0).map(|(name, jobs)| Metric::count(name, jobs)),
    );
    values
}

fn lag_metric(lag: Duration) -> Metric {
    Metric::seconds("TickLagSeconds", lag)
}

fn used(usage: Usage) -> [Metric; 2] {
    [Metric::amount("ReadUnits", usage.read_units), Metric::amount("WriteUnits", usage.write_units)]
}

fn log(minute: EpochMinute, report: &JobTypeTick) {
    let job_type = &report.job_type;
    match &report.end {
        TickEnd::Failed(error) => {
            tracing::error!(%job_type, %minute, error = error.chain(), "a job type was not dispatched, the next tick covers it");
        }
        TickEnd::Dispatched(CursorMove::Kept) => {
            tracing::error!(%job_type, %minute, "a job type was dispatched in part, the next tick covers the rest");
        }
        TickEnd::Skipped(reason @ (Skip::Paused | Skip::Throttled | Skip::Backlogged)) => {
            tracing::warn!(%job_type, %minute, ?reason, behind_minutes = report.behind_minutes, "a job type was left out, a later tick covers it");
        }
        TickEnd::Skipped(Skip::Repeated) | TickEnd::Dispatched(CursorMove::Moved | CursorMove::Lost) => {}
    }
}
