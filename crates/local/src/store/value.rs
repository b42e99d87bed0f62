//! Rows, registrations and wake-ups as values: a version byte, and CBOR whose members have numbers.
//!
//! A row outlives the build that wrote it. A newer build may add a numbered member, and an older one passes over it; that
//! is why the members are not simply packed one after the other. JSON can do it too, but takes three times as long to
//! read, and a tick may read a million rows. A value of another version, or one that makes no sense, is unreadable here:
//! it is counted, and never written over.

mod wire;

use minicbor::{Decode, Encode};
use pollwheel_core::context::Context;
use pollwheel_core::id::{JobId, JobTypeId, ServiceLevel};
use pollwheel_core::keys;
use pollwheel_core::row::{JobRow, Place, Registration, Revision, Subject};
use pollwheel_core::time::EpochMinute;

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
    #[error("it is damaged, or of a newer build")]
    Damaged,
}

fn encode(value: &impl Encode<()>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(VERSION);
    // A vector takes everything, so this cannot fail.
    let _: Result<(), minicbor::encode::Error<std::convert::Infallible>> =
        minicbor::encode(value, &mut bytes);
    bytes
}

fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, ValueError> {
    match bytes.split_first() {
        Some((&VERSION, cbor)) => minicbor::decode(cbor).map_err(|_| ValueError::Damaged),
        Some((&found, _)) => Err(ValueError::Version { found }),
        None => Err(ValueError::Damaged),
    }
}

pub(super) fn encode_row(row: &JobRow) -> Vec<u8> {
    encode(&wire::Row::from(row))
}

/// Decodes the rows of a page. Neighbours mostly have the same level: it is shared and not allocated anew.
#[derive(Default)]
pub(super) struct RowDecoder {
    level: Option<ServiceLevel>,
}

impl RowDecoder {
    pub(super) fn decode(&mut self, job: JobId, place: Place, bytes: &[u8]) -> Result<JobRow, ValueError> {
        let row: wire::Row<'_> = decode(bytes)?;
        Ok(JobRow {
            job,
            place,
            rev: Revision(row.rev),
            context_rev: Revision(row.context_rev),
            subject: Subject {
                external_id: row.external_id.to_owned(),
                base_url: row.base_url.map(str::to_owned),
            },
            level: self.level(row.level)?,
            range: row.range.map(TryInto::try_into).transpose()?,
            context: row.context.map_or_else(|| Ok(Context::empty()), context)?,
            hold: row.hold.map(Into::into),
            failures: row.failures.unwrap_or(0),
            gone: row.gone.unwrap_or(0),
            crashes: row.crashes.unwrap_or(0),
            backoff_minutes: row.backoff_minutes.unwrap_or(0),
            last_active: EpochMinute::new(row.last_active),
            activity: row.activity.map(Into::into),
            applied: row.applied.map(EpochMinute::new),
            terms: row.terms.map(TryInto::try_into).transpose()?,
            parked: row.parked.map(Into::into),
            error: row.error.map(Into::into),
        })
    }

    fn level(&mut self, text: &str) -> Result<ServiceLevel, ValueError> {
        match &self.level {
            Some(level) if level.as_str() == text => Ok(level.clone()),
            Some(_) | None => {
                let level = service_level(text)?;
                self.level = Some(level.clone());
                Ok(level)
            }
        }
    }
}

fn context(json: &str) -> Result<Context, ValueError> {
    serde_json::from_str(json).map_err(|_| ValueError::Damaged)
}

fn service_level(text: &str) -> Result<ServiceLevel, ValueError> {
    ServiceLevel::new(text).map_err(|_| ValueError::Damaged)
}

/// A place as the text of its partition key.
fn place(job_type: &JobTypeId, text: &str) -> Result<Place, ValueError> {
    match keys::parse_place_key(text) {
        Ok((of, place)) if of == *job_type => Ok(place),
        Ok(_) | Err(_) => Err(ValueError::Damaged),
    }
}

pub(super) fn encode_registration(row: &JobRow) -> Vec<u8> {
    let place = keys::place_key(&row.job.job_type, row.place);
    encode(&wire::Registration { place: &place, level: row.level.as_str() })
}

pub(super) fn decode_registration(job: JobId, bytes: &[u8]) -> Result<Registration, ValueError> {
    let found: wire::Registration<'_> = decode(bytes)?;
    Ok(Registration { place: place(&job.job_type, found.place)?, level: service_level(found.level)?, job })
}

pub(super) fn encode_wake(job_type: &JobTypeId, place: Place) -> Vec<u8> {
    encode(&wire::WakeUp { place: &keys::place_key(job_type, place) })
}

pub(super) fn decode_wake(job_type: &JobTypeId, bytes: &[u8]) -> Result<Place, ValueError> {
    let found: wire::WakeUp<'_> = decode(bytes)?;
    place(job_type, found.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollwheel_core::cadence::Cadence;
    use pollwheel_core::id::AccountId;
    use pollwheel_core::wheel::Cohort;

    fn row() -> JobRow {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let place = Place::Cohort(Cohort { cadence: Cadence::FASTEST, phase: 0, shard: 0 });
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        let level = ServiceLevel::new("free").unwrap();
        JobRow::new(job, place, subject, level, Revision(7), EpochMinute::new(29_000_000))
    }

    fn read(bytes: &[u8]) -> Result<JobRow, ValueError> {
        RowDecoder::default().decode(row().job, row().place, bytes)
    }

    #[test]
    fn the_bytes_of_a_row_never_change() {
        // A change here means that stores of users cannot be read: add a member with a new number instead.
        let golden = b"\x01\xa5\x00\x07\x01\x07\x02\x6242\x04\x64free\x0b\x1a\x01\xba\x81\x40";
        assert_eq!(encode_row(&row()), golden, "{}", encode_row(&row()).escape_ascii());
        assert_eq!(read(golden), Ok(row()));
    }

    #[test]
    fn r30_a_member_that_a_newer_build_added_is_passed_over() {
        let mut bytes = encode_row(&row());
        // One member more: number 99, a list of two texts.
        bytes[1] += 1;
        bytes.extend(b"\x18\x63\x82\x61x\x61y");
        assert_eq!(read(&bytes), Ok(row()));
    }

    #[test]
    fn r33_a_value_that_makes_no_sense_is_an_error_whatever_it_is() {
        let whole = encode_row(&row());
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "the first {length} bytes");
        }
        for byte in 1..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[byte] ^= 1 << bit;
                // Some flips make another valid row; what counts is that none panics.
                let _ = read(&flipped);
            }
        }
        assert_eq!(read(b"\x02\xa0"), Err(ValueError::Version { found: 2 }));
        assert_eq!(read(b"\x01{}"), Err(ValueError::Damaged));
    }
}
