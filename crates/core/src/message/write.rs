//! Poll messages and finished polls, written by hand.
//!
//! A tick may write a million of them, workers as many, and serde_json spends four times as long on each: it looks at every byte of every
//! name and text for something to escape. The names here need none and are written with what surrounds them; texts are
//! checked in one sweep. A test holds the result to what serde writes, member by member, and serde reads it.

use serde::Serialize;

use super::{ORDINARY_BYTES, PollMessage, VERSION};
use crate::outcome::{Hints, Outcome};
use crate::row::{JobRow, Place, Subject};
use crate::time::Timestamp;

pub(super) fn poll_message(message: &PollMessage) -> String {
    // Named one by one, so that a new member cannot be forgotten here.
    let PollMessage { due, missed, spread, hop, price, row } = message;
    let mut text = String::with_capacity(ORDINARY_BYTES + row.context.as_json().len());
    number(&mut text, r#"{"v":"#, u64::from(VERSION));
    number(&mut text, r#","m":{"due":"#, u64::from(due.get()));
    if *missed != 0 {
        number(&mut text, r#","missed":"#, u64::from(*missed));
    }
    number(&mut text, r#","spread":"#, u64::from(*spread));
    number(&mut text, r#","hop":"#, u64::from(*hop));
    if !price.is_usual() {
        number(&mut text, r#","price":"#, u64::from(price.thousandths()));
    }
    text.push_str(r#","row":"#);
    self::row(&mut text, row);
    text.push_str("}}");
    text
}

/// Appends a finished poll as a [`Completed`](super::Completed): what came of a message, and when. On an error what was
/// appended is no use.
pub(crate) fn finished(
    text: &mut String,
    message: &PollMessage,
    at: Timestamp,
    (outcome, hints): (&Outcome, &Hints),
) -> serde_json::Result<()> {
    let PollMessage { due, missed: _, spread: _, hop: _, price, row } = message;
    number(text, r#"{"due":"#, u64::from(due.get()));
    number(text, r#","at":"#, at.millis());
    if !price.is_usual() {
        number(text, r#","price":"#, u64::from(price.thousandths()));
    }
    text.push_str(r#","row":"#);
    self::row(text, row);
    // Most of them.
    if let Outcome::Unchanged { context: None } = outcome {
        text.push_str(r#","outcome":{"unchanged":{}}"#);
    } else {
        text.push_str(r#","outcome":"#);
        text.push_str(&serde_json::to_string(outcome)?);
    }
    if *hints != Hints::default() {
        text.push_str(r#","hints":"#);
        text.push_str(&serde_json::to_string(hints)?);
    }
    text.push('}');
    Ok(())
}

fn row(text: &mut String, row: &JobRow) {
    let JobRow {
        job,
        place,
        rev,
        context_rev,
        subject: Subject { external_id, base_url },
        level,
        range,
        context,
        hold,
        failures,
        gone,
        crashes,
        backoff_minutes,
        error,
        last_active,
        activity,
        applied,
        terms,
        parked,
    } = row;
    string(text, r#"{"job":{"job_type":"#, job.job_type.as_str());
    string(text, r#","account":"#, job.account.as_str());
    if let Some(target) = &job.target {
        string(text, r#","target":"#, target.as_str());
    }
    match place {
        Place::Cohort(cohort) => {
            number(text, r#"},"place":{"cohort":{"cadence":"#, u64::from(cohort.cadence.minutes()));
            number(text, r#","phase":"#, u64::from(cohort.phase));
            number(text, r#","shard":"#, u64::from(cohort.shard));
            text.push_str("}}");
        }
        Place::Parked { shard } => {
            number(text, r#"},"place":{"parked":{"shard":"#, u64::from(*shard));
            text.push_str("}}");
        }
    }
    number(text, r#","rev":"#, rev.0);
    number(text, r#","context_rev":"#, context_rev.0);
    string(text, r#","subject":{"external_id":"#, external_id);
    if let Some(base_url) = base_url {
        string(text, r#","base_url":"#, base_url);
    }
    string(text, r#"},"level":"#, level.as_str());
    rare(text, r#","range":"#, range.as_ref());
    if !context.is_empty() {
        text.push_str(r#","context":"#);
        text.push_str(context.as_json());
    }
    rare(text, r#","hold":"#, hold.as_ref());
    let counters = [
        (r#","failures":"#, failures),
        (r#","gone":"#, gone),
        (r#","crashes":"#, crashes),
        (r#","backoff_minutes":"#, backoff_minutes),
    ];
    for (name, count) in counters.into_iter().filter(|(_, count)| **count != 0) {
        number(text, name, u64::from(*count));
    }
    rare(text, r#","error":"#, error.as_ref());
    number(text, r#","last_active":"#, u64::from(last_active.get()));
    rare(text, r#","activity":"#, activity.as_ref());
    if let Some(applied) = applied {
        number(text, r#","applied":"#, u64::from(applied.get()));
    }
    rare(text, r#","terms":"#, terms.as_ref());
    rare(text, r#","parked":"#, parked.as_ref());
    text.push('}');
}

fn number(text: &mut String, before: &str, number: u64) {
    text.push_str(before);
    text.push_str(itoa::Buffer::new().format(number));
}

fn string(text: &mut String, before: &str, value: &str) {
    text.push_str(before);
    // Without a branch in it, the compiler checks many bytes at once.
    let special =
        value.bytes().fold(false, |seen, byte| seen | (byte < 0x20) | (byte == b'"') | (byte == b'\\'));
    if special {
        text.push_str(&serde_json::to_string(value).unwrap_or_default());
    } else {
        text.push('"');
        text.push_str(value);
        text.push('"');
    }
}

fn rare(text: &mut String, before: &str, value: Option<&impl Serialize>) {
    if let Some(value) = value {
        text.push_str(before);
        text.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
}
