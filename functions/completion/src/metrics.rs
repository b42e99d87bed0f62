//! What a pass reported, as metrics and as a line in the log.

use pollwheel_aws::Usage;
use pollwheel_aws::lambda::{Dimension, Metric, Metrics};
use pollwheel_core::complete::CompletionReport;
use pollwheel_core::time::Timestamp;

/// A pass, after it is done. `failed` counts the records that come back.
pub(crate) fn pass(
    metrics: &Metrics,
    now: Timestamp,
    report: &CompletionReport,
    failed: usize,
    usage: Usage,
) {
    let stale = report.repeated + report.stale + report.departed;
    let mut values = vec![
        Metric::count("Completed", report.completed),
        Metric::count("Updated", report.updated),
        Metric::count("Moved", report.moved),
        Metric::count("Parked", report.parked),
        Metric::count("Held", report.held),
        Metric::count("Woken", report.woken),
        Metric::count("Stale", stale),
        Metric::count("RecordsFailed", failed as u64),
        Metric::amount("ReadUnits", usage.read_units),
        Metric::amount("WriteUnits", usage.write_units),
    ];
    values.extend(report.outcomes.iter().map(|(name, count)| Metric::outcome(name, *count)));
    metrics.emit(now, Dimension::Function("completion"), values);
    tracing::info!(
        records = report.records,
        completed = report.completed,
        stayed = report.stayed,
        updated = report.updated,
        moved = report.moved,
        parked = report.parked,
        stale,
        records_failed = failed,
        "completed"
    );
}
