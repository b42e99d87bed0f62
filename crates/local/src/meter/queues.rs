//! Sending, by requests of ten messages and by 64 KB. Outcomes are not counted as they are sent here: their messages are
//! those of the engine's batches, and the meter makes those of the deployment's.

use pollwheel_core::meter::Usage;
use pollwheel_core::meter::units::send_requests;
use pollwheel_core::ports::{Outgoing, PortError, QueueName, Queues};

use super::Meter;

/// Queues before a meter.
#[derive(Debug)]
pub struct MeteredQueues<'a, Q> {
    /// The queues themselves.
    pub inner: &'a Q,
    /// What counts.
    pub meter: &'a Meter,
}

impl<Q: Queues> Queues for MeteredQueues<'_, Q> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let sizes = messages.iter().map(|message| message.body.len());
        match queue {
            QueueName::Completed => self.meter.sent_outcomes(sizes.sum()),
            QueueName::Jobs(_) | QueueName::Drains => {
                self.meter.working(Usage { queue_requests: send_requests(sizes), ..Usage::default() });
                self.meter.dispatched(messages.len());
            }
        }
        self.inner.send(queue, messages).await
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        self.meter.standing(Usage { queue_requests: 1, ..Usage::default() });
        self.inner.backlog(queue).await
    }
}
