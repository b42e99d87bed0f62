//! `limits`, of the channel and of a job type.

use super::headers::header_name;
use super::{absent, body_filter};
use crate::channel::PerAccount;
use crate::channel::file::{At, BodyQuotaFile, ChannelFile, LimitFile, LimitHeadersFile, UsageFile};
use crate::channel::limits::{
    Allowance, BodyQuota, Limit, LimitScope, LimitSource, PolicyName, Reset, ResetFormat, Usage, WaitUnit,
};
use crate::channel::problem::Problems;

pub(super) fn limits(
    files: &[At<LimitFile>],
    field: &str,
    per_account: PerAccount,
    problems: &mut Problems,
) -> Vec<Limit> {
    let limits = files.iter().enumerate();
    limits
        .filter_map(|(index, file)| limit(file, &format!("{field}[{index}]"), per_account, problems))
        .collect()
}

fn limit(
    file: &At<LimitFile>,
    field: &str,
    per_account: PerAccount,
    problems: &mut Problems,
) -> Option<Limit> {
    let declared = file.value.scope;
    let without = file.value.scope_without_token.unwrap_or(declared);
    for scope in [declared, without] {
        check_scope(scope, file, &format!("{field}.scope"), per_account, problems);
    }
    let allowance = allowance(file, field, problems)?;
    let calls_without_token = calls_without_token(file, field, problems)?;
    let source = source(file, field, allowance, problems)?;
    Some(Limit::new((declared, without), file.value.cushion, allowance, calls_without_token, source))
}

/// What shares a scope and a window has one counter. So two limits of the same are one, and must say the same.
pub(super) fn check_counted_together(file: &ChannelFile, problems: &mut Problems) {
    let of_channel = file.limits.iter().enumerate().map(|(index, limit)| (None, index, limit));
    let of_jobs = file.job_types.value.iter().flat_map(|(name, job)| {
        job.value.limits.iter().enumerate().map(move |(index, limit)| (Some(name), index, limit))
    });
    let mut before: Vec<(Option<&String>, Counted, String)> = Vec::new();
    for (job, index, limit) in of_channel.chain(of_jobs) {
        let field = match job {
            Some(job) => format!("job_types.{job}.limits[{index}]"),
            None => format!("limits[{index}]"),
        };
        for counted in counted(&limit.value) {
            let is_together = |(other_job, other, _): &&(Option<&String>, Counted, String)| {
                // Each endpoint has its own.
                let is_apart = counted.scope == LimitScope::Endpoint
                    && job.zip(*other_job).is_some_and(|(job, other)| job != other);
                !is_apart && (other.scope, other.window_seconds) == (counted.scope, counted.window_seconds)
            };
            let other = before.iter().filter(is_together).find(|(_, other, _)| *other != counted);
            if let Some((_, other, there)) = other {
                let message = format!(
                    "shares its scope and its window with `{there}`, so both are counted together, and allows {} instead of {}: keep one of them; what one job type alone may use has `scope: endpoint`",
                    counted.units, other.units
                );
                problems.with(limit, &field, message);
            }
            before.push((job, counted, field.clone()));
        }
    }
}

/// What a limit has one counter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    scope: LimitScope,
    window_seconds: u64,
    units: u64,
}

/// The counters of a limit: an account's own has none, and one that requests without a token share has another.
fn counted(limit: &LimitFile) -> Vec<Counted> {
    let (Some(calls), Some(window)) = (&limit.calls, &limit.window_seconds) else { return Vec::new() };
    let without = limit.calls_without_token.as_ref().unwrap_or(calls);
    let of = |scope, calls: &At<u64>| Counted {
        scope,
        window_seconds: window.value,
        units: calls.value.saturating_sub(limit.cushion),
    };
    let mut found =
        vec![of(limit.scope, calls), of(limit.scope_without_token.unwrap_or(limit.scope), without)];
    found.retain(|counted| counted.scope != LimitScope::Account);
    found.dedup();
    found
}

/// Any host could say that its window is spent, and stop the channel for everyone.
pub(super) fn check_scope<T>(
    scope: LimitScope,
    at: &At<T>,
    field: &str,
    per_account: PerAccount,
    problems: &mut Problems,
) {
    let name = match scope {
        LimitScope::Application => "application",
        LimitScope::Endpoint => "endpoint",
        LimitScope::Account | LimitScope::Token | LimitScope::Host => return,
    };
    if per_account == PerAccount::Required {
        let message = format!("`{name}` cannot be the scope where every account has a host of its own");
        problems.with(at, field, message);
    }
}

fn allowance(file: &At<LimitFile>, field: &str, problems: &mut Problems) -> Option<Option<Allowance>> {
    let LimitFile { calls, window_seconds, cushion, .. } = &file.value;
    for (name, number) in [("calls", calls), ("window_seconds", window_seconds)] {
        if let Some(number) = number.as_ref().filter(|number| number.value == 0) {
            problems.with(number, format!("{field}.{name}"), "is 0");
            return None;
        }
    }
    match (calls, window_seconds) {
        (None, None) => absent(),
        (Some(calls), Some(window)) => {
            if file.value.usage.is_none() && *cushion >= calls.value {
                let message = format!("{cushion} of {} calls are left unused: none remain", calls.value);
                problems.with(calls, format!("{field}.cushion"), message);
            }
            Some(Some(Allowance { calls: calls.value, window_seconds: window.value }))
        }
        (Some(calls), None) => {
            problems.with(
                calls,
                format!("{field}.window_seconds"),
                "is missing: `calls` in how many seconds?",
            );
            None
        }
        (None, Some(window)) => {
            problems.with(window, format!("{field}.calls"), "is missing: how many in `window_seconds`?");
            None
        }
    }
}

