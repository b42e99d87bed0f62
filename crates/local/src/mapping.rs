//! What a Lambda event source mapping makes of a function's answer to an SQS batch, when `ReportBatchItemFailures` is on.
//!
//! The rules are those of "Success and failure conditions" in
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>. A message that is not deleted comes back
//! when its visibility timeout is over: a mapping never changes that time-out.
//!
//! Not here: gathering, invoking and deleting. The engine does them as these rules say.

use std::collections::HashMap;

/// A function that gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
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
    /// Those in `failed` come back; the others are deleted.
    SomeFailed {
        /// Positions in the batch, ascending.
        failed: Vec<usize>,
    },
    /// All come back.
    AllFailed(Why),
}

impl Verdict {
    /// Whether the message at this position of the batch is deleted.
    #[must_use]
    pub fn deletes(&self, position: usize) -> bool {
        match self {
            Self::AllDone => true,
            Self::SomeFailed { failed } => failed.binary_search(&position).is_err(),
            Self::AllFailed(_) => false,
        }
    }
}

/// Why a whole batch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// There is no answer.
    #[error(transparent)]
    NoAnswer(#[from] InvocationError),
    /// The answer is not JSON, or no object.
    #[error("the response is not a JSON object")]
    NotAnObject,
    /// `batchItemFailures` is no list.
    #[error("`batchItemFailures` is not a list")]
    NotAList,
    /// An entry has no `itemIdentifier`, or one that is null, empty or no string.
    #[error("entry {entry} of `batchItemFailures` has no `itemIdentifier`")]
    NoIdentifier {
        /// Its position.
        entry: usize,
    },
    /// An entry names a message that is not in the batch.
    #[error("entry {entry} of `batchItemFailures` names a message that is not in the batch")]
    UnknownMessage {
        /// Its position.
        entry: usize,
    },
}

/// Judges an answer as Lambda does.
///
/// A success is: no response, an empty one, `null`, `{}`, and `batchItemFailures` absent, null or empty. Mind that a
/// misspelt `batchItemFailures` is absent: it deletes the batch.
#[must_use]
pub fn judge(response: Result<&str, InvocationError>, message_ids: &[&str]) -> Verdict {
    match response.map_err(Why::from).and_then(|text| failures(text, message_ids)) {
        Ok(failed) if failed.is_empty() => Verdict::AllDone,
        Ok(failed) => Verdict::SomeFailed { failed },
        Err(why) => Verdict::AllFailed(why),
    }
}

/// What our functions answer when all is well: not worth a parser.
const NO_FAILURES: &str = r#"{"batchItemFailures":[]}"#;

fn failures(text: &str, message_ids: &[&str]) -> Result<Vec<usize>, Why> {
    use serde_json::Value;
    if text.trim().is_empty() || text == NO_FAILURES {
        return Ok(Vec::new());
    }
    let response = match serde_json::from_str(text) {
        Ok(Value::Null) => return Ok(Vec::new()),
        Ok(Value::Object(members)) => members,
        Ok(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => {
            return Err(Why::NotAnObject);
        }
    };
    let entries = match response.get("batchItemFailures") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(Why::NotAList);
        }
    };
    let positions: HashMap<&str, usize> = message_ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut failed = Vec::with_capacity(entries.len());
    for (entry, value) in entries.iter().enumerate() {
        let id = value.get("itemIdentifier").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.ok_or(Why::NoIdentifier { entry })?;
        failed.push(*positions.get(id).ok_or(Why::UnknownMessage { entry })?);
    }
    failed.sort_unstable();
    failed.dedup();
    Ok(failed)
}

#[cfg(test)]
mod tests {
    use pollwheel_core::batch::BatchResponse;

    use super::*;

    const IDS: [&str; 3] = ["m-1", "m-2", "m-3"];

    #[test]
    fn r14_the_response_has_exactly_the_form_that_lambda_reads() {
        assert_eq!(
            BatchResponse::failing(["m-2", "m-3"]).to_json(),
            r#"{"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}"#
        );
        assert_eq!(BatchResponse::default().to_json(), r#"{"batchItemFailures":[]}"#);
        let own = BatchResponse::failing(["m-2"]).to_json();
        assert_eq!(judge(Ok(&own), &IDS), Verdict::SomeFailed { failed: vec![1] });
    }

    #[test]
    fn r14_empty_and_null_responses_delete_the_batch() {
        for response in [
            "",
            " \n",
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"statusCode":200}"#,
            r#"{"BatchItemFailures":[{"itemIdentifier":"m-1"}]}"#,
        ] {
            assert_eq!(judge(Ok(response), &IDS), Verdict::AllDone, "{response}");
        }
    }

    #[test]
    fn r14_a_malformed_response_returns_the_batch() {
        let list =
            |entries: &str| format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"m-1"}},{entries}]}}"#);
        for (response, why) in [
            ("not json".to_owned(), Why::NotAnObject),
            (r#"{"batchItemFailures":["#.to_owned(), Why::NotAnObject),
            ("[]".to_owned(), Why::NotAnObject),
            ("\"ok\"".to_owned(), Why::NotAnObject),
            (r#"{"batchItemFailures":"m-1"}"#.to_owned(), Why::NotAList),
            (list(r#"{"itemIdentifier":""}"#), Why::NoIdentifier { entry: 1 }),
            (list(r#"{"itemIdentifier":null}"#), Why::NoIdentifier { entry: 1 }),
            (list(r#"{"itemIdentifier":7}"#), Why::NoIdentifier { entry: 1 }),
            (list(r#"{"itemId":"m-2"}"#), Why::NoIdentifier { entry: 1 }),
            (list(r#""m-2""#), Why::NoIdentifier { entry: 1 }),
            (list(r#"{"itemIdentifier":"m-9"}"#), Why::UnknownMessage { entry: 1 }),
        ] {
            assert_eq!(judge(Ok(&response), &IDS), Verdict::AllFailed(why), "{response}");
        }
    }

    #[test]
    fn r14_without_an_answer_the_batch_returns() {
        for error in [InvocationError::Failed, InvocationError::TimedOut] {
            let verdict = judge(Err(error), &IDS);
            assert_eq!(verdict, Verdict::AllFailed(Why::NoAnswer(error)));
            assert!(!verdict.deletes(0));
        }
    }

    #[test]
    fn r14_only_the_named_messages_return_however_often_they_are_named() {
        let verdict = judge(Ok(&BatchResponse::failing(["m-3", "m-1", "m-3"]).to_json()), &IDS);
        assert_eq!(verdict, Verdict::SomeFailed { failed: vec![0, 2] });
        assert_eq!([0, 1, 2].map(|position| verdict.deletes(position)), [false, true, false]);
    }
}
