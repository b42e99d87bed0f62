//! Where everything is in the file. This is the one place that knows; the partition and sort texts are those of
//! [`pollwheel_core::keys`].
//!
//! | table | key | value | written by | deleted by |
//! | --- | --- | --- | --- | --- |
//! | `rows` | partition, NUL, sort key | version byte, the row without job and place | insert, update, move | move, remove |
//! | `registrations` | account, NUL, registration key | version byte, place and level | insert, move | remove |
//! | `wakes` | job type, NUL, epoch minute (4 bytes, big-endian), shard (2 bytes, big-endian), sort key | version byte, place | wake | with the cursor, [`WAKE_MARGIN_MINUTES`](super::WAKE_MARGIN_MINUTES) behind it |
//! | `control` | `cursor#<job type>` | epoch minute | cursor moves | nobody |
//! | `control` | `pause#<channel>` or `pause#<job type>` | 1 | pause | resume |
//! | `control` | as [`throttle_key`](keys::throttle_key) | milliseconds since the epoch | throttle | nobody: one small entry a scope |
//! | `control` | as [`spend_key`](keys::spend_key) | units reserved in the slot | reservations | a reservation 64 slots later |
//! | `control` | as [`pace_key`](keys::pace_key); the same and `#at`, `#position` | thousandths of a turn, their mean in the low half; epoch minute; position | scheduler | nobody: three small entries a limit |
//! | `meta` | `format` | [`FORMAT`] | creation | nobody |
//!
//! No id holds a NUL, so a partition's keys are exactly those that start with its text and a NUL, in the order of the
//! sort keys. Wake-ups stand under their full minute, so those of another day are never read.

use std::ops::Bound;

use pollwheel_core::id::{AccountId, JobId, JobTypeId};
use pollwheel_core::keys;
use pollwheel_core::row::Place;
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::EpochMinute;
use redb::TableDefinition;

/// The format of the file that this build writes, and the newest that it reads.
pub const FORMAT: u64 = 1;
pub(super) const FORMAT_KEY: &str = "format";

pub(super) const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
pub(super) const REGISTRATIONS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("registrations");
pub(super) const WAKES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("wakes");
pub(super) const CONTROL: TableDefinition<'_, &str, u64> = TableDefinition::new("control");
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

const NUL: u8 = 0;
/// The first byte after NUL: ends the range of a prefix that ends in NUL.
const PAST_NUL: u8 = 1;

/// A range of keys.
pub(super) type Keys = (Bound<Vec<u8>>, Bound<Vec<u8>>);

fn join(partition: &str, rest: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(partition.len() + 1 + rest.len());
    key.extend_from_slice(partition.as_bytes());
    key.push(NUL);
    key.extend_from_slice(rest.as_bytes());
    key
}

pub(super) fn row(job: &JobId, place: Place) -> Vec<u8> {
    join(&keys::place_key(&job.job_type, place), &keys::sort_key(job))
}

pub(super) fn registration(job: &JobId) -> Vec<u8> {
    join(job.account.as_str(), &keys::registration_key(job))
}

/// The keys of a partition of rows after `from`, and how long the prefix is that they share.
pub(super) fn place(job_type: &JobTypeId, place: Place, from: Option<&str>) -> (Keys, usize) {
    let mut partition = keys::place_key(job_type, place).into_bytes();
    let mut end = partition.clone();
    end.push(PAST_NUL);
    partition.push(NUL);
    let prefix = partition.len();
    ((after(partition, from), Bound::Excluded(end)), prefix)
}

/// Every key after `from`.
pub(super) fn all(from: Option<&str>) -> Keys {
    (after(Vec::new(), from), Bound::Unbounded)
}

fn after(mut prefix: Vec<u8>, from: Option<&str>) -> Bound<Vec<u8>> {
    match from {
        None => Bound::Included(prefix),
        Some(from) => {
            prefix.extend_from_slice(from.as_bytes());
            Bound::Excluded(prefix)
        }
    }
}

fn wake_prefix(job_type: &JobTypeId) -> Vec<u8> {
    join(job_type.as_str(), "")
}

