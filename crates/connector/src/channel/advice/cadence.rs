//! Cadences that a limit cannot bear.

use std::collections::BTreeSet;

use pollwheel_core::id::ServiceLevel;

use crate::channel::file::{At, ChannelFile, JobTypeFile, LevelFile};
use crate::channel::problem::Problems;
use crate::channel::{Channel, JobType, Limit, LimitScope, Token};

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    let all: Vec<&JobType> = channel.job_types.values().collect();
    for (index, limit) in channel.limits.iter().enumerate() {
        let field = format!("limits[{index}]");
        bears(&field, limit, &all, file, None, problems);
    }
    for (job, declared) in with_files(file, channel) {
        for (index, limit) in job.limits.iter().enumerate() {
            let field = format!("job_types.{}.limits[{index}]", job.spec.id.name());
            bears(&field, limit, &[job], file, Some(declared), problems);
        }
    }
}

/// Every job type and its fields.
pub(super) fn with_files<'a>(
    file: &'a ChannelFile,
    channel: &'a Channel,
) -> impl Iterator<Item = (&'a JobType, &'a At<JobTypeFile>)> {
    channel
        .job_types
        .values()
        .filter_map(|job| file.job_types.value.get(job.spec.id.name()).map(|declared| (job, declared)))
}

/// Whether a limit bears what counts towards it: all job types of one account at their fastest where the limit is an
/// account's, and one request in any case.
fn bears(
    field: &str,
    limit: &Limit,
    jobs: &[&JobType],
    file: &ChannelFile,
    own: Option<&At<JobTypeFile>>,
    problems: &mut Problems,
) {
    let Some(allowance) = limit.allowance_of(Token::Present) else { return };
    let allowed = allowance.calls.saturating_sub(limit.cushion_of(allowance));
    for job in jobs.iter().filter(|job| u64::from(job.endpoint.cost) > allowed) {
        if let Some(declared) = file.job_types.value.get(job.spec.id.name()) {
            let name = job.spec.id.name();
            let message =
                format!("one request takes more than the {allowed} that `{field}` allows: it is never made");
            problems.warn(declared.place, format!("job_types.{name}.request.cost"), message);
        }
    }
    if limit.scope(Token::Present) != LimitScope::Account {
        return;
    }
    let levels: BTreeSet<&ServiceLevel> = jobs.iter().flat_map(|job| job.spec.levels.keys()).collect();
    for level in levels {
        let needed: u64 = jobs.iter().map(|job| needed(job, level, allowance.window_seconds)).sum();
        if needed > allowed {
            let (at, place) = place(file, own, level);
            let window = allowance.window_seconds;
            let message = format!(
                "an account that is polled at its fastest needs {needed} in {window} seconds, and `{field}` allows {allowed}: choose a slower `fastest`"
            );
            problems.warn(at, place, message);
        }
    }
}

/// What one account's polls of a job type take in a window, when each is one request.
fn needed(job: &JobType, level: &ServiceLevel, window_seconds: u64) -> u64 {
    let pause = u64::from(job.spec.policy(level).range.fastest().minutes()) * 60;
    window_seconds.div_ceil(pause).max(1).saturating_mul(job.endpoint.cost.into())
}

/// Where a level is declared: by the job type, or else by the channel.
fn place(
    file: &ChannelFile,
    own: Option<&At<JobTypeFile>>,
    level: &ServiceLevel,
) -> (serde_saphyr::Location, String) {
    let level = level.as_str();
    let found = |levels: Option<&At<LevelFile>>| levels.map(|declared| declared.value.fastest.place);
    let of_job = own.and_then(|job| found(job.value.service_levels.get(level)));
    let of_channel = || found(file.service_levels.value.get(level));
    let at = of_job.or_else(of_channel).unwrap_or(file.job_types.place);
    (at, format!("service_levels.{level}.fastest"))
}
