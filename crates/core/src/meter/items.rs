//! How large stored items are, as DynamoDB counts: names and values of their attributes. The attributes are those that the
//! AWS adapter writes; a test there holds these numbers to its items.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use serde::Serialize;

use crate::keys;
use crate::ports::{Application, Credentials};
use crate::row::{JobRow, Place, Registration, WakeUp};

/// Bytes of an encrypted item of credentials beside its secrets: keys, wrapped data key, version, nonce and tag.
const ENVELOPE_BYTES: usize = 360;
/// Bytes of an item of the control table: a cursor, a pause, a throttle.
pub const CONTROL_BYTES: usize = 96;

/// Bytes of a row.
#[must_use]
pub fn row_bytes(row: &JobRow) -> usize {
    let JobRow {
        job,
        place,
        rev,
        context_rev,
        subject,
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
    let mut bytes = "pk".len() + place_bytes(job.job_type.as_str(), *place);
    bytes += "sk".len() + keys::sort_key(job).len();
    bytes += number("rev", rev.0);
    bytes += text("external_id", &subject.external_id) + text("level", level.as_str());
    bytes += number("active", u64::from(last_active.get()));
    if context_rev != rev {
        bytes += number("context_rev", context_rev.0);
    }
    if let Some(url) = &subject.base_url {
        bytes += text("base_url", url);
    }
    if !context.is_empty() {
        bytes += text("context", context.as_json());
    }
    if let Some(hold) = hold {
        // The longest cause.
        bytes += number("hold_until", u64::from(hold.until.get())) + text("hold_cause", "rate_limit");
    }
    for (name, count) in
        [("failures", failures), ("gone", gone), ("crashes", crashes), ("backoff", backoff_minutes)]
    {
        if *count != 0 {
            bytes += number(name, u64::from(*count));
        }
    }
    if let Some(error) = error {
        bytes += text("error", error);
    }
    if let Some(range) = range {
        bytes += number("fastest", u64::from(range.fastest().minutes()));
        bytes += number("slowest", u64::from(range.slowest().minutes()));
    }
    if let Some(activity) = activity {
        bytes += number("items", u64::from(activity.items_thousandths));
        bytes += number("exposure", u64::from(activity.exposure_seconds));
    }
    if let Some(applied) = applied {
        bytes += number("applied", u64::from(applied.get()));
    }
    if let Some(terms) = terms {
        bytes += "terms".len() + json_bytes(terms);
    }
    if let Some(parked) = parked {
        bytes += text("parked", parked.reason.as_str());
        bytes += number("parked_since", u64::from(parked.since.get()));
    }
    bytes
}

/// Bytes of a registration.
#[must_use]
pub fn registration_bytes(registration: &Registration) -> usize {
    let Registration { job, place, level } = registration;
    let keys = "pk".len() + job.account.as_str().len() + "sk".len() + keys::registration_key(job).len();
    keys + "place".len() + place_bytes(job.job_type.as_str(), *place) + text("level", level.as_str())
}

/// Bytes of a wake-up.
#[must_use]
pub fn wake_bytes(wake: &WakeUp) -> usize {
    let WakeUp { minute, job, place } = wake;
    // `wake#`, the job type, a minute of the day and a shard.
    let partition = "wake####".len() + job.job_type.as_str().len() + digits(u64::from(minute.of_day())) + 1;
    let keys = "pk".len() + partition + "sk".len() + keys::wake_sort_key(*minute, job).len();
    let place = "place".len() + place_bytes(job.job_type.as_str(), *place);
    keys + place + number("ttl", minute.start().millis() / 1000)
}

/// Bytes of a holder's credentials, encrypted.
#[must_use]
pub fn credentials_bytes(credentials: &Credentials) -> usize {
    // Each with the quotes and the colon of its JSON.
    let secrets = credentials.secrets.iter().map(|(name, secret)| name.len() + secret.expose().len() + 6);
    ENVELOPE_BYTES + secrets.sum::<usize>()
}

/// Bytes of an application's credentials and pool of tokens, encrypted.
#[must_use]
pub fn application_bytes(application: &Application) -> usize {
    let tokens = application.tokens.iter().map(|pool| pool.name.len() + pool.token.expose().len() + 24);
    credentials_bytes(&application.credentials) + tokens.sum::<usize>()
}

/// Bytes of a value's JSON; none of what has no JSON.
pub fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len())
}

/// The length of [`keys::place_key`], without writing it: a tick asks for a million.
fn place_bytes(job_type: &str, place: Place) -> usize {
    match place {
        Place::Cohort(cohort) => {
            let numbers = [cohort.cadence.minutes(), cohort.phase, cohort.shard];
            job_type.len() + numbers.into_iter().map(|n| 1 + digits(u64::from(n))).sum::<usize>()
        }
        Place::Parked { shard } => "parked##".len() + job_type.len() + digits(u64::from(shard)),
    }
}

const fn text(name: &str, value: &str) -> usize {
    name.len() + value.len()
}

/// A number takes a byte for two significant digits, and one more.
const fn number(name: &str, value: u64) -> usize {
    let mut significant = value;
    while significant != 0 && significant.is_multiple_of(10) {
        significant /= 10;
    }
    name.len() + digits(significant).div_ceil(2) + 1
}

const fn digits(value: u64) -> usize {
    match value.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cadence::Cadence;
    use crate::id::{AccountId, JobId, JobTypeId, ServiceLevel};
    use crate::row::{Revision, Subject};
    use crate::time::EpochMinute;
    use crate::wheel::Cohort;

    fn job() -> JobId {
        let job_type = JobTypeId::new("mastodon/statuses").unwrap();
        JobId { job_type, account: AccountId::new("a#1").unwrap(), target: None }
    }

    fn place(cadence: u16, phase: u16, shard: u16) -> Place {
        Place::Cohort(Cohort { cadence: Cadence::new(cadence).unwrap(), phase, shard })
    }

    #[test]
    fn a_place_is_as_long_as_its_key() {
        for place in [
            place(1, 0, 0),
            place(15, 9, 10),
            place(1440, 1439, 999),
            Place::Parked { shard: 0 },
            Place::Parked { shard: 12 },
        ] {
            let job_type = &job().job_type;
            assert_eq!(place_bytes(job_type.as_str(), place), keys::place_key(job_type, place).len());
        }
    }

    #[test]
    fn numbers_take_a_byte_for_two_digits_without_the_zeros_at_their_end() {
        for (value, bytes) in [(0, 2), (7, 2), (10, 2), (12, 2), (123, 3), (1_000_000, 2), (1_000_001, 5)] {
            assert_eq!(number("", value), bytes, "{value}");
        }
    }

    #[test]
    fn a_row_is_the_sum_of_its_attributes() {
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        let level = ServiceLevel::new("free").unwrap();
        let row =
            JobRow::new(job(), place(15, 9, 0), subject, level, Revision(123_456), EpochMinute::new(12_345));
        let keys = "pkmastodon/statuses#15#9#0".len() + "ska%231".len();
        let rest = ("rev".len() + 4) + "external_id42".len() + "levelfree".len() + ("active".len() + 4);
        assert_eq!(row_bytes(&row), keys + rest);
    }

    #[test]
    fn a_value_is_as_long_as_its_json() {
        let value = serde_json::json!({"a": [1, 2, "é"]});
        assert_eq!(json_bytes(&value), value.to_string().len());
    }
}
