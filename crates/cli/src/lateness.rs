//! How late polls began, as reports show it.

use pollwheel_core::id::{JobTypeId, ServiceLevel};
use pollwheel_core::spread::Lateness;
use serde::Serialize;

/// How late the polls of a job type and service level began, in seconds of the wheel.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Late {
    job_type: JobTypeId,
    level: ServiceLevel,
    polls: u64,
    seconds_p50: u64,
    seconds_p90: u64,
    seconds_p99: u64,
}

impl Late {
    /// Every job type and level that was polled.
    pub(crate) fn all(lateness: &Lateness) -> Vec<Self> {
        let late = lateness.iter().map(|(job_type, level, spread)| Self {
            job_type: job_type.clone(),
            level: level.clone(),
            polls: spread.count(),
            seconds_p50: spread.percentile(50),
            seconds_p90: spread.percentile(90),
            seconds_p99: spread.percentile(99),
        });
        late.collect()
    }
}
