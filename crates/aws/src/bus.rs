//! The bus on EventBridge.
//!
//! The CloudEvent is the detail; its source and type are the entry's, so that rules can match on them. Its time is not
//! the entry's: EventBridge refuses times that it finds odd, and an item's time is the third party's.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use pollwheel_core::event::Event;
use pollwheel_core::ports::{Bus, PortError, Retry};
use tokio::sync::Semaphore;

use crate::batches::{Called, Entry, Limits, failed_call, send_all};
use crate::connection::Connection;
use crate::failure::{failure, of_code};
use crate::meter::Meter;

/// A call takes ten entries of 256 KB together, which is also what an event is cut to, see [`pollwheel_core::event`].
/// Eight calls at once in one function pace a torrent, so that the rest of the account keeps its share of the quota.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const LIMITS: Limits = Limits {
    entries: 10,
    bytes: 256 * 1024,
    calls: 8,
    attempts: 4,
    first_backoff: Duration::from_millis(100),
};

/// An event bus.
#[derive(Debug, Clone)]
pub struct EventBridgeBus {
    client: Client,
    name: String,
    /// Calls under way at once, whatever the number of polls that publish.
    calls: Arc<Semaphore>,
    meter: Meter,
}

impl EventBridgeBus {
    /// The bus of this name.
    #[must_use]
    pub fn new(connection: &Connection, name: impl Into<String>, meter: &Meter) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            name: name.into(),
            calls: Arc::new(Semaphore::new(LIMITS.calls)),
            meter: meter.clone(),
        }
    }

    fn what(&self) -> String {
        format!("publishing to the bus `{}`", self.name)
    }

    fn entry(&self, position: usize, event: &Event) -> Result<Entry<PutEventsRequestEntry>, PortError> {
        let detail =
            serde_json::to_string(event).map_err(|error| PortError::new(self.what(), Retry::Never, error))?;
        let bytes = event.source.len() + event.kind.len() + detail.len();
        let thing = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(&event.source)
            .detail_type(&event.kind)
            .detail(detail)
            .build();
        Ok(Entry { position, bytes, thing })
    }

    async fn call(&self, batch: Vec<Entry<PutEventsRequestEntry>>) -> Called<PutEventsRequestEntry> {
        let entries = batch.iter().map(|entry| entry.thing.clone()).collect();
        let sent = {
            // Never closed, so it always gives a permit.
            let _call = self.calls.acquire().await;
            self.client.put_events().set_entries(Some(entries)).send().await
        };
        let results = match sent {
            Ok(answer) => answer.entries.unwrap_or_default(),
            Err(error) => return failed_call(batch, failure(self.what(), error)),
        };
        let mut called = Called { answers: Vec::with_capacity(batch.len()), refused: Vec::new() };
        // Answers stand at the position of their entry.
        for (index, entry) in batch.into_iter().enumerate() {
            let judged = results.get(index).map_or_else(
                || Err((Retry::Transient, "the answer does not name the event".to_owned())),
                judge,
            );
            match judged {
                Ok(()) => {
                    self.meter.published(entry.bytes);
                    called.answers.push((entry.position, Ok(())));
                }
                Err((retry, reason)) => {
                    called.refused.push((entry, PortError::new(self.what(), retry, reason)));
                }
            }
        }
        called
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

impl Bus for EventBridgeBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let (mut refused, mut entries) = (Vec::new(), Vec::with_capacity(events.len()));
        for (position, event) in events.iter().enumerate() {
            match self.entry(position, event) {
                Ok(entry) => entries.push(entry),
                Err(error) => refused.push((position, Err(error))),
            }
        }
        let call = async |batch| self.call(batch).await;
        send_all(events.len(), refused, entries, LIMITS, || self.what(), call).await
    }
}
