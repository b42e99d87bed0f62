//! The queues on SQS: batches cut by count and by bytes, many in flight, and every message accounted for.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, QueueAttributeName, SendMessageBatchRequestEntry};
use futures_util::{StreamExt, stream};
use pollwheel_core::keys;
use pollwheel_core::ports::{Outgoing, PortError, QueueName, Queues, Retry};
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::failure::{failure, of_code};
use crate::meter::Meter;

/// Messages of a batch. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const BATCH_MESSAGES: usize = 10;
/// Bytes of a message, and of all messages of a batch together. Source as above.
const BATCH_BYTES: usize = 1024 * 1024;
/// Longest delay, in seconds. Source as above.
const MAX_DELAY_SECONDS: u16 = 900;
/// Calls under way at once, whatever the number of partitions being drained: SQS answers in about 10 ms, so this is about
/// 100,000 messages a second, and as many connections as this.
const CALLS_IN_FLIGHT: usize = 128;
/// Attempts at the messages that a batch's answer refuses for a moment. Calls have retries of their own.
const ATTEMPTS: u32 = 3;

/// The queues of a deployment: those whose URL is a prefix and a name of [`keys::queue_name`].
#[derive(Debug, Clone)]
pub struct SqsQueues {
    client: Client,
    prefix: String,
    calls: Arc<Semaphore>,
    meter: Meter,
}

/// A message on its way, and its place in the answer.
struct Entry {
    position: usize,
    message: Outgoing,
}

impl SqsQueues {
    /// The queues whose URLs begin with `url_prefix`.
    #[must_use]
    pub fn new(connection: &Connection, url_prefix: impl Into<String>, meter: &Meter) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            prefix: url_prefix.into(),
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT)),
            meter: meter.clone(),
        }
    }

    fn url(&self, queue: &QueueName) -> String {
        format!("{}{}", self.prefix, keys::queue_name(queue))
    }

    /// Sends a batch; what is refused for a moment is sent again, a few times.
    async fn send_batch(&self, url: &str, mut batch: Vec<Entry>) -> Vec<(usize, Result<(), PortError>)> {
        let mut answers = Vec::with_capacity(batch.len());
        for attempt in 1..=ATTEMPTS {
            let again;
            (answers, again) = self.send_once(url, batch, answers).await;
            let worth_it = attempt < ATTEMPTS && again.iter().any(|(_, error)| error.retry != Retry::Never);
            if !worth_it {
                answers.extend(again.into_iter().map(|(entry, error)| (entry.position, Err(error))));
                break;
            }
            let (later, never): (Vec<_>, Vec<_>) =
                again.into_iter().partition(|(_, error)| error.retry != Retry::Never);
            answers.extend(never.into_iter().map(|(entry, error)| (entry.position, Err(error))));
            batch = later.into_iter().map(|(entry, _)| entry).collect();
            tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
        }
        answers
    }

    /// One call. Gives the messages that were not accepted back, each with its reason: a message that the answer does not
    /// name was not accepted.
    async fn send_once(
        &self,
        url: &str,
        batch: Vec<Entry>,
        mut answers: Vec<(usize, Result<(), PortError>)>,
    ) -> (Vec<(usize, Result<(), PortError>)>, Vec<(Entry, PortError)>) {
        let what = || format!("sending messages to `{url}`");
        let entries = batch.iter().enumerate().map(request_entry).collect::<Result<Vec<_>, _>>();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let reason = error.to_string();
                let failed = |entry| (entry, PortError::new(what(), Retry::Never, reason.clone()));
                return (answers, batch.into_iter().map(failed).collect());
            }
        };
        self.meter.sent(batch.iter().map(|entry| entry.message.body.len()).sum());
        let sent = {
            // Never closed, so it always gives a permit.
            let _call = self.calls.acquire().await;
            self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                let PortError { what, retry, source } = failure(what(), error);
                let reason = source.map_or_else(String::new, |source| source.to_string());
                let failed = |entry| (entry, PortError::new(what.clone(), retry, reason.clone()));
                return (answers, batch.into_iter().map(failed).collect());
            }
        };
        let accepted: Vec<&str> = answer.successful.iter().map(|entry| entry.id.as_str()).collect();
        let mut refused: HashMap<&str, &BatchResultErrorEntry> =
            answer.failed.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let mut again = Vec::new();
        for (index, entry) in batch.into_iter().enumerate() {
            let id = index.to_string();
            match refused.remove(id.as_str()) {
                Some(error) => again.push((entry, refusal(what(), error))),
                None if accepted.contains(&id.as_str()) => answers.push((entry.position, Ok(()))),
                None => {
                    let error =
                        PortError::new(what(), Retry::Transient, "the answer does not name the message");
                    again.push((entry, error));
                }
            }
        }
        (answers, again)
    }
}

