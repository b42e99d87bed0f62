//! The report of a simulation: the verdicts of all its seeds together.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use pollwheel_core::hash::mix;
use pollwheel_core::meter::Metered;
use pollwheel_core::spread::Lateness;
use serde::Serialize;

use super::judge::Verdict;

/// Significant digits of merged histograms.
const DIGITS: u8 = 3;

/// What a simulation came to. Its members are the report of `pollwheel simulate`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Seeds run.
    pub seeds: u64,
    /// Minutes of the wheel, all seeds together.
    pub simulated_minutes: u64,
    /// Polls made.
    pub polls: u64,
    /// Events of items that the bus took, repeats included.
    pub events: u64,
    /// Items posted and never published.
    pub lost: u64,
    /// Events that no posted item explains.
    pub unexpected: u64,
    /// Publications of an item after the first.
    pub duplicated: u64,
    /// Failures that were made up for.
    pub recovered: u64,
    /// Calls past a limit that the third party enforces, in any fixed or sliding window.
    pub rate_limit_violations: u64,
    /// Most queue hops from one tick.
    pub max_hops: u8,
    /// From when a poll was meant to leave to when it left: the median, in seconds.
    pub lateness_seconds_p50: f64,
    /// The same, of the latest hundredth.
    pub lateness_seconds_p99: f64,
    /// The same by job type and service level. Whoever shows the report has the form.
    #[serde(skip)]
    pub lateness_by_level: Lateness,
    /// From an item's creation to its publication: the median, in seconds.
    pub freshness_seconds_p50: f64,
    /// The same, of the latest hundredth.
    pub freshness_seconds_p99: f64,
    /// Writes to the store for each poll.
    pub writes_per_poll: f64,
    /// What the ports would have cost on AWS, in its billing units. Whoever shows the report has the prices.
    #[serde(skip)]
    pub usage: Metered,
    /// Faults injected, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Planted bugs that the checker caught; none when none was planted.
    pub planted_bugs_caught: Option<u64>,
    /// A hash over the event logs of all seeds.
    pub event_log_hash: String,
    /// Seeds whose verdict is not clean.
    pub failing_seeds: Vec<u64>,
}

impl Report {
    /// The verdicts, in the order of their seeds, of runs of so many minutes.
    #[must_use]
    pub fn of(verdicts: &[Verdict], minutes: u32) -> Self {
        let mut report = Self { seeds: verdicts.len() as u64, ..Self::default() };
        let mut hash = 0;
        let (mut lateness, mut freshness) = (Merged::default(), Merged::default());
        let mut writes = 0;
        for verdict in verdicts {
            report.simulated_minutes += u64::from(minutes);
            report.polls += verdict.polls;
            report.events += verdict.events;
            report.lost += verdict.lost.len() as u64;
            report.unexpected += verdict.unexpected;
            report.duplicated += verdict.duplicated;
            report.recovered += verdict.recovered;
            report.rate_limit_violations += verdict.violations.fixed + verdict.violations.sliding;
            report.max_hops = report.max_hops.max(verdict.max_hops);
            writes += verdict.writes;
            for (kind, times) in &verdict.faults {
                *report.faults.entry(kind).or_default() += times;
            }
            lateness.add(verdict.lateness.as_ref());
            report.lateness_by_level += &verdict.lateness_by_level;
            freshness.add(verdict.freshness.as_ref());
            report.usage.working += verdict.usage.working;
            report.usage.standing += verdict.usage.standing;
            hash = mix(hash, verdict.log_hash);
            if !verdict.is_clean() {
                report.failing_seeds.push(verdict.seed);
            }
        }
        [report.lateness_seconds_p50, report.lateness_seconds_p99] = lateness.seconds();
        [report.freshness_seconds_p50, report.freshness_seconds_p99] = freshness.seconds();
        report.writes_per_poll = ratio(writes, report.polls);
        report.event_log_hash = format!("{hash:016x}");
        report
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Histograms added up.
#[derive(Default)]
struct Merged(Option<Histogram<u64>>);

impl Merged {
    fn add(&mut self, more: Option<&Histogram<u64>>) {
        let Some(more) = more else { return };
        if self.0.is_none() {
            self.0 = Histogram::new(DIGITS).ok();
        }
        if let Some(sum) = &mut self.0 {
            // It grows as needed, so nothing is out of its bounds.
            let _grown = sum.add(more);
        }
    }

    /// The median and the 99th percentile, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
    fn seconds(&self) -> [f64; 2] {
        [0.5, 0.99].map(|quantile| {
            self.0.as_ref().map_or(0.0, |histogram| histogram.value_at_quantile(quantile) as f64 / 1000.0)
        })
    }
}
