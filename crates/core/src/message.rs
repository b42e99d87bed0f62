//! What travels in the queues: versioned JSON.
//!
//! Every message carries a version. A reader that does not know it must keep the message (report it as failed, so that
//! it ends in the dead-letter queue), never drop it: during a deploy or a roll-back two versions run at once.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use write::finished;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::activity::Price;
use crate::id::{JobId, JobTypeId};
use crate::outcome::{Hints, Outcome};
use crate::row::{JobRow, Place};
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
    /// The jobs that it is for, when it is not for all of the partition: those of a page that were refused when the others
    /// were sent. A build before this member drains the partition as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Owed>,
}

/// A job whose copy is still owed, and where its row was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owed {
    /// Which job.
    pub job: JobId,
    /// Where its row was when the copy was refused.
    pub place: Place,
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

    /// The due minutes that a dispatch of one of its jobs answers for.
    #[must_use]
    pub fn due_minutes(&self) -> u64 {
        u64::from(self.missed()) + 1
    }

    /// The first due minute that a dispatch answers for.
    #[must_use]
    pub const fn first_due(&self) -> EpochMinute {
        match self {
            Self::Cohort { cohort, due, missed } | Self::Left { cohort, due, missed } => {
                cohort.first_due(*due, *missed)
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
        decode_any(text)
    }
}

/// Reads a message that may stand in any way that JSON can.
fn decode_any<M: Message>(text: &str) -> Result<M, MessageError> {
    let malformed = |error: &serde_json::Error| MessageError::Malformed {
        what: M::WHAT,
        reason: format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()),
    };
    // The common case in one pass; the version alone only when that fails.
    match serde_json::from_str::<Envelope<M>>(text) {
        Ok(Envelope { v: VERSION, message }) => Ok(message),
        Ok(Envelope { v, .. }) => Err(MessageError::UnknownVersion { found: v }),
        Err(error) => match serde_json::from_str::<VersionOnly>(text) {
            Ok(VersionOnly { v }) if v != VERSION => Err(MessageError::UnknownVersion { found: v }),
            Ok(_) | Err(_) => Err(malformed(&error)),
        },
    }
}

impl Message for PollMessage {
    const WHAT: &'static str = "poll";

    fn encode(&self) -> String {
        sqs_safe(write::poll_message(self))
    }

    fn decode(text: &str) -> Result<Self, MessageError> {
        read::poll_message(text).map_or_else(|| decode_any(text), Ok)
    }
}
impl Message for CompletedMessage {
    const WHAT: &'static str = "completed";

    fn decode(text: &str) -> Result<Self, MessageError> {
        read::completed(text).map_or_else(|| decode_any(text), Ok)
    }
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
