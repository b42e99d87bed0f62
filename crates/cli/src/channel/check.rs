//! `pollwheel channel check`: what channel files declare, everything that is wrong with them, and what is probably not
//! meant.

use pollwheel_connector::channel::{Description, LimitDescription, Told};
use pollwheel_connector::{Channel, ChannelSet, JobType};
use pollwheel_core::budget::{Budget, BudgetScope, Counted};
use pollwheel_core::policy::JobTypeSpec;
use serde_json::{Value, json};

use super::args::CheckArgs;
use super::{count, folder, problem_json};
use crate::exit::Failure;
use crate::output::Output;

/// Checks a folder.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let loaded = ChannelSet::load(&folder(&args.folder)?);
    let mut output = Output::new();
    let channels = match loaded {
        Ok(channels) => channels,
        Err(errors) => {
            if args.json {
                let problems: Vec<Value> = errors.0.iter().map(problem_json).collect();
                output.json(&json!({"ok": false, "problems": problems}))?;
                output.finish()?;
            }
            return Err(Failure::Input(errors.to_string()));
        }
    };
    let warnings: Vec<String> = channels.warnings().map(ToString::to_string).collect();
    let is_good = warnings.is_empty() || !args.strict;
    if args.json {
        let shown: Vec<Value> = channels.iter().map(channel_json).collect();
        let warned: Vec<Value> = channels.warnings().map(|warning| problem_json(&warning.0)).collect();
        output.json(&json!({"ok": is_good, "channels": shown, "warnings": warned}))?;
    } else {
        show(&channels, &mut output)?;
        for warning in &warnings {
            output.line(warning)?;
        }
        if warnings.is_empty() {
            output.line("ok")?;
        } else {
            output.line(format_args!("ok, with {}", count(warnings.len(), "warning")))?;
        }
    }
    output.finish()?;
    if is_good { Ok(()) } else { Err(Failure::Verdict) }
}

fn show(channels: &ChannelSet, output: &mut Output) -> Result<(), Failure> {
    for channel in channels.iter() {
        output.line(format_args!("{}: {}", channel.name(), channel.about()))?;
        for job_type in channel.job_types() {
            show_job_type(channel, job_type, output)?;
        }
    }
    Ok(())
}

fn show_job_type(channel: &Channel, job_type: &JobType, output: &mut Output) -> Result<(), Failure> {
    let spec = job_type.spec();
    output.line(format_args!(
        "  {}: {} a minute's jobs spread over {} s, nothing dispatched while {} wait",
        spec.id,
        shards(spec),
        spec.spread_seconds,
        spec.backlog_limit
    ))?;
    for (level, policy) in &spec.levels {
        output.line(format_args!(
            "    {level}: every {} to {} min, at most {} min when the server asks for more",
            policy.range.fastest(),
            policy.range.slowest(),
            policy.max_staleness_minutes
        ))?;
    }
    let Description {
        is_get: _,
        is_authenticated: _,
        is_conditional,
        max_pages,
        max_concurrent_per_host,
        limits,
    } = channel.describe(job_type);
    let conditional = if is_conditional { "conditional" } else { "not conditional" };
    let pages = count(usize::try_from(max_pages).unwrap_or(usize::MAX), "page");
    output.line(format_args!(
        "    requests: {conditional}, at most {pages} a poll, {max_concurrent_per_host} at once to a host"
    ))?;
    for limit in &limits {
        output.line(format_args!("    limit: {}", limit_text(limit)))?;
    }
    for budget in &spec.budgets {
        output.line(format_args!("    reserved: {}", budget_text(budget)))?;
    }
    Ok(())
}

fn limit_text(limit: &LimitDescription) -> String {
    let LimitDescription { scope, cushion, told } = limit;
    let told = match told {
        Told::Nowhere => "documented, told by no response".to_owned(),
        Told::Headers { remaining, reset: Some((reset, format)) } => {
            format!("told by {remaining} and {reset} ({format})")
        }
        Told::Headers { remaining, reset: None } => format!("told by {remaining}"),
        Told::RateLimit(Some(policy)) => format!("told by RateLimit, policy `{policy}`"),
        Told::RateLimit(None) => "told by RateLimit, the tightest policy".to_owned(),
        Told::Usage { header, percents, wait: _ } => format!("told by {header}: {}", percents.join(", ")),
        Told::Body => "told by the body".to_owned(),
    };
    format!("of the {scope}, {told}, with a cushion of {cushion}")
}

fn budget_text(budget: &Budget) -> String {
    let of = match &budget.scope {
        BudgetScope::Application => "of the application".to_owned(),
        BudgetScope::Endpoint => "of the endpoint".to_owned(),
        BudgetScope::Token => "of a token".to_owned(),
        BudgetScope::Host(Some(host)) => format!("of {host}"),
        BudgetScope::Host(None) => "of a host".to_owned(),
    };
    let counted = match budget.counted {
        Counted::Every => "",
        Counted::WithToken => ", for requests with a token",
        Counted::WithoutToken => ", for requests without a token",
    };
    match budget.slots() {
        Some(slots) => format!("{of}, {} units every {} s{counted}", slots.most, slots.seconds),
        None => format!("{of}, too few to be shared: no request is made{counted}"),
    }
}

fn shards(spec: &JobTypeSpec) -> String {
    match spec.shards.get() {
        1 => "1 shard,".to_owned(),
        shards => format!("{shards} shards,"),
    }
}

fn channel_json(channel: &Channel) -> Value {
    let job_type = |job_type: &JobType| {
        let mut value = spec_json(job_type.spec());
        value["requests"] = json!(channel.describe(job_type));
        value
    };
    let job_types: Vec<Value> = channel.job_types().map(job_type).collect();
    json!({"channel": channel.name(), "about": channel.about(), "docs": channel.docs(), "job_types": job_types})
}

fn spec_json(spec: &JobTypeSpec) -> Value {
    let level = |(level, policy): (&pollwheel_core::id::ServiceLevel, &pollwheel_core::policy::Policy)| {
        json!({
            "service_level": level,
            "fastest_minutes": policy.range.fastest(),
            "slowest_minutes": policy.range.slowest(),
            "max_staleness_minutes": policy.max_staleness_minutes,
        })
    };
    json!({
        "job_type": spec.id,
        "shards": spec.shards,
        "spread_seconds": spec.spread_seconds,
        "backlog_limit": spec.backlog_limit,
        "budgets": spec.budgets,
        "service_levels": spec.levels.iter().map(level).collect::<Vec<Value>>(),
    })
}
