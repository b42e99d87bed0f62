//! Fields without an effect, and effects without a field.

use super::cadence::with_files;
use crate::channel::file::{ChannelFile, PerAccount};
use crate::channel::problem::Problems;
use crate::channel::{Channel, JobType};
use crate::request::Place;

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    for (job, declared) in with_files(file, channel) {
        let field = format!("job_types.{}", job.spec.id.name());
        let is_limited = !job.limits.is_empty() || !channel.limits.is_empty();
        if !is_limited && !has_own_url(job) {
            let message = "has no `limits`: declare what the API documents (`calls` in `window_seconds`), or what its responses tell";
            problems.warn(declared.place, &field, message);
        }
        if let Some(cost) = declared.value.request.cost.as_ref().filter(|_| !is_limited) {
            problems.warn(cost.place, format!("{field}.request.cost"), "has no use without `limits`");
        }
        if let Some(limit) = declared.value.pages.as_ref().and_then(|pages| pages.limit.as_ref())
            && limit.value == 1
        {
            let message = "is one page in a poll: a burst is fetched a page a minute";
            problems.warn(limit.place, format!("{field}.pages.limit"), message);
        }
        let own = &declared.value.service_levels;
        for (level, declared) in own {
            let Some(channels) = file.service_levels.value.get(level) else { continue };
            let terms = |file: &crate::channel::file::LevelFile| {
                let staleness = file.max_staleness.as_ref().map(|minutes| minutes.value);
                (file.fastest.value, file.slowest.value, staleness)
            };
            if terms(&declared.value) == terms(&channels.value) {
                let message = "says the same as the channel's own level: leave it away";
                problems.warn(declared.place, format!("{field}.service_levels.{level}"), message);
            }
        }
    }
    if let Some(url) = &file.base_url
        && channel.job_types.values().all(has_own_url)
    {
        problems.warn(url.place, "base_url", "has no use: every job type has a URL of its own");
    }
    if file.base_url_per_account != PerAccount::Refused && channel.job_types.values().all(has_own_url) {
        let message = "has no use: every job type has a URL of its own";
        problems.warn(file.channel.place, "base_url_per_account", message);
    }
}

const fn has_own_url(job: &JobType) -> bool {
    match job.endpoint.place {
        Place::Path(_) => false,
        Place::Url(_) => true,
    }
}
