//! Service levels: names and cadences become the policies that the core decides with.

use std::collections::BTreeMap;

use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::id::{JobTypeId, ServiceLevel};
use pollwheel_core::policy::{JobTypeSpec, MAX_HOLD_MINUTES, Policy};

use super::file::{At, LevelFile};
use super::problem::Problems;

type Levels = BTreeMap<String, At<LevelFile>>;

/// The policies of a field of levels.
pub(super) fn policies(
    levels: &Levels,
    field: &str,
    problems: &mut Problems,
) -> BTreeMap<ServiceLevel, Policy> {
    let mut policies = BTreeMap::new();
    for (name, level) in levels {
        let field = format!("{field}.{name}");
        let name = problems.take(level, &field, ServiceLevel::new(name.as_str()));
        if let (Some(name), Some(policy)) = (name, policy(level, &field, problems)) {
            policies.insert(name, policy);
        }
    }
    policies
}

fn policy(level: &At<LevelFile>, field: &str, problems: &mut Problems) -> Option<Policy> {
    let file = &level.value;
    let fastest = problems.take(&file.fastest, format!("{field}.fastest"), Cadence::new(file.fastest.value));
    let slowest = problems.take(&file.slowest, format!("{field}.slowest"), Cadence::new(file.slowest.value));
    let mut policy = Policy::new(problems.take(level, field, CadenceRange::new(fastest?, slowest?))?);
    if let Some(staleness) = &file.max_staleness {
        let slowest = u32::from(policy.range.slowest().minutes());
        if !(slowest..=MAX_HOLD_MINUTES).contains(&staleness.value) {
            let message = format!(
                "`{}` is not between the slowest cadence ({slowest}) and {MAX_HOLD_MINUTES} minutes",
                staleness.value
            );
            problems.with(staleness, format!("{field}.max_staleness"), message);
        }
        policy.max_staleness_minutes = staleness.value;
    }
    Some(policy)
}

/// A job type's policies: the channel's, with its own in their place. A level that is not declared gets the policy of the
/// one that polls least. None when there is no level at all.
pub(super) fn spec(
    id: JobTypeId,
    channel: &BTreeMap<ServiceLevel, Policy>,
    own: BTreeMap<ServiceLevel, Policy>,
) -> Option<JobTypeSpec> {
    let mut levels = channel.clone();
    levels.extend(own);
    let least =
        levels.values().max_by_key(|policy| (policy.range.fastest(), policy.range.slowest()))?.clone();
    let mut spec = JobTypeSpec::new(id, least.range);
    spec.default_policy = least;
    spec.levels = levels;
    Some(spec)
}
