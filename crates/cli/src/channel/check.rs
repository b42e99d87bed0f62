//! `pollwheel channel check`: what channel files declare, or everything that is wrong with them.

use pollwheel_connector::{Channel, ChannelSet};
use pollwheel_core::policy::JobTypeSpec;
use serde_json::{Value, json};

use super::args::CheckArgs;
use super::{folder, problem_json};
use crate::exit::Failure;
use crate::output::Output;

/// Checks a folder.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let loaded = ChannelSet::load(&folder(&args.folder)?);
    if !args.json {
        let channels = loaded.map_err(|errors| Failure::Input(errors.to_string()))?;
        return show(&channels);
    }
    let mut output = Output::new();
    match loaded {
        Ok(channels) => {
            let channels: Vec<Value> = channels.iter().map(channel_json).collect();
            output.json(&json!({"ok": true, "channels": channels}))?;
            output.finish()
        }
        Err(errors) => {
            output.json(
                &json!({"ok": false, "problems": errors.0.iter().map(problem_json).collect::<Vec<Value>>()}),
            )?;
            output.finish()?;
            Err(Failure::Input(errors.to_string()))
        }
    }
}

fn show(channels: &ChannelSet) -> Result<(), Failure> {
    let mut output = Output::new();
    for channel in channels.iter() {
        output.line(format_args!("{}: {}", channel.name(), channel.about()))?;
        for spec in channel.job_types().map(|job_type| job_type.spec()) {
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
        }
    }
    output.line("ok")?;
    output.finish()
}

fn shards(spec: &JobTypeSpec) -> String {
    match spec.shards.get() {
        1 => "1 shard,".to_owned(),
        shards => format!("{shards} shards,"),
    }
}

fn channel_json(channel: &Channel) -> Value {
    let job_types: Vec<Value> = channel.job_types().map(|job_type| spec_json(job_type.spec())).collect();
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
        "service_levels": spec.levels.iter().map(level).collect::<Vec<Value>>(),
    })
}
