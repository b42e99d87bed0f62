//! Rows, registrations and wake-ups as DynamoDB items. Attributes are named so that a person reads them in the console;
//! absent ones have their default. Keys are those of [`pollwheel_core::keys`].

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use pollwheel_core::activity::Activity;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::keys;
use pollwheel_core::row::{
    Hold, HoldCause, JobRow, ParkReason, Parked, Place, Registration, Revision, Subject, WakeUp,
};
use pollwheel_core::time::EpochMinute;
use serde_json::value::RawValue;

pub(super) use crate::reads::Item;

/// The partition key of every table with two keys.
pub(super) const PK: &str = "pk";
/// The sort key.
pub(super) const SK: &str = "sk";
/// The attribute that conditions are about.
pub(super) const REV: &str = "rev";

/// Wake-ups may be deleted by DynamoDB this long after their minute: no window reaches back further.
const WAKE_LIFE_MINUTES: u32 = 1440;

/// Why an item could not be read: it was written by a newer build, or by hand.
#[derive(Debug, thiserror::Error)]
#[error("attribute `{attribute}` {problem}")]
pub(super) struct ItemError {
    attribute: &'static str,
    problem: String,
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The keys of a row.
pub(super) fn row_keys(job: &JobId, place: Place) -> Item {
    pair(keys::place_key(&job.job_type, place), keys::sort_key(job))
}

/// The keys of a registration.
pub(super) fn registration_keys(job: &JobId) -> Item {
    pair(job.account.as_str(), keys::registration_key(job))
}

pub(super) fn pair(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

/// A row as an item.
pub(super) fn of_row(row: &JobRow) -> Item {
    let mut item = row_keys(&row.job, row.place);
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(REV, number(row.rev.0));
    if row.context_rev != row.rev {
        set("context_rev", number(row.context_rev.0));
    }
    set("external_id", text(&row.subject.external_id));
    if let Some(url) = &row.subject.base_url {
        set("base_url", text(url));
    }
    set("level", text(row.level.as_str()));
    if let Some(range) = row.range {
        set("fastest", number(range.fastest()));
        set("slowest", number(range.slowest()));
    }
    if !row.context.is_empty() {
        set("context", text(row.context.as_json()));
    }
    if let Some(hold) = row.hold {
        set("hold_until", number(hold.until.get()));
        set("hold_cause", text(cause_name(hold.cause)));
    }
    for (name, count) in [
        ("failures", row.failures),
        ("gone", row.gone),
        ("crashes", row.crashes),
        ("backoff", row.backoff_minutes),
    ] {
        if count != 0 {
            set(name, number(count));
        }
    }
    if let Some(error) = &row.error {
        set("error", text(error.as_ref()));
    }
    set("active", number(row.last_active.get()));
    if let Some(activity) = row.activity {
        set("items", number(activity.items_thousandths));
        set("exposure", number(activity.exposure_seconds));
    }
    if let Some(applied) = row.applied {
        set("applied", number(applied.get()));
    }
    if let Some(terms) = row.terms.as_ref().and_then(|terms| serde_json::to_string(terms).ok()) {
        set("terms", text(terms));
    }
    if let Some(parked) = row.parked {
        set("parked", text(parked.reason.as_str()));
        set("parked_since", number(parked.since.get()));
    }
    item
}

/// A registration as an item.
pub(super) fn of_registration(registration: &Registration) -> Item {
    let job = &registration.job;
    let mut item = registration_keys(job);
    item.insert("place".to_owned(), text(keys::place_key(&job.job_type, registration.place)));
    item.insert("level".to_owned(), text(registration.level.as_str()));
    item
}

/// A wake-up as an item.
pub(super) fn of_wake(wake: &WakeUp) -> Item {
    let WakeUp { minute, job, place } = wake;
    let shard = shard(*place);
    let mut item =
        pair(keys::wake_key(&job.job_type, minute.of_day(), shard), keys::wake_sort_key(*minute, job));
    item.insert("place".to_owned(), text(keys::place_key(&job.job_type, *place)));
    let ends = minute.plus(WAKE_LIFE_MINUTES).start().millis() / 1000;
    item.insert("ttl".to_owned(), number(ends));
    item
}

const fn shard(place: Place) -> u16 {
    match place {
        Place::Cohort(cohort) => cohort.shard,
        Place::Parked { shard } => shard,
    }
}

/// Reads a row.
pub(super) fn to_row(item: Item) -> Result<JobRow, ItemError> {
    let mut item = Reader(item);
    let pk = item.text(PK)?;
    let (job_type, place) = keys::parse_place_key(&pk).map_err(|error| wrong(PK, &error))?;
    let sk = item.text(SK)?;
    let job = keys::parse_sort_key(&job_type, &sk).map_err(|error| wrong(SK, &error))?;
    let rev = Revision(item.number(REV)?);
    let context_rev = item.maybe_number("context_rev")?.map_or(rev, Revision);
    let subject = Subject { external_id: item.text("external_id")?, base_url: item.maybe_text("base_url")? };
    let hold_until: Option<u32> = item.maybe_number("hold_until")?;
    let hold = match hold_until {
        Some(until) => {
            Some(Hold { until: EpochMinute::new(until), cause: cause(&item.text("hold_cause")?)? })
        }
        None => None,
    };
    let parked = match item.maybe_text("parked")? {
        Some(reason) => Some(Parked {
            reason: park_reason(&reason)?,
            since: EpochMinute::new(item.number("parked_since")?),
        }),
        None => None,
    };
    Ok(JobRow {
        job,
        place,
        rev,
        context_rev,
        subject,
        level: level(&mut item)?,
        range: range(&mut item)?,
        context: context(item.maybe_text("context")?)?,
        hold,
        failures: item.maybe_number("failures")?.unwrap_or_default(),
        gone: item.maybe_number("gone")?.unwrap_or_default(),
        crashes: item.maybe_number("crashes")?.unwrap_or_default(),
        backoff_minutes: item.maybe_number("backoff")?.unwrap_or_default(),
        error: item.maybe_text("error")?.map(String::into_boxed_str),
        last_active: EpochMinute::new(item.number("active")?),
        activity: activity(&mut item)?,
        applied: item.maybe_number("applied")?.map(EpochMinute::new),
        terms: match item.maybe_text("terms")? {
            Some(json) => Some(serde_json::from_str(&json).map_err(|error| wrong("terms", &error))?),
            None => None,
        },
        parked,
    })
}

/// Reads a registration.
pub(super) fn to_registration(item: Item) -> Result<Registration, ItemError> {
    let mut item = Reader(item);
    let account = AccountId::new(item.text(PK)?).map_err(|error| wrong(PK, &error))?;
    let sk = item.text(SK)?;
    let job = keys::parse_registration_key(&account, &sk).map_err(|error| wrong(SK, &error))?;
    let place = place_of(&mut item, &job.job_type)?;
    Ok(Registration { job, place, level: level(&mut item)? })
}

/// Reads a wake-up.
pub(super) fn to_wake(job_type: &JobTypeId, item: Item) -> Result<WakeUp, ItemError> {
    let mut item = Reader(item);
    let sk = item.text(SK)?;
    let (minute, job) = keys::parse_wake_sort_key(job_type, &sk).map_err(|error| wrong(SK, &error))?;
    let place = place_of(&mut item, job_type)?;
    Ok(WakeUp { minute, job, place })
}

fn place_of(item: &mut Reader, job_type: &JobTypeId) -> Result<Place, ItemError> {
    let key = item.text("place")?;
    let (of, place) = keys::parse_place_key(&key).map_err(|error| wrong("place", &error))?;
    if of == *job_type { Ok(place) } else { Err(wrong("place", &format!("`{key}` is of another job type"))) }
}

fn level(item: &mut Reader) -> Result<ServiceLevel, ItemError> {
    ServiceLevel::new(item.text("level")?).map_err(|error| wrong("level", &error))
}

fn range(item: &mut Reader) -> Result<Option<CadenceRange>, ItemError> {
    let Some(fastest) = item.maybe_number("fastest")? else { return Ok(None) };
    let fastest = Cadence::new(fastest).map_err(|error| wrong("fastest", &error))?;
    let slowest = Cadence::new(item.number("slowest")?).map_err(|error| wrong("slowest", &error))?;
    CadenceRange::new(fastest, slowest).map(Some).map_err(|error| wrong("fastest", &error))
}

fn activity(item: &mut Reader) -> Result<Option<Activity>, ItemError> {
    let Some(items_thousandths) = item.maybe_number("items")? else { return Ok(None) };
    let exposure_seconds = item.maybe_number("exposure")?.unwrap_or_default();
    Ok(Some(Activity { items_thousandths, exposure_seconds }))
}

fn context(json: Option<String>) -> Result<Context, ItemError> {
    let Some(json) = json else { return Ok(Context::empty()) };
    let raw = RawValue::from_string(json).map_err(|error| wrong("context", &error))?;
    Context::try_from(raw).map_err(|error| wrong("context", &error))
}

const fn cause_name(cause: HoldCause) -> &'static str {
    match cause {
        HoldCause::RateLimit => "rate_limit",
        HoldCause::Hint => "hint",
        HoldCause::Backoff => "backoff",
    }
}

fn cause(name: &str) -> Result<HoldCause, ItemError> {
    [HoldCause::RateLimit, HoldCause::Hint, HoldCause::Backoff]
        .into_iter()
        .find(|cause| cause_name(*cause) == name)
        .ok_or_else(|| wrong("hold_cause", &format!("`{name}` is none that this build knows")))
}

fn park_reason(name: &str) -> Result<ParkReason, ItemError> {
    ParkReason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == name)
        .ok_or_else(|| wrong("parked", &format!("`{name}` is none that this build knows")))
}

fn wrong(attribute: &'static str, problem: &impl fmt::Display) -> ItemError {
    ItemError { attribute, problem: problem.to_string() }
}

/// Takes an item's attributes one by one.
pub(super) struct Reader(pub(super) Item);

impl Reader {
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, ItemError> {
        self.maybe_text(name)?.ok_or_else(|| wrong(name, &"is missing"))
    }

    pub(super) fn maybe_text(&mut self, name: &'static str) -> Result<Option<String>, ItemError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, &"is no string")),
        }
    }

    pub(super) fn number<N: FromStr>(&mut self, name: &'static str) -> Result<N, ItemError> {
        self.maybe_number(name)?.ok_or_else(|| wrong(name, &"is missing"))
    }

    pub(super) fn maybe_number<N: FromStr>(&mut self, name: &'static str) -> Result<Option<N>, ItemError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => match digits.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(wrong(name, &"is out of range")),
            },
            Some(_) => Err(wrong(name, &"is no number")),
        }
    }
}
