//! What travels in the queues: versioned JSON.
//!
//! Every message carries a version. A reader that does not know it must keep the message (report it as failed, so that
//! it ends in the dead-letter queue), never drop it: during a deploy or a roll-back two versions run at once.

mod write;

pub(crate) use write::{Finished, finished};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::activity::Price;
use crate::id::JobTypeId;
use crate::outcome::{Hints, Outcome};
use crate::row::JobRow;
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::Cohort;

/// The version that this code writes and reads.
pub const VERSION: u32 = 1;
/// Most queue hops from one tick. Lambda stops a chain after about 16; ours end in the store well before.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
pub const MAX_HOPS: u8 = 8;

/// A copy of a row on its way to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PollMessage {
    /// The due minute that this dispatch is for.
    pub due: EpochMinute,
    /// Earlier due minutes that it makes up for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u32,
    /// Seconds after its minute that the job leaves: part of the plan, not lateness.
    pub spread: u16,
    /// Queue hops since the tick, this one included.
    pub hop: u8,
    /// What a poll of it costs, where it takes from a shared limit.
    #[serde(default, skip_serializing_if = "Price::is_usual")]
    pub price: Price,
    /// The row as it was read.
    pub row: JobRow,
}

/// One finished poll on its way to the completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completed {
    /// The due minute that the poll was dispatched for.
    pub due: EpochMinute,
    /// When the answer came.
    pub at: Timestamp,
    /// What it cost, as it was dispatched.
    #[serde(default, skip_serializing_if = "Price::is_usual")]
    pub price: Price,
    /// The row as it was dispatched.
    pub row: JobRow,
    /// What the poll came to.
    pub outcome: Outcome,
    /// What the response said about when to come back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hints: Hints,
}

/// The finished polls of a worker's batch: one message, or a few when they are large.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletedMessage {
    /// Queue hops since the tick, this one included.
    pub hop: u8,
    /// The polls.
    pub polls: Vec<Completed>,
}

/// One partition to dispatch: the fan-out of a large tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainMessage {
    /// Queue hops since the tick, this one included.
    pub hop: u8,
    /// Minutes that it has to wait when it comes: its turn in a catch-up is further away than a message can be delayed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wait: u32,
    /// The job type.
    pub job_type: JobTypeId,
    /// The partition.
    pub part: Part,
    /// The minute that it is drained for: the tick's, or that of its turn in a catch-up. Holds are judged by it.
    pub minute: EpochMinute,
    /// The window's first minute, exclusive: a wake-up whose cohort is due in the window is left to the cohort.
    pub after: EpochMinute,
    /// Where a drain that ran out of time stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A partition with work in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A cohort.
    Cohort {
        /// Which.
        cohort: Cohort,
        /// The due minute that the dispatch is for.
        due: EpochMinute,
        /// Earlier due minutes that it makes up for.
        missed: u32,
    },
    /// A cohort of a late window whose next turn is so near that it is left to it: its rows are counted, and none is sent.
    Left {
        /// Which.
        cohort: Cohort,
        /// The last due minute that is left out.
        due: EpochMinute,
        /// Earlier due minutes that are left out.
        missed: u32,
    },
    /// The wake-ups of a minute.
    Wakes {
        /// The minute.
        minute: EpochMinute,
        /// The shard.
        shard: u16,
    },
}

impl Part {
    /// The minute that its jobs are dispatched for.
    #[must_use]
    pub const fn due(&self) -> EpochMinute {
        match self {
            Self::Cohort { due, .. } | Self::Left { due, .. } => *due,
            Self::Wakes { minute, .. } => *minute,
        }
    }

    /// Earlier due minutes that a dispatch makes up for. A wake-up is for its own minute only.
    #[must_use]
    pub const fn missed(&self) -> u32 {
        match self {
            Self::Cohort { missed, .. } | Self::Left { missed, .. } => *missed,
            Self::Wakes { .. } => 0,
        }
    }

    /// The first due minute that a dispatch answers for.
    #[must_use]
    pub const fn first_due(&self) -> EpochMinute {
        match self {
            Self::Cohort { cohort, due, missed } | Self::Left { cohort, due, missed } => {
                due.minus(missed.saturating_mul(cohort.cadence.minutes() as u32))
            }
            Self::Wakes { minute, .. } => *minute,
        }
    }
}

/// Why a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Written by a version that this code does not know: keep it for one that does.
    #[error(
        "the message has version {found}, this build reads version {VERSION}: it is kept for a build that reads it"
    )]
    UnknownVersion {
        /// Its version.
        found: u32,
    },
    /// Not a message of ours.
    #[error("not a {what} message: {reason}")]
    Malformed {
        /// The kind expected.
        what: &'static str,
        /// What the parser said, without content.
        reason: String,
    },
}

