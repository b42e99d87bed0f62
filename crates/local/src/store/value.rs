//! What stands in the values: a version byte and JSON.
//!
//! JSON, because a row outlives the build that wrote it: a newer build may add a member and an older one passes over
//! it, which a packed binary form would only manage with a new version each time. Reading borrows from the page, and
//! the context is copied as it is. A value of another version is unreadable here: it is counted, and never written over.

use std::borrow::Cow;

use pollwheel_core::context::Context;
use pollwheel_core::decide::Terms;
use pollwheel_core::id::{JobId, ServiceLevel};
use pollwheel_core::row::{Hold, JobRow, Parked, Place, Registration, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use serde::{Deserialize, Serialize};

/// The version of every value that this build writes and reads.
const VERSION: u8 = 1;

/// A value that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    /// Written by a newer build.
    #[error("it has version {found}, this build reads version {VERSION}: use the build that wrote it")]
    Version {
        /// Its version.
        found: u8,
    },
    /// Not what we write.
    #[error("it is damaged")]
    Damaged,
}

/// A row without what its key says. Members are short: a million of them are parsed in a tick.
#[derive(Serialize, Deserialize)]
struct StoredRow<'a> {
    #[serde(rename = "r")]
    rev: Revision,
    #[serde(rename = "cr")]
    context_rev: Revision,
    #[serde(rename = "id", borrow)]
    external_id: Cow<'a, str>,
    #[serde(rename = "url", default, skip_serializing_if = "Option::is_none")]
    base_url: Option<Cow<'a, str>>,
    #[serde(rename = "l", borrow)]
    level: Cow<'a, str>,
    #[serde(rename = "c", default, skip_serializing_if = "is_empty")]
    context: Cow<'a, Context>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    gone: u32,
    #[serde(rename = "x", default, skip_serializing_if = "is_zero")]
    crashes: u32,
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    backoff_minutes: u32,
    #[serde(rename = "la")]
    last_active: EpochMinute,
    #[serde(rename = "ap", default, skip_serializing_if = "Option::is_none")]
    applied: Option<EpochMinute>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    terms: Option<Terms>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    parked: Option<Parked>,
}

#[derive(Serialize, Deserialize)]
struct StoredRegistration {
    place: Place,
    level: ServiceLevel,
}

#[derive(Serialize, Deserialize)]
struct StoredWake {
    place: Place,
}

fn is_empty(context: &Context) -> bool {
    context.as_json() == "{}"
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(VERSION);
    serde_json::to_writer(&mut bytes, value)?;
    Ok(bytes)
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ValueError> {
    match bytes.split_first() {
        Some((&VERSION, json)) => {
            let json = std::str::from_utf8(json).map_err(|_| ValueError::Damaged)?;
            serde_json::from_str(json).map_err(|_| ValueError::Damaged)
        }
        Some((&found, _)) => Err(ValueError::Version { found }),
        None => Err(ValueError::Damaged),
    }
}

pub(super) fn encode_row(row: &JobRow) -> Result<Vec<u8>, serde_json::Error> {
    // Named one by one, so that a new member of the row cannot be forgotten here.
    let JobRow {
        job: _,
        place: _,
        rev,
        context_rev,
        subject: Subject { external_id, base_url },
        level,
        context,
        hold,
        failures,
        gone,
        crashes,
        backoff_minutes,
        last_active,
        applied,
        terms,
        parked,
    } = row;
    encode(&StoredRow {
        rev: *rev,
        context_rev: *context_rev,
        external_id: Cow::Borrowed(external_id),
        base_url: base_url.as_deref().map(Cow::Borrowed),
        level: Cow::Borrowed(level.as_str()),
        context: Cow::Borrowed(context),
        hold: *hold,
        failures: *failures,
        gone: *gone,
        crashes: *crashes,
        backoff_minutes: *backoff_minutes,
        last_active: *last_active,
        applied: *applied,
        terms: *terms,
        parked: *parked,
    })
}

/// Decodes the rows of a page. Neighbours mostly have the same level: it is shared and not allocated anew.
#[derive(Default)]
pub(super) struct RowDecoder {
    level: Option<ServiceLevel>,
}

impl RowDecoder {
    pub(super) fn decode(&mut self, job: JobId, place: Place, bytes: &[u8]) -> Result<JobRow, ValueError> {
        let stored: StoredRow<'_> = decode(bytes)?;
        let level = self.level(&stored.level)?;
        Ok(JobRow {
            job,
            place,
            rev: stored.rev,
            context_rev: stored.context_rev,
            subject: Subject {
                external_id: stored.external_id.into_owned(),
                base_url: stored.base_url.map(Cow::into_owned),
            },
            level,
            context: stored.context.into_owned(),
            hold: stored.hold,
            failures: stored.failures,
            gone: stored.gone,
            crashes: stored.crashes,
            backoff_minutes: stored.backoff_minutes,
            last_active: stored.last_active,
            applied: stored.applied,
            terms: stored.terms,
            parked: stored.parked,
        })
    }

    fn level(&mut self, text: &str) -> Result<ServiceLevel, ValueError> {
        match &self.level {
            Some(level) if level.as_str() == text => Ok(level.clone()),
            Some(_) | None => {
                let level = ServiceLevel::new(text).map_err(|_| ValueError::Damaged)?;
                self.level = Some(level.clone());
                Ok(level)
            }
        }
    }
}

pub(super) fn encode_registration(row: &JobRow) -> Result<Vec<u8>, serde_json::Error> {
    encode(&StoredRegistration { place: row.place, level: row.level.clone() })
}

pub(super) fn decode_registration(job: JobId, bytes: &[u8]) -> Result<Registration, ValueError> {
    let StoredRegistration { place, level } = decode(bytes)?;
    Ok(Registration { job, place, level })
}

pub(super) fn encode_wake(place: Place) -> Result<Vec<u8>, serde_json::Error> {
    encode(&StoredWake { place })
}

pub(super) fn decode_wake(bytes: &[u8]) -> Result<Place, ValueError> {
    decode(bytes).map(|StoredWake { place }| place)
}
