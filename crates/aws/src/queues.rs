//! The queues on SQS.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, QueueAttributeName, SendMessageBatchRequestEntry};
use pollwheel_core::keys;
use pollwheel_core::ports::{Outgoing, PortError, QueueName, Queues, Retry};
use tokio::sync::Semaphore;

use crate::batches::{Called, Entry, Limits, failed_call, send_all};
use crate::connection::Connection;
use crate::failure::{failure, of_code};
use crate::meter::Meter;

/// Bytes of a message, and of all messages of a call together.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const MAX_BYTES: usize = 1024 * 1024;
/// Longest delay, in seconds. Source as above.
const MAX_DELAY_SECONDS: u16 = 900;
/// A call takes ten messages (source as above). SQS answers in about 10 ms, so 128 calls at once are about 100,000
/// messages a second, and as many connections.
const LIMITS: Limits = Limits {
    entries: 10,
    bytes: MAX_BYTES,
    calls: 128,
    attempts: 3,
    first_backoff: Duration::from_millis(100),
};

/// The queues of a deployment: those whose URL is a prefix and a name of [`keys::queue_name`].
#[derive(Debug, Clone)]
pub struct SqsQueues {
    client: Client,
    prefix: String,
    /// Calls under way at once, whatever the number of partitions that are drained.
    calls: Arc<Semaphore>,
    meter: Meter,
}

impl SqsQueues {
    /// The queues whose URLs begin with `url_prefix`.
    #[must_use]
    pub fn new(connection: &Connection, url_prefix: impl Into<String>, meter: &Meter) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            prefix: url_prefix.into(),
            calls: Arc::new(Semaphore::new(LIMITS.calls)),
            meter: meter.clone(),
        }
    }

    fn url(&self, queue: &QueueName) -> String {
        format!("{}{}", self.prefix, keys::queue_name(queue))
    }

    async fn call(&self, url: &str, batch: Vec<Entry<Outgoing>>) -> Called<Outgoing> {
        let what = || format!("sending messages to `{url}`");
        let entries = match batch.iter().enumerate().map(request_entry).collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return failed_call(batch, PortError::new(what(), Retry::Never, error)),
        };
        self.meter.sent(batch.iter().map(|entry| entry.bytes).sum());
        let sent = {
            // Never closed, so it always gives a permit.
            let _call = self.calls.acquire().await;
            self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return failed_call(batch, failure(what(), error)),
        };
        let accepted: HashSet<&str> = answer.successful.iter().map(|entry| entry.id.as_str()).collect();
        let failed: HashMap<&str, &BatchResultErrorEntry> =
            answer.failed.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let mut called = Called { answers: Vec::with_capacity(batch.len()), refused: Vec::new() };
        for (index, entry) in batch.into_iter().enumerate() {
            let id = index.to_string();
            match (failed.get(id.as_str()), accepted.contains(id.as_str())) {
                (Some(error), _) => called.refused.push((entry, refusal(what(), error))),
                (None, true) => called.answers.push((entry.position, Ok(()))),
                (None, false) => {
                    let reason = "the answer does not name the message";
                    called.refused.push((entry, PortError::new(what(), Retry::Transient, reason)));
                }
            }
        }
        called
    }
}

fn request_entry(
    (index, entry): (usize, &Entry<Outgoing>),
) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let Outgoing { body, delay_seconds } = &entry.thing;
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(body)
        .set_delay_seconds((*delay_seconds > 0).then_some(i32::from(*delay_seconds)))
        .build()
}

fn refusal(what: String, error: &BatchResultErrorEntry) -> PortError {
    let message = error.message.as_deref().unwrap_or("no message");
    let status = if error.sender_fault { 400 } else { 500 };
    PortError::new(what, of_code(&error.code, status), format!("{}: {message}", error.code))
}

/// Why SQS would refuse a message however often it is sent.
fn flaw(message: &Outgoing) -> Option<String> {
    let forbidden = |c: char| !matches!(u32::from(c), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF);
    let Outgoing { body, delay_seconds } = message;
    if body.is_empty() {
        return Some("it is empty".to_owned());
    }
    if body.len() > MAX_BYTES {
        return Some(format!("it has {} bytes, the limit is {MAX_BYTES}", body.len()));
    }
    if *delay_seconds > MAX_DELAY_SECONDS {
        return Some(format!("its delay is {delay_seconds} s, the limit is {MAX_DELAY_SECONDS}"));
    }
    // Only control characters, U+FFFE and U+FFFF are refused; the bytes that they begin with are rare.
    let suspect = body.bytes().any(|byte| byte < 0x20 || byte == 0xEF);
    let found = if suspect { body.chars().find(|&c| forbidden(c)) } else { None };
    found.map(|c| format!("it has the character {c:?}, which SQS refuses"))
}

impl Queues for SqsQueues {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let url = self.url(queue);
        let what = || format!("sending messages to `{url}`");
        let count = messages.len();
        let (mut refused, mut entries) = (Vec::new(), Vec::with_capacity(count));
        for (position, message) in messages.into_iter().enumerate() {
            match flaw(&message) {
                Some(flaw) => refused.push((position, Err(PortError::new(what(), Retry::Never, flaw)))),
                None => entries.push(Entry { position, bytes: message.body.len(), thing: message }),
            }
        }
        send_all(count, refused, entries, LIMITS, what, async |batch| self.call(&url, batch).await).await
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let url = self.url(queue);
        let what = || format!("reading the backlog of `{url}`");
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
            .map_err(|error| failure(what(), error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| attributes.get(name).and_then(|count: &String| count.parse::<u64>().ok());
        match (count(&names[0]), count(&names[1])) {
            (Some(visible), Some(delayed)) => Ok(visible.saturating_add(delayed)),
            _ => Err(PortError::new(what(), Retry::Transient, "the answer has no counts")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
