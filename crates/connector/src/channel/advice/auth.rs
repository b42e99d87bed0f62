//! Scopes of tokens and of limits that do not fit the channel's `auth`.

use super::cadence::with_files;
use crate::channel::auth::{Auth, Origin};
use crate::channel::file::{At, ChannelFile, LimitFile};
use crate::channel::problem::Problems;
use crate::channel::{Channel, LimitScope, Need};
use crate::nearest;

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    token_scopes(file, channel, problems);
    limit_scopes(&file.limits, "limits", channel, problems);
    for (job, declared) in with_files(file, channel) {
        let field = format!("job_types.{}.limits", job.spec.id.name());
        limit_scopes(&declared.value.limits, &field, channel, problems);
    }
}

/// The scopes that a job type needs are asked for.
fn token_scopes(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    for (job, declared) in with_files(file, channel) {
        let field = |index: usize| format!("job_types.{}.oauth_scopes[{index}]", job.spec.id.name());
        for (index, scope) in declared.value.oauth_scopes.iter().enumerate() {
            let asked = match &channel.auth {
                Auth::None => {
                    let message = "has no use where the channel says `auth: none`";
                    problems.warn(scope.place, field(index), message);
                    continue;
                }
                // Tokens come from elsewhere, with scopes that we do not know.
                Auth::By(rules) => rules.oauth2.as_ref().map(|oauth2| &oauth2.scopes),
            };
            // Without any, the server gives those that the client is registered with.
            let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { continue };
            if !asked.contains(&scope.value) {
                let hint = nearest::hint(&scope.value, asked.iter().map(String::as_str));
                let message = format!("`{}` is not among `auth.oauth2.scopes`{hint}", scope.value);
                problems.warn(scope.place, field(index), message);
            }
        }
    }
}

/// What a limit counts is there to be counted.
fn limit_scopes(limits: &[At<LimitFile>], field: &str, channel: &Channel, problems: &mut Problems) {
    for (index, limit) in limits.iter().enumerate() {
        let (scope, without) = (limit.value.scope, limit.value.scope_without_token);
        let rules = match &channel.auth {
            Auth::None => None,
            Auth::By(rules) => Some(rules),
        };
        let is_optional = channel.job_types.values().any(|job| job.need == Need::Optional);
        let message = match (scope, rules) {
            (LimitScope::Account, None) => {
                "`account`, but no request says whose it is: such limits count the address, so `host` or `application`"
            }
            (LimitScope::Account, Some(rules)) if rules.from == Origin::Application => {
                "`account`, but requests carry the application's credentials: `application` or `token`"
            }
            (LimitScope::Token, rules) if rules.is_none_or(|rules| rules.from == Origin::Account) => {
                "`token` counts the application's tokens, and requests do not carry them: use `account`"
            }
            (LimitScope::Account | LimitScope::Application | LimitScope::Token, _)
            | (LimitScope::Host | LimitScope::Endpoint, _) => {
                let calls = limit.value.calls_without_token.as_ref();
                for (name, is_there) in
                    [("scope_without_token", without.is_some()), ("calls_without_token", calls.is_some())]
                {
                    if is_there && !is_optional {
                        let field = format!("{field}[{index}].{name}");
                        problems.warn(limit.place, field, "has no use: every request has a token");
                    }
                }
                continue;
            }
        };
        problems.warn(limit.place, format!("{field}[{index}].scope"), message);
    }
}
