//! `errors`, of the channel and of a job type.

use http::StatusCode;

use super::headers::header_name;
use super::limits::check_scope;
use super::{absent, body_filter};
use crate::channel::PerAccount;
use crate::channel::errors::{ErrorRule, RuleOutcome, StatusMatch, Wait};
use crate::channel::file::{At, ErrorRuleFile, WaitFile};
use crate::channel::problem::Problems;

pub(super) fn rules(
    files: &[At<ErrorRuleFile>],
    field: &str,
    per_account: PerAccount,
    problems: &mut Problems,
) -> Vec<ErrorRule> {
    let rules = files.iter().enumerate();
    rules
        .filter_map(|(index, file)| rule(file, &format!("{field}[{index}]"), per_account, problems))
        .collect()
}

fn rule(
    file: &At<ErrorRuleFile>,
    field: &str,
    per_account: PerAccount,
    problems: &mut Problems,
) -> Option<ErrorRule> {
    let ErrorRuleFile { header, body_contains, body, outcome, scope, .. } = &file.value;
    let statuses = statuses(&file.value, &format!("{field}.status"), problems);
    let header = match header {
        Some(name) => header_name(name, &format!("{field}.header"), &name.value, problems).map(Some),
        None => absent(),
    };
    let body = match body {
        Some(code) => body_filter(code, format!("{field}.body"), problems).map(Some),
        None => absent(),
    };
    if let Some(scope) = scope {
        let at = format!("{field}.scope");
        check_scope(scope.value, scope, &at, per_account, problems);
        if outcome.value != RuleOutcome::RateLimited {
            problems.with(scope, at, "has a use with `outcome: rate_limited` only");
        }
    }
    let wait = wait(&file.value, &format!("{field}.wait"), problems);
    Some(ErrorRule {
        statuses: statuses?,
        header: header?,
        body_contains: body_contains.as_ref().map(|text| text.value.clone()),
        body: body?,
        outcome: outcome.value,
        scope: scope.as_ref().map(|scope| scope.value),
        wait: wait?,
    })
}

fn statuses(file: &ErrorRuleFile, field: &str, problems: &mut Problems) -> Option<Vec<StatusMatch>> {
    let at = &file.status;
    if at.value.0.is_empty() {
        problems.with(at, field, "is empty: name a status");
    }
    let says_body = file.body.is_some() || file.body_contains.is_some();
    let mut matches = Vec::new();
    for text in &at.value.0 {
        match status(text) {
            Some(StatusMatch::One(StatusCode::OK)) if !says_body => {
                let message = "200 needs `body` or `body_contains`: without, no response would have items";
                problems.with(at, field, message);
            }
            Some(found) => matches.push(found),
            None => {
                let text = text.escape_debug();
                let message = format!("`{text}` is none of 200, 400 to 599, `4xx` and `5xx`");
                problems.with(at, field, message);
            }
        }
    }
    (!matches.is_empty()).then_some(matches)
}

fn status(text: &str) -> Option<StatusMatch> {
    match text {
        "4xx" => Some(StatusMatch::Class(4)),
        "5xx" => Some(StatusMatch::Class(5)),
        text => {
            let number: u16 = text.parse().ok().filter(|number| matches!(number, 200 | 400..=599))?;
            StatusCode::from_u16(number).ok().map(StatusMatch::One)
        }
    }
}

fn wait(file: &ErrorRuleFile, field: &str, problems: &mut Problems) -> Option<Option<Wait>> {
    let Some(wait) = &file.wait else { return absent() };
    match file.outcome.value {
        RuleOutcome::RateLimited | RuleOutcome::ServerError => {}
        RuleOutcome::Unauthorized | RuleOutcome::Gone | RuleOutcome::BadResponse | RuleOutcome::Unchanged => {
            let message = "has a use with `outcome: rate_limited` and `outcome: server_error` only";
            problems.with(wait, field, message);
        }
    }
    let WaitFile { body, unit } = &wait.value;
    let body = body_filter(body, format!("{field}.body"), problems)?;
    Some(Some(Wait { body, unit: *unit }))
}
