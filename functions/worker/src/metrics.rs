//! What a pass reported, as metrics and as lines in the log.

use pollwheel_aws::Usage;
use pollwheel_aws::lambda::{Dimension, MAX_VALUES, Metric, Metrics};
use pollwheel_core::id::ChannelName;
use pollwheel_core::poll::PollReport;
use pollwheel_core::time::Timestamp;

/// A pass, after it is done. `failed` counts the records that come back.
pub(crate) fn pass(
    metrics: &Metrics,
    now: Timestamp,
    channel: &ChannelName,
    report: &PollReport,
    failed: usize,
    usage: Usage,
) {
    let latest = report.lateness.iter().max().copied();
    let mut values = vec![
        Metric::count("Polls", report.polled),
        Metric::count("Items", report.items),
        Metric::count("Events", report.events),
        Metric::count("Requests", report.requests),
        Metric::count("Throttled", report.throttled),
        Metric::count("CutOff", report.cut_off),
        Metric::count("Unstarted", report.unstarted),
        Metric::count("Panics", report.panics),
        Metric::count("RecordsFailed", failed as u64),
        Metric::amount("ReadUnits", usage.read_units),
    ];
    // A metric costs by the month: only where a shared limit has kept something back.
    values.extend((report.over_budget > 0).then(|| Metric::count("OverBudget", report.over_budget)));
    values.extend(latest.map(|latest| Metric::seconds("LatenessSecondsMax", latest)));
    values.extend(report.outcomes.iter().map(|(name, count)| Metric::outcome(name, *count)));
    metrics.emit(now, Dimension::Channel(channel), values);
    for ((job_type, level), ages) in &report.freshness {
        let seconds = ages.samples(MAX_VALUES as u64);
        let values = vec![Metric::all_seconds("FreshnessSeconds", seconds)];
        metrics.emit(now, Dimension::Level(job_type, level), values);
    }
    for (error, (job, polls)) in &report.errors {
        tracing::warn!(polls, %job, %error, "polls failed, their jobs are held");
    }
    for (reason, jobs) in &report.unavailable_because {
        tracing::error!(jobs, %reason, "jobs could not be polled for a reason of our own, they are tried again");
    }
    tracing::info!(
        records = report.records,
        polled = report.polled,
        items = report.items,
        events = report.events,
        requests = report.requests,
        duplicates = report.duplicates,
        throttled = report.throttled,
        over_budget = report.over_budget,
        unavailable = report.unavailable,
        renewed = report.renewed,
        unstarted = report.unstarted,
        cut_off = report.cut_off,
        records_failed = failed,
        "polled"
    );
}
