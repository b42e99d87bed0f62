//! What goes on the bus: CloudEvents 1.0 with deterministic ids.
//!
//! An event's id depends only on the job and the item, so a poll that runs twice publishes the same ids and a consumer
//! can drop the second. <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hash::digest_id;
use crate::id::JobId;
use crate::row::{JobRow, ParkReason};
use crate::time::{EpochMinute, Timestamp};

/// Largest event, in bytes of JSON: EventBridge's limit of 256 KB for an entry, less its envelope.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>
pub const MAX_EVENT_BYTES: usize = 240 * 1024;

/// An item that a poll found, as the channel maps it.
#[derive(Debug, Clone)]
pub struct Item {
    /// The item's id at the third party. A string, never a number: ids exceed what a float holds.
    pub id: String,
    /// The event type: `mastodon.status`.
    pub kind: String,
    /// When the item came to be, when the third party says so. RFC 3339.
    pub time: Option<String>,
    /// What the event is about, when that is not the item's id: a URL, for example.
    pub subject: Option<String>,
    /// The mapped payload: JSON.
    pub data: Box<RawValue>,
    /// Counted up by the channel's author when the same item shall be published anew.
    pub dedupe_version: u32,
}

/// A CloudEvent, structured mode. Extension names are lower-case letters and digits, as the specification asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// `1.0`.
    pub specversion: String,
    /// The same for every publication of the same item for the same job.
    pub id: String,
    /// `/pollwheel/<channel>/<job_type>`.
    pub source: String,
    /// What happened: `mastodon.status`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The item's subject or id, or the account's id in a notice.
    pub subject: String,
    /// When the item came to be. RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `application/json`.
    pub datacontenttype: String,
    /// Extension: the account polled for.
    pub accountid: String,
    /// Extension: the job's target, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Extension: when Pollwheel saw it, in time of the wheel, which runs ahead of the clock when it is accelerated.
    /// RFC 3339. It differs between two publications of the same event.
    pub polledat: String,
    /// Extension: the bytes of data that were left out because the event was over the bus's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omittedbytes: Option<usize>,
    /// The payload.
    pub data: Box<RawValue>,
}

impl Event {
    /// The event for an item. Data that would push the event over [`MAX_EVENT_BYTES`] is left out and its size named in
    /// `omittedbytes`: the item is announced all the same, and its id leads to it.
    #[must_use]
    pub fn of_item(job: &JobId, item: Item, polled_at: Timestamp) -> Self {
        let version = item.dedupe_version.to_string();
        let target = job.target.as_ref().map(ToString::to_string);
        let id = digest_id(&[
            job.job_type.as_str(),
            job.account.as_str(),
            target.as_deref().unwrap_or_default(),
            &item.id,
            &version,
        ]);
        let bytes = item.data.get().len();
        let subject = item.subject.unwrap_or(item.id);
        let fits = bytes + subject.len() + item.kind.len() <= MAX_EVENT_BYTES;
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: format!("/pollwheel/{}", job.job_type),
            kind: item.kind,
            subject,
            time: item.time,
            datacontenttype: "application/json".to_owned(),
            accountid: job.account.to_string(),
            target,
            polledat: polled_at.to_rfc3339(),
            omittedbytes: (!fits).then_some(bytes),
            data: if fits { item.data } else { RawValue::NULL.to_owned() },
        }
    }

    /// The notice that a job was parked and someone must act: `pollwheel.account.needs_reauthorization`,
    /// `pollwheel.job.gone`, `pollwheel.job.quarantined`, `pollwheel.job.withdrawn`.
    #[must_use]
    pub fn of_parking(row: &JobRow, reason: ParkReason, due: EpochMinute, now: Timestamp) -> Self {
        let kind = match reason {
            ParkReason::Unauthorized => "pollwheel.account.needs_reauthorization",
            ParkReason::Gone => "pollwheel.job.gone",
            ParkReason::Quarantined => "pollwheel.job.quarantined",
            ParkReason::Withdrawn => "pollwheel.job.withdrawn",
            ParkReason::Paused => "pollwheel.job.paused",
        };
        let job = &row.job;
        let target = job.target.as_ref().map(ToString::to_string);
        let minute = due.get().to_string();
        let data = serde_json::json!({
            "job_type": job.job_type, "account_id": job.account, "target": target, "reason": reason,
            "failures": row.failures, "external_id": row.subject.external_id,
        });
        Self {
            specversion: "1.0".to_owned(),
            id: digest_id(&[
                kind,
                job.job_type.as_str(),
                job.account.as_str(),
                target.as_deref().unwrap_or_default(),
                &minute,
            ]),
            source: format!("/pollwheel/{}", job.job_type),
            kind: kind.to_owned(),
            subject: job.account.to_string(),
            time: Some(now.to_rfc3339()),
            datacontenttype: "application/json".to_owned(),
            accountid: job.account.to_string(),
            target,
            polledat: now.to_rfc3339(),
            omittedbytes: None,
            data: serde_json::value::to_raw_value(&data).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, JobTypeId};

    fn job(account: &str) -> JobId {
        JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new(account).unwrap(),
            target: None,
        }
    }

    fn item(id: &str, data: &str, dedupe_version: u32) -> Item {
        let data = RawValue::from_string(data.to_owned()).unwrap();
        Item {
            id: id.to_owned(),
            kind: "mastodon.status".to_owned(),
            time: None,
            subject: None,
            data,
            dedupe_version,
        }
    }

    #[test]
    fn an_id_depends_on_the_job_the_item_and_the_version_and_on_nothing_else() {
        let id = |account: &str, item: Item, at: u64| {
            Event::of_item(&job(account), item, Timestamp::from_millis(at)).id
        };
        let first = id("a1", item("9007199254740993", "{}", 1), 1);
        assert_eq!(first, id("a1", item("9007199254740993", r#"{"edited":true}"#, 1), 99));
        assert_ne!(first, id("a2", item("9007199254740993", "{}", 1), 1));
        assert_ne!(first, id("a1", item("9007199254740992", "{}", 1), 1));
        assert_ne!(first, id("a1", item("9007199254740993", "{}", 2), 1));
        assert_eq!(first.len(), 32);
    }

    #[test]
    fn an_item_may_have_a_subject_which_is_no_part_of_its_id() {
        let of = |subject: Option<&str>| {
            let item = Item { subject: subject.map(str::to_owned), ..item("7", "{}", 1) };
            Event::of_item(&job("a1"), item, Timestamp::from_millis(1))
        };
        let (plain, named) = (of(None), of(Some("https://example.com/7")));
        assert_eq!((plain.subject.as_str(), named.subject.as_str()), ("7", "https://example.com/7"));
        assert_eq!(plain.id, named.id);
    }

    #[test]
    fn r15_an_event_over_the_limit_is_announced_without_its_data() {
        let large = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES));
        let event = Event::of_item(&job("a1"), item("1", &large, 1), Timestamp::from_millis(0));
        assert_eq!((event.data.get(), event.omittedbytes), ("null", Some(large.len())));
        assert!(serde_json::to_string(&event).unwrap().len() < 1000);
    }

    #[test]
    fn an_event_has_the_attributes_that_cloudevents_requires() {
        let event = Event::of_item(&job("a1"), item("1", r#"{"text":"hi"}"#, 1), Timestamp::from_millis(0));
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(json["source"], "/pollwheel/mastodon/statuses");
        assert_eq!(json["type"], "mastodon.status");
        assert_eq!(json["data"]["text"], "hi");
        let names = json.as_object().unwrap().keys();
        assert!(names.clone().all(
            |name| name.len() <= 20 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        ));
    }
}
