//! Many jobs at once, and what each request says of who asks.

use std::collections::HashMap;

use pollwheel_core::id::{AccountId, JobId};
use pollwheel_core::wheel::Cohort;

use super::super::CONTACT;
use super::super::rig::{Rig, with};
use super::super::verdict::Measured;

/// Jobs of a made-up deployment.
const JOBS: u32 = 3000;
/// Most of them in one second, in parts of a hundred: evenly over 50 seconds it were 2.
const MAX_IN_A_SECOND_PERCENT: u32 = 5;
/// A minute may hold so many times its even share.
const MAX_OVER_SHARE: u32 = 2;
/// Pages in one poll, and requests at once to one host, that nobody can call impolite.
const MAX_PAGES: usize = 50;
const MAX_CONCURRENT: u16 = 16;

pub(super) fn restart(rig: &Rig<'_>) -> Vec<Measured> {
    let spec = rig.job_type.spec();
    let cadences: Vec<_> = spec.levels.values().map(|policy| policy.range.fastest()).collect();
    let mut measured = Vec::new();
    let mut seconds: HashMap<u16, u32> = HashMap::new();
    for cadence in cadences {
        let mut minutes: HashMap<u16, u32> = HashMap::new();
        for job in jobs(rig) {
            *minutes.entry(Cohort::of(&job, cadence, spec.shards).phase).or_default() += 1;
        }
        let most = minutes.values().copied().max().unwrap_or(0);
        let share = JOBS / u32::from(cadence.minutes());
        let text = format!("of {JOBS} jobs every {cadence} min, {most} in the fullest minute");
        let is_even = most <= share.max(10) * MAX_OVER_SHARE;
        measured.push(if is_even { Measured::Good(text) } else { Measured::Bad(text) });
    }
    // An outage ends in one round of everything that was due: within the minute it is spread all the same.
    for job in jobs(rig) {
        *seconds.entry(spec.usual_seconds(&job)).or_default() += 1;
    }
    let most = seconds.values().copied().max().unwrap_or(0);
    let text = format!("{most} of {JOBS} jobs in the fullest second after an outage");
    let is_spread = most * 100 <= JOBS * MAX_IN_A_SECOND_PERCENT;
    measured.push(if is_spread { Measured::Good(text) } else { Measured::Bad(text) });
    measured
}

fn jobs<'r>(rig: &'r Rig<'_>) -> impl Iterator<Item = JobId> + 'r {
    (0..JOBS).filter_map(|number| {
        let account = AccountId::new(format!("account-{number}")).ok()?;
        Some(JobId { job_type: rig.job_type.spec().id.clone(), account, target: None })
    })
}

pub(super) fn user_agent(rig: &Rig<'_>) -> Vec<Measured> {
    let (Some((stage, row, now)), Some(page)) = (rig.stage(), rig.page()) else { return Vec::new() };
    let turn = rig.turn(&stage, &row, now, |_| page.clone());
    let agents: Vec<&str> =
        turn.asked.iter().map(|asked| asked.header("user-agent").unwrap_or_default()).collect();
    let is_true = |agent: &&str| agent.starts_with("pollwheel/") && agent.contains(CONTACT);
    vec![match agents.iter().find(|agent| !is_true(agent)) {
        None => Measured::Good(format!("`{}`", agents.first().copied().unwrap_or_default())),
        Some(other) => Measured::Bad(format!("a request says `{other}`")),
    }]
}

pub(super) fn bounds(rig: &Rig<'_>) -> Vec<Measured> {
    let declared = rig.channel.describe(rig.job_type);
    let concurrent = declared.max_concurrent_per_host;
    let at_once = format!("{concurrent} requests at once to a host");
    let at_once = if concurrent <= MAX_CONCURRENT { Measured::Good(at_once) } else { Measured::Bad(at_once) };
    let Some((stage, row, now, page)) = rig.burst() else {
        return vec![at_once, Measured::Moot("no recorded poll brings anything new".to_owned())];
    };
    // Every page leads to another one.
    let mut pages = 0_u32;
    let turn = rig.turn(&stage, &row, now, |asked| {
        pages += 1;
        let joint = if asked.url.contains('?') { '&' } else { '?' };
        with(&page, &[("Link", &format!("<{}{joint}x={pages}>; rel=\"next\"", asked.url))])
    });
    let asked = turn.asked.len();
    let text = format!("{asked} requests in a poll whose pages do not end, {} declared", declared.max_pages);
    let is_bounded = asked <= MAX_PAGES && asked <= usize::try_from(declared.max_pages).unwrap_or(MAX_PAGES);
    vec![if is_bounded { Measured::Good(text) } else { Measured::Bad(text) }, at_once]
}