pub(super) fn wake(job: &JobId, minute: EpochMinute, place: Place) -> Vec<u8> {
    let mut key = wake_shard(&job.job_type, minute, shard_of(place));
    key.extend_from_slice(keys::sort_key(job).as_bytes());
    key
}

fn wake_shard(job_type: &JobTypeId, minute: EpochMinute, shard: u16) -> Vec<u8> {
    let mut key = wake_prefix(job_type);
    key.extend_from_slice(&minute.get().to_be_bytes());
    key.extend_from_slice(&shard.to_be_bytes());
    key
}

const fn shard_of(place: Place) -> u16 {
    match place {
        Place::Cohort(cohort) => cohort.shard,
        Place::Parked { shard } => shard,
    }
}

/// The wake-ups of a minute and shard after `from`, and how long the prefix is that they share.
pub(super) fn wakes(
    job_type: &JobTypeId,
    minute: EpochMinute,
    shard: u16,
    from: Option<&str>,
) -> (Keys, usize) {
    let prefix = wake_shard(job_type, minute, shard);
    let length = prefix.len();
    // 0xFF is in no UTF-8 text, so it is past every sort key, also where shard + 1 would overflow.
    let mut end = prefix.clone();
    end.push(0xFF);
    ((after(prefix, from), Bound::Excluded(end)), length)
}

/// The wake-ups of a job type before a minute.
pub(super) fn wakes_before(job_type: &JobTypeId, minute: EpochMinute) -> Keys {
    (Bound::Included(wake_prefix(job_type)), Bound::Excluded(wake_shard(job_type, minute, 0)))
}

/// Every wake-up of a job type.
pub(super) fn all_wakes(job_type: &JobTypeId) -> Keys {
    let mut end = job_type.as_str().as_bytes().to_vec();
    end.push(PAST_NUL);
    (Bound::Included(wake_prefix(job_type)), Bound::Excluded(end))
}

/// Reads the key of a wake-up of a job type: its minute and job.
pub(super) fn parse_wake(job_type: &JobTypeId, key: &[u8]) -> Option<(EpochMinute, JobId)> {
    let rest = key.get(job_type.as_str().len() + 1..)?;
    let (minute, rest) = rest.split_first_chunk::<4>()?;
    let (_shard, sort) = rest.split_first_chunk::<2>()?;
    Some((EpochMinute::new(u32::from_be_bytes(*minute)), parse_sort(job_type, sort)?))
}

/// Reads the sort key of a job.
pub(super) fn parse_sort(job_type: &JobTypeId, sort: &[u8]) -> Option<JobId> {
    // Nothing escaped, no target: the text is the account id. A page of a thousand rows is mostly these.
    if !sort.iter().any(|byte| matches!(byte, b'#' | b'%')) {
        let account = AccountId::new(std::str::from_utf8(sort).ok()?).ok()?;
        return Some(JobId { job_type: job_type.clone(), account, target: None });
    }
    keys::parse_sort_key(job_type, std::str::from_utf8(sort).ok()?).ok()
}

/// Reads the key of a row: its job and place.
pub(super) fn parse_row(key: &[u8]) -> Option<(JobId, Place)> {
    let (partition, sort) = split(key)?;
    let (job_type, place) = keys::parse_place_key(partition).ok()?;
    Some((parse_sort(&job_type, sort.as_bytes())?, place))
}

/// Reads the key of a registration.
pub(super) fn parse_registration(key: &[u8]) -> Option<JobId> {
    let (account, rest) = split(key)?;
    keys::parse_registration_key(&AccountId::new(account).ok()?, rest).ok()
}

fn split(key: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(key).ok()?.split_once('\0')
}

pub(super) fn cursor(job_type: &JobTypeId) -> String {
    format!("cursor#{job_type}")
}

/// The pause of a channel, or of a job type: a channel has no slash.
pub(super) fn pause(scope: &str) -> String {
    format!("pause#{scope}")
}

pub(super) fn throttle(scope: &ThrottleScope) -> String {
    keys::throttle_key(scope)
}
