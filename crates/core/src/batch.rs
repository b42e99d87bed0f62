//! A batch of queue records and what became of each. A record stands alone: one that fails does not fail the others.

use serde::{Deserialize, Serialize};

/// A message as a queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The message id: what a failure is reported by.
    pub id: String,
    /// Its text.
    pub body: String,
}

/// A record that must come back, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The message id.
    pub id: String,
    /// The reason, without content.
    pub reason: String,
}

/// Which records of a batch must come back. Those not named are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResult {
    /// The failures.
    pub failed: Vec<Failure>,
}

impl BatchResult {
    /// Reports a record as failed: the queue delivers it again.
    pub fn fail(&mut self, record: &Record, reason: impl Into<String>) {
        self.failed.push(Failure { id: record.id.clone(), reason: reason.into() });
    }

    /// The answer that a function gives to SQS for the batch.
    #[must_use]
    pub fn response(&self) -> BatchResponse {
        BatchResponse::failing(self.failed.iter().map(|failure| failure.id.clone()))
    }
}

/// A function's answer to a batch, when its mapping has `ReportBatchItemFailures`.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
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

impl BatchResponse {
    /// The answer that names these messages.
    pub fn failing<I: Into<String>>(message_ids: impl IntoIterator<Item = I>) -> Self {
        let failure = |id: I| BatchItemFailure { item_identifier: id.into() };
        Self { batch_item_failures: message_ids.into_iter().map(failure).collect() }
    }

    /// The answer as the function returns it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A list of strings always has a JSON form; were it otherwise, no answer would mean that all is well.
        serde_json::to_string(self).unwrap_or_else(|_| "not JSON".to_owned())
    }
}
