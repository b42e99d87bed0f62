//! The bus on EventBridge: batches cut by count and by bytes, few in flight, every event accounted for.
//!
//! The CloudEvent is the detail; its source and type are the entry's, so that rules can match on them. Its time is not
//! the entry's: EventBridge refuses times that it finds odd, and an item's time is the third party's.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use futures_util::{StreamExt, stream};
use pollwheel_core::event::Event;
use pollwheel_core::ports::{Bus, PortError, Retry};
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::failure::{failure, of_code};
use crate::meter::Meter;

/// Entries of a call. <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const BATCH_EVENTS: usize = 10;
/// Bytes of all entries of a call together. It is also what an event is cut to, see [`pollwheel_core::event`].
const BATCH_BYTES: usize = 256 * 1024;
/// Calls under way at once in one function: a torrent is paced by it, and the rest of the account keeps its share of the
/// quota of `PutEvents`.
const CALLS_IN_FLIGHT: usize = 8;
/// Attempts at the entries that an answer refuses for a moment. Calls have retries of their own.
const ATTEMPTS: u32 = 4;
/// First wait before another attempt; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// An event bus.
#[derive(Debug, Clone)]
pub struct EventBridgeBus {
    client: Client,
    name: String,
    calls: Arc<Semaphore>,
    meter: Meter,
}

/// An entry on its way, its place in the answer, and its size as EventBridge counts it.
struct Entry {
    position: usize,
    bytes: usize,
    entry: PutEventsRequestEntry,
}

type Answer = (usize, Result<(), PortError>);

impl EventBridgeBus {
    /// The bus of this name.
    #[must_use]
    pub fn new(connection: &Connection, name: impl Into<String>, meter: &Meter) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            name: name.into(),
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT)),
            meter: meter.clone(),
        }
    }

    fn entry(&self, position: usize, event: &Event) -> Result<Entry, PortError> {
        let detail = serde_json::to_string(event).map_err(|error| {
            PortError::new(format!("publishing to the bus `{}`", self.name), Retry::Never, error)
        })?;
        let bytes = event.source.len() + event.kind.len() + detail.len();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(&event.source)
            .detail_type(&event.kind)
            .detail(detail)
            .build();
        Ok(Entry { position, bytes, entry })
    }

    async fn put_batch(&self, mut batch: Vec<Entry>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(batch.len());
        let mut backoff = FIRST_BACKOFF;
        for attempt in 1..=ATTEMPTS {
            let refused = self.put_once(batch, &mut answers).await;
            let (again, never): (Vec<_>, Vec<_>) =
                refused.into_iter().partition(|(_, error)| attempt < ATTEMPTS && error.retry != Retry::Never);
            answers.extend(never.into_iter().map(|(entry, error)| (entry.position, Err(error))));
            if again.is_empty() {
                break;
            }
            batch = again.into_iter().map(|(entry, _)| entry).collect();
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
        answers
    }

    /// One call. Entries are answered by position; those that are refused, or not answered for, come back.
    async fn put_once(&self, batch: Vec<Entry>, answers: &mut Vec<Answer>) -> Vec<(Entry, PortError)> {
        let what = || format!("publishing to the bus `{}`", self.name);
        let entries = batch.iter().map(|entry| entry.entry.clone()).collect();
        let sent = {
            // Never closed, so it always gives a permit.
            let _call = self.calls.acquire().await;
            self.client.put_events().set_entries(Some(entries)).send().await
        };
        let results = match sent {
            Ok(answer) => answer.entries.unwrap_or_default(),
            Err(error) => {
                let PortError { what, retry, source } = failure(what(), error);
                let reason = source.map_or_else(String::new, |source| source.to_string());
                // The SDK has tried again what is worth it.
                let failed =
                    |entry: Entry| (entry.position, Err(PortError::new(what.clone(), retry, reason.clone())));
                answers.extend(batch.into_iter().map(failed));
                return Vec::new();
            }
        };
        let mut refused = Vec::new();
        for (index, entry) in batch.into_iter().enumerate() {
            match results.get(index).map(judge) {
                Some(Ok(())) => {
                    self.meter.published(entry.bytes);
                    answers.push((entry.position, Ok(())));
                }
                Some(Err((retry, reason))) => refused.push((entry, PortError::new(what(), retry, reason))),
                None => {
                    let error =
                        PortError::new(what(), Retry::Transient, "the answer does not name the event");
                    refused.push((entry, error));
                }
            }
        }
        refused
    }
}

/// Whether the bus has taken an entry: an id says so, and nothing else does.
fn judge(result: &PutEventsResultEntry) -> Result<(), (Retry, String)> {
    match (result.event_id(), result.error_code()) {
        (Some(_), None) => Ok(()),
        (_, Some(code)) => {
            let message = result.error_message().unwrap_or("no message");
            Err((of_code(code, 400), format!("{code}: {message}")))
        }
        (None, None) => Err((Retry::Transient, "the answer has neither an id nor an error".to_owned())),
    }
}

fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::with_capacity(entries.len().div_ceil(BATCH_EVENTS));
    let mut bytes = 0;
    for entry in entries {
        match batches
            .last_mut()
            .filter(|batch| batch.len() < BATCH_EVENTS && bytes + entry.bytes <= BATCH_BYTES)
        {
            Some(batch) => {
                bytes += entry.bytes;
                batch.push(entry);
            }
            None => {
                bytes = entry.bytes;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

impl Bus for EventBridgeBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let unanswered = |_| {
            let what = format!("publishing to the bus `{}`", self.name);
            Err(PortError::new(what, Retry::Transient, "the event was not answered for"))
        };
        let mut answers: Vec<Result<(), PortError>> = (0..events.len()).map(unanswered).collect();
        let mut entries = Vec::with_capacity(events.len());
        for ((position, event), answer) in events.iter().enumerate().zip(&mut answers) {
            match self.entry(position, event) {
                Ok(entry) => entries.push(entry),
                Err(error) => *answer = Err(error),
            }
        }
        let calls = batches(entries).into_iter().map(|batch| self.put_batch(batch));
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
}
