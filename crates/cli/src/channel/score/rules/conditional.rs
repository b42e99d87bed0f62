//! Conditional requests.

use std::collections::HashMap;

use pollwheel_connector::recording::{Answer, Asking};
use pollwheel_core::outcome::Outcome;

use super::super::rig::{Rig, after, empty, with};
use super::super::verdict::Measured;

/// As odd as a validator may be. <https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3>
const ETAG: &str = "W/\"a,b;c=%20 ' \\d\"";
/// Not as a date would be written anew.
const MODIFIED: &str = "Mon,  23 Nov 2026 07:29:00 GMT";
/// Polls until the request of a quiet job stays the same: a first poll, one that has a cursor, one more.
const SETTLING_POLLS: usize = 4;
/// Polls of a job with nothing new.
const QUIET_POLLS: usize = 60;

/// A job type that has nothing to do with conditional requests, and why.
fn moot(rig: &Rig<'_>) -> Option<Measured> {
    let is_given = rig.gives("etag", |_| true) || rig.gives("last-modified", |_| true);
    let description = rig.channel.describe(rig.job_type);
    if !description.is_get {
        return Some(Measured::Moot("a POST has no validators".to_owned()));
    }
    match (is_given, description.is_conditional) {
        (true, true) => None,
        (true, false) => {
            let text = "`conditional: false`, and recorded answers carry validators";
            Some(Measured::Bad(text.to_owned()))
        }
        (false, _) => Some(Measured::Moot("no recorded answer carries a validator".to_owned())),
    }
}

pub(super) fn verbatim(rig: &Rig<'_>) -> Vec<Measured> {
    if let Some(moot) = moot(rig) {
        return vec![moot];
    }
    let (Some((stage, mut row, mut now)), Some(page)) = (rig.stage(), rig.page()) else { return Vec::new() };
    let page = with(page, &[("ETag", ETAG), ("Last-Modified", MODIFIED)]);
    for _ in 0..SETTLING_POLLS {
        let turn = rig.turn(&stage, &row, now, |_| page.clone());
        let sent = turn
            .asked
            .first()
            .map(|asked| (asked.header("if-none-match"), asked.header("if-modified-since")));
        if let Some((Some(etag), modified)) = sent {
            let is_verbatim = etag == ETAG && modified.is_none_or(|modified| modified == MODIFIED);
            return vec![if is_verbatim {
                Measured::Good(format!("`{ETAG}` came back as it was"))
            } else {
                Measured::Bad(format!("`{ETAG}` came back as `{etag}`"))
            }];
        }
        let Some(next) = after(now, &turn) else { break };
        (row, now) = (turn.follows.row, next);
    }
    vec![Measured::Bad(format!("no validator came back in {SETTLING_POLLS} polls"))]
}

pub(super) fn no_repeat(rig: &Rig<'_>) -> Vec<Measured> {
    if let Some(moot) = moot(rig) {
        return vec![moot];
    }
    let (Some((stage, mut row, mut now)), Some(page)) = (rig.stage(), rig.page()) else { return Vec::new() };
    let full = with(page, &[("ETag", ETAG), ("Last-Modified", MODIFIED)]);
    let mut given: HashMap<String, u32> = HashMap::new();
    let (mut repeats, mut unmodified, mut polls) = (0, 0, 0);
    for _ in 0..QUIET_POLLS {
        let turn = rig.turn(&stage, &row, now, |asked| answer(asked, &full));
        polls += 1;
        if let Some(first) = turn.asked.first() {
            let is_conditional = first.header("if-none-match").is_some();
            let earlier = given.entry(first.url.clone()).or_default();
            // The first answer to a request gives validators; from the second on they are known and kept.
            if !is_conditional && *earlier > 0 {
                repeats += 1;
            }
            *earlier += 1;
            unmodified +=
                u32::from(is_conditional && matches!(turn.polled.outcome, Outcome::Unchanged { .. }));
        }
        let Some(next) = after(now, &turn) else { break };
        (row, now) = (turn.follows.row, next);
    }
    vec![if repeats == 0 && unmodified > 0 {
        Measured::Good(format!("{polls} polls of a quiet job, {unmodified} answered with 304, none repeated"))
    } else {
        Measured::Bad(format!("{polls} polls of a quiet job: {repeats} asked again without validators"))
    }]
}

fn answer(asked: &Asking, full: &Answer) -> Answer {
    match asked.header("if-none-match") {
        Some(ETAG) => empty(304, &[("ETag", ETAG)]),
        Some(_) | None => full.clone(),
    }
}