fn request_entry(
    (index, entry): (usize, &Entry),
) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    let delay = (entry.message.delay_seconds > 0).then_some(i32::from(entry.message.delay_seconds));
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&entry.message.body)
        .set_delay_seconds(delay)
        .build()
}

fn refusal(what: String, error: &BatchResultErrorEntry) -> PortError {
    let message = error.message.as_deref().unwrap_or("no message");
    let retry = if error.sender_fault { of_code(&error.code, 400) } else { of_code(&error.code, 500) };
    PortError::new(what, retry, format!("{}: {message}", error.code))
}

/// Why SQS would refuse a message however often it is sent.
fn flaw(message: &Outgoing) -> Option<String> {
    let forbidden = |c: char| !matches!(u32::from(c), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF);
    let Outgoing { body, delay_seconds } = message;
    match body.len() {
        0 => return Some("it is empty".to_owned()),
        bytes if bytes > BATCH_BYTES => {
            return Some(format!("it has {bytes} bytes, the limit is {BATCH_BYTES}"));
        }
        _ => {}
    }
    if *delay_seconds > MAX_DELAY_SECONDS {
        return Some(format!("its delay is {delay_seconds} s, the limit is {MAX_DELAY_SECONDS}"));
    }
    // Only control characters, U+FFFE and U+FFFF are refused; the bytes that they begin with are rare.
    let suspect = body.bytes().any(|byte| byte < 0x20 || byte == 0xEF);
    let found = if suspect { body.chars().find(|&c| forbidden(c)) } else { None };
    found.map(|c| format!("it has the character {c:?}, which SQS refuses"))
}

/// Batches of at most ten messages and 1 MiB, in order.
fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::with_capacity(entries.len().div_ceil(BATCH_MESSAGES));
    let mut bytes = 0;
    for entry in entries {
        let size = entry.message.body.len();
        match batches.last_mut().filter(|batch| batch.len() < BATCH_MESSAGES && bytes + size <= BATCH_BYTES) {
            Some(batch) => {
                bytes += size;
                batch.push(entry);
            }
            None => {
                bytes = size;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

impl Queues for SqsQueues {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let url = self.url(queue);
        let unanswered = |_| {
            let reason = "the message was not answered for";
            Err(PortError::new(format!("sending messages to `{url}`"), Retry::Transient, reason))
        };
        let mut answers: Vec<Result<(), PortError>> = (0..messages.len()).map(unanswered).collect();
        let mut entries = Vec::with_capacity(messages.len());
        for (position, message) in messages.into_iter().enumerate() {
            match (flaw(&message), answers.get_mut(position)) {
                (Some(flaw), Some(answer)) => {
                    *answer =
                        Err(PortError::new(format!("sending a message to `{url}`"), Retry::Never, flaw));
                }
                (None, _) | (_, None) => entries.push(Entry { position, message }),
            }
        }
        let calls = batches(entries).into_iter().map(|batch| self.send_batch(&url, batch));
        let mut done = stream::iter(calls).buffer_unordered(CALLS_IN_FLIGHT);
        while let Some(batch) = done.next().await {
            for (position, answer) in batch {
                if let Some(slot) = answers.get_mut(position) {
                    *slot = answer;
                }
            }
        }
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let url = self.url(queue);
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        self.meter.sent(0);
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .map_err(|error| failure(format!("reading the backlog of `{url}`"), error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| attributes.get(name).and_then(|count: &String| count.parse::<u64>().ok());
        match (count(&names[0]), count(&names[1])) {
            (Some(visible), Some(delayed)) => Ok(visible.saturating_add(delayed)),
            _ => Err(PortError::new(
                format!("reading the backlog of `{url}`"),
                Retry::Transient,
                "the answer has no counts",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sizes: &[usize]) -> Vec<Entry> {
        let entry = |(position, size): (usize, &usize)| Entry {
            position,
            message: Outgoing { body: "x".repeat(*size), delay_seconds: 0 },
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_batch_is_cut_by_count_and_by_bytes() {
        let cut = |sizes: &[usize]| batches(entries(sizes)).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(cut(&[]), Vec::<usize>::new());
        assert_eq!(cut(&[1; 25]), [10, 10, 5]);
        assert_eq!(cut(&[BATCH_BYTES, 1, BATCH_BYTES]), [1, 1, 1]);
        assert_eq!(cut(&[BATCH_BYTES - 1, 1, 1]), [2, 1], "the limit itself is allowed");
        assert_eq!(cut(&[400_000; 5]), [2, 2, 1]);
    }

    #[test]
    fn r26_what_sqs_refuses_is_found_before_it_is_sent() {
        let flawed = |body: &str| flaw(&Outgoing { body: body.to_owned(), delay_seconds: 0 }).is_some();
        for good in ["x", "\t\n\r", "é \u{FFFD}\u{10000}\u{10FFFF}", "\u{7F}"] {
            assert!(!flawed(good), "{good:?}");
        }
        for bad in ["", "\u{0}", "a\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(flawed(bad), "{bad:?}");
        }
    }
}
