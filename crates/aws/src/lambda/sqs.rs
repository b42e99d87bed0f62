//! The event of an SQS mapping: whatever it holds, no message of it is lost.
//!
//! A record that cannot be read is reported as failed, alone, so that its queue keeps it. One that cannot even be named
//! fails the whole batch: an answer that left it out would delete it.

use pollwheel_core::batch::{BatchResponse, BatchResult, Record};
use serde::Deserialize;
use serde_json::Value;

/// Why a batch cannot be handled: the function must fail, so that all of it comes back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not an event of a queue.
    #[error("the event is not of a queue: {reason}")]
    Malformed {
        /// What the parser said, without content.
        reason: String,
    },
    /// A record that cannot be reported as failed, because it has no name.
    #[error("record {position} of the event has no `messageId`: the whole batch comes back")]
    NoMessageId {
        /// Its position, counted from 0.
        position: usize,
    },
    /// No telling what the messages are.
    #[error(
        "record {position} of the event has no `eventSourceARN` of one queue: the whole batch comes back"
    )]
    NoQueue {
        /// Its position, counted from 0.
        position: usize,
    },
}

/// The messages of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueBatch {
    /// The queue's name: the last part of its ARN.
    pub queue: String,
    /// Those that can be read.
    pub records: Vec<Record>,
    /// Those that cannot, reported as failed.
    pub unreadable: BatchResult,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

impl QueueBatch {
    /// Reads an event.
    ///
    /// # Errors
    /// [`EventError`]: the invocation must fail with it.
    pub fn read(event: &str) -> Result<Self, EventError> {
        let event: Event = serde_json::from_str(event).map_err(|error| EventError::Malformed {
            reason: format!(
                "{:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        })?;
        let mut batch =
            Self { queue: String::new(), records: Vec::new(), unreadable: BatchResult::default() };
        for (position, mut record) in event.records.into_iter().enumerate() {
            let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let id = text("messageId").ok_or(EventError::NoMessageId { position })?.to_owned();
            let queue = text("eventSourceARN").and_then(queue_name);
            match queue {
                Some(queue) if batch.queue.is_empty() => batch.queue = queue.to_owned(),
                Some(queue) if batch.queue == queue => {}
                Some(_) | None => return Err(EventError::NoQueue { position }),
            }
            match record.get_mut("body").map(Value::take) {
                Some(Value::String(body)) => batch.records.push(Record { id, body }),
                Some(
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_),
                )
                | None => {
                    let record = Record { id, body: String::new() };
                    batch.unreadable.fail(&record, "the record has no `body` that is a text");
                }
            }
        }
        Ok(batch)
    }

    /// The answer: what a pass could not do, and what could not be read. Each failure is logged, without content.
    #[must_use]
    pub fn answer(&self, result: &BatchResult) -> BatchResponse {
        let failed = || self.unreadable.failed.iter().chain(&result.failed);
        for failure in failed() {
            tracing::warn!(
                queue = self.queue,
                message_id = failure.id,
                reason = failure.reason,
                "a message failed"
            );
        }
        BatchResponse::failing(failed().map(|failure| failure.id.clone()))
    }
}

/// `arn:aws:sqs:eu-west-1:123456789012:name`.
fn queue_name(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let is_queue = parts.next() == Some("arn") && parts.nth(1) == Some("sqs");
    let name = parts.nth(2).filter(|name| !name.is_empty())?;
    (is_queue && parts.next().is_none()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:pollwheel-dev-completed";

    fn event(records: &[Value]) -> String {
        serde_json::json!({ "Records": records }).to_string()
    }

    #[test]
    fn a_batch_is_its_queue_and_its_messages() {
        let text = include_str!("sqs/event.json");
        let batch = QueueBatch::read(text).unwrap();
        assert_eq!(batch.queue, "pollwheel-dev-jobs-mastodon-statuses");
        let record = Record {
            id: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
            body: "{\"v\":1,\"m\":{}}".to_owned(),
        };
        assert_eq!(batch.records, [record]);
        assert_eq!(batch.answer(&BatchResult::default()).to_json(), r#"{"batchItemFailures":[]}"#);
    }

    #[test]
    fn r12_a_record_without_a_body_fails_alone() {
        let text = event(&[
            serde_json::json!({"messageId": "m-1", "eventSourceARN": ARN}),
            serde_json::json!({"messageId": "m-2", "eventSourceARN": ARN, "body": {"v": 1}}),
            serde_json::json!({"messageId": "m-3", "eventSourceARN": ARN, "body": ""}),
        ]);
        let batch = QueueBatch::read(&text).unwrap();
        assert_eq!(batch.records, [Record { id: "m-3".to_owned(), body: String::new() }]);
        let mut result = BatchResult::default();
        result.fail(&batch.records[0], "not JSON");
        assert_eq!(
            batch.answer(&result).to_json(),
            r#"{"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}"#
        );
    }

    #[test]
    fn r12_a_record_that_cannot_be_named_fails_the_batch() {
        let good = serde_json::json!({"messageId": "m-1", "eventSourceARN": ARN, "body": "x"});
        for bad in [
            serde_json::json!({"eventSourceARN": ARN, "body": "x"}),
            serde_json::json!({"messageId": "", "eventSourceARN": ARN, "body": "x"}),
            serde_json::json!({"messageId": 7, "eventSourceARN": ARN, "body": "x"}),
            serde_json::json!("planted-s3cret"),
        ] {
            let error = QueueBatch::read(&event(&[good.clone(), bad])).unwrap_err();
            assert_eq!(error, EventError::NoMessageId { position: 1 });
        }
        for arn in
            ["", "arn:aws:sns:eu-west-1:1:x", "arn:aws:sqs:eu-west-1:1:", "arn:aws:sqs:eu-west-1:1:other"]
        {
            let bad = serde_json::json!({"messageId": "m-2", "eventSourceARN": arn, "body": "x"});
            let error = QueueBatch::read(&event(&[good.clone(), bad])).unwrap_err();
            assert_eq!(error, EventError::NoQueue { position: 1 }, "{arn}");
        }
        for text in ["", "null", "{}", r#"{"Records":"planted-s3cret"}"#, "[1]"] {
            let error = QueueBatch::read(text).unwrap_err();
            assert!(matches!(error, EventError::Malformed { .. }), "{text}");
            assert!(!error.to_string().contains("planted"), "{error}");
        }
    }
}
