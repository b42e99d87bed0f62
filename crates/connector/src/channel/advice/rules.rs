//! Rules of `errors` that are never reached.

use super::cadence::with_files;
use crate::channel::Channel;
use crate::channel::errors::{ErrorRule, StatusMatch};
use crate::channel::file::{At, ChannelFile, ErrorRuleFile};
use crate::channel::problem::Problems;

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    unreached(&file.errors, &channel.rules, "errors", problems);
    for (job, declared) in with_files(file, channel) {
        let field = format!("job_types.{}.errors", job.spec.id.name());
        unreached(&declared.value.errors, &job.rules, &field, problems);
    }
}

/// The first rule that matches decides: one without conditions leaves nothing of its statuses to those behind it.
fn unreached(files: &[At<ErrorRuleFile>], rules: &[ErrorRule], field: &str, problems: &mut Problems) {
    for (index, (file, rule)) in files.iter().zip(rules).enumerate() {
        let mut taking = rules.iter().take(index).enumerate();
        let taking = taking.find(|(_, earlier)| {
            takes_all(earlier) && rule.statuses.iter().all(|status| takes(earlier, *status))
        });
        if let Some((first, _)) = taking {
            let message = format!(
                "is never reached: `{field}[{first}]` has no condition and takes the same statuses: put the narrower rule first"
            );
            problems.warn(file.place, format!("{field}[{index}]"), message);
        }
    }
}

const fn takes_all(rule: &ErrorRule) -> bool {
    rule.header.is_none() && rule.body_contains.is_none() && rule.body.is_none()
}

fn takes(rule: &ErrorRule, status: StatusMatch) -> bool {
    rule.statuses.iter().any(|own| match (*own, status) {
        (own, StatusMatch::One(status)) => own.holds(status),
        (StatusMatch::Class(own), StatusMatch::Class(class)) => own == class,
        (StatusMatch::One(_), StatusMatch::Class(_)) => false,
    })
}
