//! Limits that many accounts share and that no reservation can keep.

use pollwheel_core::budget::Budget;

use super::cadence::with_files;
use crate::channel::Channel;
use crate::channel::file::ChannelFile;
use crate::channel::problem::Problems;

/// A budget that cannot be cut lets nothing through: its job type is never polled.
pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    for (job, declared) in with_files(file, channel) {
        let is_too_small = |budget: &&Budget| budget.slots().is_none();
        for budget in job.spec.budgets.iter().filter(is_too_small) {
            let (units, window) = (budget.units(), budget.window_seconds);
            let message = format!(
                "shares a limit of {units} in {window} seconds, and a request takes up to {}: too few to be shared, so it is never polled",
                budget.dearest
            );
            problems.warn(declared.place, format!("job_types.{}", job.spec.id.name()), message);
        }
    }
}
