//! Limits that many accounts share and no response tells of.

use super::cadence::with_files;
use crate::channel::file::{At, ChannelFile, LimitFile};
use crate::channel::limits::LimitSource;
use crate::channel::problem::Problems;
use crate::channel::{Channel, Limit, LimitScope, Token};

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    limits(&file.limits, &channel.limits, "limits", problems);
    for (job, declared) in with_files(file, channel) {
        let field = format!("job_types.{}.limits", job.spec.id.name());
        limits(&declared.value.limits, &job.limits, &field, problems);
    }
}

/// Cadences can be chosen so that one account keeps within such a limit; not so that all of them do.
fn limits(files: &[At<LimitFile>], limits: &[Limit], field: &str, problems: &mut Problems) {
    for (index, (file, limit)) in files.iter().zip(limits).enumerate() {
        let is_shared = match limit.scope(Token::Present) {
            LimitScope::Account => false,
            LimitScope::Application | LimitScope::Token | LimitScope::Host | LimitScope::Endpoint => true,
        };
        let is_kept = match limit.source {
            LimitSource::Documented => false,
            LimitSource::Headers { .. }
            | LimitSource::RateLimit(_)
            | LimitSource::Usage(_)
            | LimitSource::Body(_) => true,
        };
        if is_shared && !is_kept {
            let message = "is shared by accounts, and no response tells of it: it is not kept yet, so watch how many accounts there are";
            problems.warn(file.place, format!("{field}[{index}]"), message);
        }
    }
}
