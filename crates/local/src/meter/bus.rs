//! Events, by 64 KB. One that is refused costs nothing.

use pollwheel_core::event::Event;
use pollwheel_core::meter::Usage;
use pollwheel_core::meter::items::json_bytes;
use pollwheel_core::meter::units::chunks;
use pollwheel_core::ports::{Bus, PortError};

use super::Meter;

/// A bus before a meter.
#[derive(Debug)]
pub struct MeteredBus<'a, B> {
    /// The bus itself.
    pub inner: &'a B,
    /// What counts.
    pub meter: &'a Meter,
}

impl<B: Bus> Bus for MeteredBus<'_, B> {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let sizes: Vec<usize> = events.iter().map(entry_bytes).collect();
        let answers = self.inner.publish(events).await;
        for (bytes, answer) in sizes.into_iter().zip(&answers) {
            if answer.is_ok() {
                self.meter.working(Usage { events: chunks(bytes), ..Usage::default() });
            }
        }
        answers
    }
}

/// An entry counts with its source, its type and its detail, which is the whole event.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>
fn entry_bytes(event: &Event) -> usize {
    event.source.len() + event.kind.len() + json_bytes(event)
}
