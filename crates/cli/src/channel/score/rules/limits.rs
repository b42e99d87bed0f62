//! Rate limits: those that are declared, and those that answers tell of all the same.

use std::time::{Duration, SystemTime};

use pollwheel_connector::channel::{LimitDescription, Told};
use pollwheel_connector::recording::{Answer, Tree, play};
use pollwheel_core::outcome::LimitReading;

use super::super::rig::{Rig, with};
use super::super::verdict::Measured;
use super::at_least;
use crate::channel::live::{Follows, timestamp};

/// How far away the reset is.
const RESET_SECONDS: u64 = 2400;
/// Parts of header names that tell of a limit.
const TELLING: [&str; 3] = ["ratelimit", "rate-limit", "usage"];

pub(super) fn cushion(rig: &Rig<'_>) -> Vec<Measured> {
    let mut measured = made_up(rig);
    measured.extend(recorded(rig));
    if measured.is_empty() {
        measured.push(Measured::Moot("no limit is declared that an answer could tell of".to_owned()));
    }
    measured
}

/// Answers that say that just the cushion is left.
fn made_up(rig: &Rig<'_>) -> Vec<Measured> {
    let (Some(page), Some((_, _, now))) = (rig.page(), rig.stage()) else { return Vec::new() };
    let spent = |limit: &LimitDescription| {
        let answer = spent(page, limit, now)?;
        Some(at_least(
            &format!("{} limit, cushion of {} left", limit.scope, limit.cushion),
            rig.wait_after(&answer),
            RESET_SECONDS,
        ))
    };
    rig.channel.describe(rig.job_type).limits.iter().filter_map(spent).collect()
}

/// An answer by which a limit is down to its cushion; none where only a body could say so.
fn spent(page: &Answer, limit: &LimitDescription, now: SystemTime) -> Option<Answer> {
    // The poll comes some minutes after `now`; a `Date` fixes what the instants are compared with.
    let now = jiff::Timestamp::try_from(now).ok()?;
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let page = with(page, &[("Date", &date)]);
    let cushion = limit.cushion.to_string();
    match &limit.told {
        Told::Nowhere | Told::Body => None,
        Told::Headers { remaining, reset } => {
            let (name, format) = reset.as_ref()?;
            let at = now + Duration::from_secs(RESET_SECONDS);
            let value = match *format {
                "delta_seconds" => RESET_SECONDS.to_string(),
                "epoch_seconds" => at.as_second().to_string(),
                "epoch_millis" => at.as_millisecond().to_string(),
                _ => at.to_string(),
            };
            Some(with(&page, &[(remaining, &cushion), (name, &value)]))
        }
        Told::RateLimit(policy) => {
            let policy = policy.as_deref().unwrap_or("default");
            Some(with(&page, &[("RateLimit", &format!("\"{policy}\";r={cushion};t={RESET_SECONDS}"))]))
        }
        Told::Usage { header, percents, wait } => {
            let used = 100_u64.saturating_sub(limit.cushion);
            let mut members: Vec<String> = percents.iter().map(|name| format!("\"{name}\":{used}")).collect();
            let (wait, unit) = wait.as_ref()?;
            let number = if *unit == "minutes" { RESET_SECONDS / 60 } else { RESET_SECONDS };
            members.push(format!("\"{wait}\":{number}"));
            Some(with(&page, &[(header, &format!("{{{}}}", members.join(",")))]))
        }
    }
}

/// Recorded polls in which a limit was spent.
fn recorded(rig: &Rig<'_>) -> Vec<Measured> {
    let mut measured = Vec::new();
    for case in &rig.cases {
        let Ok(played) = play(rig.channels, rig.channel, case) else { continue };
        let spent = played.polled.hints.limits.iter().filter(|limit| limit.is_spent());
        let resets = spent.filter_map(|limit: &LimitReading| limit.reset_seconds);
        let refused = played.polled.outcome.refusal().and_then(|(_, reset)| reset);
        let Some(reset) = resets.chain(refused).max() else { continue };
        let Ok(stage) = pollwheel_connector::recording::Stage::of(rig.channels, rig.channel, case) else {
            continue;
        };
        let now = case.now.parse::<jiff::Timestamp>().map_or(SystemTime::UNIX_EPOCH, SystemTime::from);
        let row = rig.at_fastest(stage.row().clone());
        let spec = rig.job_type.spec();
        let follows = Follows::of(&row, &played.polled, spec, timestamp(now));
        let capped = reset.min(u64::from(spec.policy(&row.level).hold_cap_minutes) * 60);
        measured.push(at_least("a recorded limit", Some(follows.wait_seconds()), capped));
    }
    measured
}

/// Headers of recorded answers that tell of a limit must be read by somebody.
pub(super) fn declared(rig: &Rig<'_>) -> Vec<Measured> {
    let limits = rig.channel.describe(rig.job_type).limits;
    let is_told = limits.iter().any(|limit| limit.told != Told::Nowhere);
    let mut telling: Vec<String> = rig
        .cases
        .iter()
        .flat_map(|case| &case.exchanges)
        .flat_map(|exchange| exchange.response.headers.keys())
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| TELLING.iter().any(|part| name.contains(part)))
        .collect();
    telling.sort();
    telling.dedup();
    let is_in_body = rig.cases.iter().flat_map(|case| &case.exchanges).any(|exchange| {
        let body = exchange.response.body.as_ref();
        body.is_some_and(|body| {
            ["quota_remaining", "quota_max"].iter().any(|name| body.get(name).map(Tree::compact).is_some())
        })
    });
    match (telling.is_empty() && !is_in_body, is_told) {
        (true, _) => vec![Measured::Moot("no recorded answer tells of a limit".to_owned())],
        (false, true) => vec![Measured::Good("the limits that answers tell of are declared".to_owned())],
        (false, false) => {
            vec![Measured::Bad(format!(
                "answers tell of a limit, and none is declared: {}",
                telling.join(", ")
            ))]
        }
    }
}
