//! What a Lambda event source mapping does with an SQS batch: when it invokes, and what it makes of the answer.

use std::num::NonZeroU16;
use std::time::Duration;

use pollwheel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// When a mapping invokes its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Most messages in a batch.
    pub size: NonZeroU16,
    /// How long to gather messages before invoking with fewer.
    pub window: Duration,
}

impl Batching {
    /// Whether to invoke with what is gathered since `first_at`.
    #[must_use]
    pub fn is_ready(self, _gathered: usize, _first_at: Timestamp, _now: Timestamp) -> bool {
        todo!()
    }
}

/// A function's answer to a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The messages to deliver again.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A message to deliver again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its message id.
    pub item_identifier: String,
}

/// A function that gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// It panicked or returned an error.
    #[error("the function failed")]
    Failed,
    /// It ran out of time.
    #[error("the function timed out")]
    TimedOut,
}

/// What happens to the messages of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All are deleted.
    AllDone,
    /// Those in `failed` (positions in the batch) return after the visibility timeout; the others are deleted.
    SomeFailed {
        /// Positions in the batch, ascending.
        failed: Vec<usize>,
    },
    /// All return after the visibility timeout.
    AllFailed(Why),
}

/// Why a whole batch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No answer.
    #[error(transparent)]
    NoAnswer(#[from] InvocationError),
    /// The answer is no batch response.
    #[error("the response is not a batch response")]
    NotAResponse,
}

/// Judges an answer as Lambda does with `ReportBatchItemFailures`.
#[must_use]
pub fn judge(_response: Result<&str, InvocationError>, _message_ids: &[&str]) -> Verdict {
    todo!()
}