/// A kind of message.
pub trait Message: Serialize + DeserializeOwned {
    /// Its name in errors.
    const WHAT: &'static str;

    /// The JSON text, its version first. SQS takes it as it is: control characters and U+FFFE and U+FFFF are escaped.
    fn encode(&self) -> String {
        to_json(&Envelope { v: VERSION, message: self })
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError`]: either way the message must be kept.
    fn decode(text: &str) -> Result<Self, MessageError> {
        let malformed = |error: &serde_json::Error| MessageError::Malformed {
            what: Self::WHAT,
            reason: format!(
                "{:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        };
        // The common case in one pass; the version alone only when that fails.
        match serde_json::from_str::<Envelope<Self>>(text) {
            Ok(Envelope { v: VERSION, message }) => Ok(message),
            Ok(Envelope { v, .. }) => Err(MessageError::UnknownVersion { found: v }),
            Err(error) => match serde_json::from_str::<VersionOnly>(text) {
                Ok(VersionOnly { v }) if v != VERSION => Err(MessageError::UnknownVersion { found: v }),
                Ok(_) | Err(_) => Err(malformed(&error)),
            },
        }
    }
}

impl Message for PollMessage {
    const WHAT: &'static str = "poll";

    fn encode(&self) -> String {
        sqs_safe(write::poll_message(self))
    }
}
impl Message for CompletedMessage {
    const WHAT: &'static str = "completed";
}
impl Message for DrainMessage {
    const WHAT: &'static str = "drain";
}

/// A [`CompletedMessage`] from polls that are written down already, with commas between them, so that their size was known.
pub(crate) fn encode_completed(hop: u8, polls: &str) -> String {
    let head = format!(r#"{{"v":{VERSION},"m":{{"hop":{hop},"polls":["#);
    let mut text = String::with_capacity(head.len() + polls.len() + 3);
    text.push_str(&head);
    text.push_str(polls);
    text.push_str("]}}");
    sqs_safe(text)
}

/// Room for an ordinary message, so that its text is not copied while it grows.
pub(crate) const ORDINARY_BYTES: usize = 640;

fn to_json(message: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(ORDINARY_BYTES);
    // Neither can fail: the types are ours, and serde_json writes UTF-8.
    match serde_json::to_writer(&mut text, message) {
        Ok(()) => sqs_safe(String::from_utf8(text).unwrap_or_default()),
        Err(_) => String::new(),
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    v: u32,
    #[serde(rename = "m")]
    message: M,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

/// Escapes the two characters that JSON leaves alone and SQS refuses: U+FFFE and U+FFFF. They can only stand inside
/// strings, where the escape means the same.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn sqs_safe(json: String) -> String {
    // Both begin with the byte 0xEF; looking for it first spares most texts a slow search.
    if json.as_bytes().contains(&0xEF) {
        json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
    } else {
        json
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Activity;
    use crate::context::{Context, ContextMap};
    use crate::id::{AccountId, JobId, ServiceLevel};
    use crate::row::{Place, Revision, Subject};

    fn message(external_id: &str) -> PollMessage {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let cohort = Cohort { cadence: crate::cadence::Cadence::FASTEST, phase: 0, shard: 0 };
        let subject = Subject { external_id: external_id.to_owned(), base_url: None };
        let level = ServiceLevel::new("free").unwrap();
        let mut row =
            JobRow::new(job, Place::Cohort(cohort), subject, level, Revision(1), EpochMinute::new(1));
        let members = ContextMap::from_iter([("since".to_owned(), serde_json::Value::from(external_id))]);
        row.context = Context::new(&members).unwrap();
        PollMessage {
            due: EpochMinute::new(29_000_000),
            missed: 0,
            spread: 7,
            hop: 1,
            price: Price::USUAL,
            row,
        }
    }

    #[test]
    fn a_message_survives_the_queue() {
        let sent = message("42");
        let body = sent.encode();
        assert!(body.starts_with(r#"{"v":1,"m":{"#) && body.len() < 450, "{} bytes: {body}", body.len());
        assert_eq!(PollMessage::decode(&body), Ok(sent));
    }

    #[test]
    fn a_poll_message_is_written_as_serde_would_write_it() {
        let plain = message("42");
        let mut full = message("4\u{1}\"\\2é\u{7F}");
        full.missed = 3;
        full.price = Price::of_thousandths(1500);
        full.row.activity = Some(Activity { items_thousandths: 1500, exposure_seconds: 90 });
        let cadence = crate::cadence::Cadence::FASTEST;
        full.row.range = crate::cadence::CadenceRange::new(cadence, cadence).ok();
        full.row.job.target = Some(crate::id::Target::new("a \"b\"").unwrap());
        full.row.subject.base_url = Some("https://mastodon.example".to_owned());
        full.row.hold =
            Some(crate::row::Hold { until: EpochMinute::new(9), cause: crate::row::HoldCause::Hint });
        (full.row.failures, full.row.gone, full.row.crashes, full.row.backoff_minutes) = (1, 2, 3, 4);
        full.row.error = Some("network: \"reset\"".into());
        full.row.applied = Some(EpochMinute::new(8));
        full.row.terms = Some(crate::decide::Terms {
            at: EpochMinute::new(7),
            activity: crate::cadence::Cadence::FASTEST,
            rate: 1200,
            price: Price::of_thousandths(1500),
            asked_seconds: 812,
            clamp: Some(crate::decide::Clamp::Level),
            floor_seconds: Some(60),
            hold: full.row.hold,
            jitter_minutes: 1,
            wake: Some(EpochMinute::new(10)),
        });
        let mut parked = message("42");
        parked.row.context = Context::empty();
        parked.row.place = Place::Parked { shard: 3 };
        let reason = crate::row::ParkReason::Gone;
        parked.row.parked = Some(crate::row::Parked { reason, since: EpochMinute::new(5) });
        for message in [plain, full, parked] {
            assert_eq!(message.encode(), super::to_json(&Envelope { v: VERSION, message: &message }));
        }
    }

    #[test]
    fn finished_polls_are_written_as_serde_would_write_them() {
        let poll = |outcome, hints| {
            let PollMessage { due, price, row, .. } = message("42");
            Completed { due, at: Timestamp::from_millis(1_740_052_800_123), price, row, outcome, hints }
        };
        let limit = crate::outcome::LimitReading {
            scope: crate::outcome::Scope::Token("a \"b\"".into()),
            remaining: 1,
            cushion: 2,
            reset_seconds: Some(3),
        };
        let dear = Price::of_thousandths(2500);
        let polls = vec![
            poll(Outcome::Unchanged { context: None }, Hints::default()),
            Completed { price: dear, ..poll(Outcome::Unchanged { context: None }, Hints::default()) },
            poll(
                Outcome::Network { reason: "\u{FFFE}\n".to_owned() },
                Hints { floor_seconds: Some(9), limits: vec![limit] },
            ),
        ];
        let mut text = String::new();
        for poll in &polls {
            text.push_str(if text.is_empty() { "" } else { "," });
            let Completed { due, at, price, row, outcome, hints } = poll;
            finished(&mut text, Finished { due: *due, at: *at, price: *price, row, outcome, hints }).unwrap();
        }
        let message = CompletedMessage { hop: 3, polls };
        assert_eq!(encode_completed(3, &text), message.encode());
        assert_eq!(CompletedMessage::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn r26_every_text_satisfies_sqs_and_comes_back_the_same() {
        let sent = message("\u{FFFE}\u{FFFF}\u{0}\u{1F}\u{7F}\u{FEFF}\u{1F600}\"\\");
        let body = sent.encode();
        let allowed = |c: char| matches!(u32::from(c), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF);
        assert!(body.chars().all(allowed), "{body:?}");
        let received = PollMessage::decode(&body).unwrap();
        assert_eq!(received.row.subject, sent.row.subject);
        assert_eq!(received.row.context.members(), sent.row.context.members());
    }

    #[test]
    fn r30_an_unknown_version_is_told_from_a_broken_message() {
        let newer = message("42").encode().replacen("\"v\":1", "\"v\":2", 1);
        assert_eq!(PollMessage::decode(&newer), Err(MessageError::UnknownVersion { found: 2 }));
        let alien = r#"{"v":9,"jobs":[1,2]}"#;
        assert_eq!(PollMessage::decode(alien), Err(MessageError::UnknownVersion { found: 9 }));
        for broken in ["", "not json", "{}", r#"{"v":1}"#, r#"{"v":1,"m":{"due":-1}}"#, "[]", r#"{"v":"1"}"#]
        {
            assert!(matches!(PollMessage::decode(broken), Err(MessageError::Malformed { .. })), "{broken}");
        }
    }

    #[test]
    fn r30_a_member_added_by_a_newer_build_of_the_same_version_is_ignored() {
        let newer = message("42").encode().replacen("\"hop\":1", "\"hop\":1,\"colour\":\"blue\"", 1);
        assert_eq!(PollMessage::decode(&newer), Ok(message("42")));
    }

    #[test]
    fn an_error_does_not_repeat_the_message() {
        let error = PollMessage::decode(r#"{"v":1,"m":{"due":"s3cret-t0ken"}}"#).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
