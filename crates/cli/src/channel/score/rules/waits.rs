//! Waits that the server asks for, and those that failures ask for.

use std::time::{Duration, SystemTime};

use pollwheel_core::decide::Step;
use pollwheel_core::id::AccountId;

use super::super::rig::{Rig, after, empty, with, without};
use super::super::verdict::Measured;
use super::at_least;

/// Polls after which somebody who is gone must have been parked.
const PATIENCE: usize = 20;
/// Failures in a row after which the wait must have grown.
const FAILURES: usize = 6;
/// Jobs whose waits are measured: waits are drawn, so that one job's may shrink for once.
const FAILING_JOBS: u64 = 64;
const HALF_AN_HOUR: u64 = 1800;

/// Headers by which a server asks for a pause.
const FLOORS: [&str; 3] = ["cache-control", "expires", "x-poll-interval"];

pub(super) fn floors(rig: &Rig<'_>) -> Vec<Measured> {
    let Some((_, row, now)) = rig.stage() else { return Vec::new() };
    let Some(page) = rig.page() else { return Vec::new() };
    let policy = rig.job_type.spec().policy(&row.level);
    // Longer than the cadence, so that it shows, and no longer than the channel lets a server ask for.
    let fastest = u64::from(policy.range.fastest().minutes());
    let seconds = 60 * (fastest * 2 + 1).min(u64::from(policy.max_staleness_minutes));
    let plain = without(page, &FLOORS);
    let mut measured = Vec::new();
    for name in FLOORS {
        let is_given = rig.gives(name, |value| match name {
            "cache-control" => max_age(value) > 0,
            // A date in the past is how servers say that nothing may be stored, not when to come again.
            "expires" => is_after(value, now),
            _ => true,
        });
        if !is_given {
            continue;
        }
        let value = match name {
            "cache-control" => format!("private, max-age={seconds}"),
            "expires" => date(now + Duration::from_secs(10 * 86_400)),
            _ => seconds.to_string(),
        };
        let wait = rig.wait_after(&with(&plain, &[(name, &value)]));
        measured.push(at_least(name, wait, seconds));
    }
    if measured.is_empty() {
        measured.push(Measured::Moot("no recorded answer asks for a pause by a header".to_owned()));
    }
    measured
}

fn max_age(value: &str) -> u64 {
    let directives = value.split(',').filter_map(|directive| directive.trim().strip_prefix("max-age="));
    directives.filter_map(|age| age.parse().ok()).max().unwrap_or(0)
}

fn is_after(date: &str, instant: SystemTime) -> bool {
    let date = jiff::fmt::rfc2822::parse(date).map(|date| SystemTime::from(date.timestamp()));
    date.is_ok_and(|date| date > instant)
}

/// A date as HTTP writes it.
fn date(instant: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(instant).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn retry_after(rig: &Rig<'_>) -> Vec<Measured> {
    let seconds = HALF_AN_HOUR.to_string();
    [429, 503]
        .into_iter()
        .map(|status| {
            let wait = rig.wait_after(&empty(status, &[("Retry-After", &seconds)]));
            at_least(&format!("Retry-After on {status}"), wait, HALF_AN_HOUR)
        })
        .collect()
}

pub(super) fn backoff(rig: &Rig<'_>) -> Vec<Measured> {
    let Some((stage, start, begins)) = rig.stage() else { return Vec::new() };
    let mut sums = [0; FAILURES];
    for number in 0..FAILING_JOBS {
        let (mut row, mut now) = (start.clone(), begins);
        let Ok(account) = AccountId::new(format!("score-{number}")) else { continue };
        row.job.account = account;
        for sum in &mut sums {
            let turn = rig.turn(&stage, &row, now, |_| empty(500, &[]));
            let (Some(wait), Some(next)) = (turn.follows.wait_seconds(), after(now, &turn)) else { break };
            *sum += wait / 60;
            (row, now) = (turn.follows.row, next);
        }
    }
    let means = sums.map(|sum| sum / FAILING_JOBS);
    let text =
        format!("minutes between {FAILURES} failures in a row, mean of {FAILING_JOBS} jobs: {means:?}");
    // A sum that is nothing is of jobs that were parked by then.
    let grows = sums.last() > sums.first() || sums.last() == Some(&0);
    vec![if grows { Measured::Good(text) } else { Measured::Bad(text) }]
}

pub(super) fn parking(rig: &Rig<'_>) -> Vec<Measured> {
    [404, 410, 401].into_iter().map(|status| parked_after(rig, status)).collect()
}

fn parked_after(rig: &Rig<'_>, status: u16) -> Measured {
    let Some((stage, mut row, mut now)) = rig.stage() else {
        return Measured::Bad("the job cannot be set up".to_owned());
    };
    let slowest = rig.job_type.spec().policy(&row.level).range.slowest().minutes();
    for poll in 1..=PATIENCE {
        let turn = rig.turn(&stage, &row, now, |_| empty(status, &[]));
        if matches!(turn.follows.decision.step, Step::Park(_)) {
            return Measured::Good(format!("{status}: parked after {poll} polls"));
        }
        let Some(next) = after(now, &turn) else { break };
        // Where nobody logs in, nobody is refused for good; asking as rarely as the level allows is all that can be done.
        let wait = turn.follows.wait_seconds().unwrap_or_default() / 60;
        if status == 401 && !rig.channel.describe(rig.job_type).is_authenticated && wait >= u64::from(slowest)
        {
            return Measured::Good(format!("401: nobody logs in, asked every {wait} min after {poll} polls"));
        }
        (row, now) = (turn.follows.row, next);
    }
    Measured::Bad(format!("{status}: still polled after {PATIENCE} polls"))
}