fn calls_without_token(file: &At<LimitFile>, field: &str, problems: &mut Problems) -> Option<Option<u64>> {
    let LimitFile { scope, scope_without_token, calls, calls_without_token, cushion, usage, .. } =
        &file.value;
    let Some(without) = calls_without_token else { return absent() };
    let message = if without.value == 0 {
        "is 0: where every request needs a token, `auth` says so".to_owned()
    } else if calls.is_none() {
        "has no use without `calls` and `window_seconds`".to_owned()
    } else if scope_without_token.is_none_or(|without| without == *scope) {
        "needs a `scope_without_token` other than `scope`: what shares a scope is counted together".to_owned()
    } else if usage.is_none() && *cushion >= without.value {
        format!("is {}, of which the cushion of {cushion} leaves none", without.value)
    } else {
        return Some(Some(without.value));
    };
    problems.with(without, format!("{field}.calls_without_token"), message);
    None
}

/// The one place where responses tell of the limit.
fn source(
    file: &At<LimitFile>,
    field: &str,
    allowance: Option<Allowance>,
    problems: &mut Problems,
) -> Option<LimitSource> {
    let LimitFile { headers, ratelimit, usage, body, .. } = &file.value;
    match (headers, ratelimit, usage, body) {
        (Some(headers), None, None, None) => self::headers(headers, &format!("{field}.headers"), problems),
        (None, Some(name), None, None) => Some(LimitSource::RateLimit(match name.value.as_str() {
            "any" => PolicyName::Any,
            name => PolicyName::Named(name.to_owned()),
        })),
        (None, None, Some(usage), None) => self::usage(file, usage, field, problems),
        (None, None, None, Some(body)) => quota(body, &format!("{field}.body"), problems),
        (None, None, None, None) if allowance.is_some() => Some(LimitSource::Documented),
        (None, None, None, None) => {
            let message = "tells of nothing: give `headers`, `ratelimit`, `usage` or `body`, or else `calls` and `window_seconds`";
            problems.with(file, field, message);
            None
        }
        _ => {
            let message =
                "has several of `headers`, `ratelimit`, `usage` and `body`: make each a limit of its own";
            problems.with(file, field, message);
            None
        }
    }
}

fn headers(file: &LimitHeadersFile, field: &str, problems: &mut Problems) -> Option<LimitSource> {
    let remaining = &file.remaining;
    let remaining = header_name(remaining, &format!("{field}.remaining"), &remaining.value, problems);
    let reset = match &file.reset {
        None => absent(),
        Some(reset) => {
            let name = header_name(&reset.name, &format!("{field}.reset.name"), &reset.name.value, problems);
            name.map(|name| Some(Reset { name, format: reset.format }))
        }
    };
    Some(LimitSource::Headers { remaining: remaining?, reset: reset? })
}

fn usage(at: &At<LimitFile>, file: &UsageFile, field: &str, problems: &mut Problems) -> Option<LimitSource> {
    let UsageFile { header, percents, wait, wait_unit } = file;
    if at.value.cushion >= 100 {
        problems.with(at, format!("{field}.cushion"), "is in percent here: at most 99");
    }
    let field = &format!("{field}.usage");
    let name = header_name(header, &format!("{field}.header"), &header.value, problems);
    if percents.is_empty() {
        problems.with(header, format!("{field}.percents"), "is empty: name the members that are percentages");
    }
    let unit = match (wait, wait_unit) {
        (None, Some(unit)) => {
            problems.with(unit, format!("{field}.wait_unit"), "has no use without `wait`");
            return None;
        }
        (_, unit) => unit.as_ref().map_or(WaitUnit::Seconds, |unit| unit.value),
    };
    Some(LimitSource::Usage(Usage {
        header: name?,
        percents: percents.iter().map(|percent| percent.value.clone()).collect(),
        wait: wait.as_ref().map(|wait| (wait.value.clone(), unit)),
    }))
}

fn quota(file: &BodyQuotaFile, field: &str, problems: &mut Problems) -> Option<LimitSource> {
    let remaining = body_filter(&file.remaining, format!("{field}.remaining"), problems);
    let reset = match (&file.reset, &file.format) {
        (None, None) => absent(),
        (None, Some(format)) => {
            problems.with(format, format!("{field}.format"), "has no use without `reset`");
            None
        }
        (Some(reset), format) => {
            let format = format.as_ref().map_or(ResetFormat::DeltaSeconds, |format| format.value);
            body_filter(reset, format!("{field}.reset"), problems).map(|reset| Some((reset, format)))
        }
    };
    Some(LimitSource::Body(BodyQuota { remaining: remaining?, reset: reset? }))
}
