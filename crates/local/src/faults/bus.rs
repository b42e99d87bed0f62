//! A bus that refuses events, forgets to answer, or kills its caller.

use pollwheel_core::event::Event;
use pollwheel_core::ports::{Bus, PortError};

use super::kills::Edge;
use super::{Faults, injected};

/// A bus behind faults.
#[derive(Debug)]
pub struct FaultyBus<'a, B> {
    /// The bus itself.
    pub inner: &'a B,
    /// What goes wrong.
    pub faults: &'a Faults,
}

impl<B: Bus> Bus for FaultyBus<'_, B> {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        if self.faults.is_calm() {
            return self.inner.publish(events).await;
        }
        self.faults.edge(Edge::Publish).await;
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            if self.faults.happens("event_refused", self.faults.rates.event_refused) {
                answers.push(Err(injected("was refused")));
                continue;
            }
            let answer = self.inner.publish(vec![event]).await.pop();
            answers.push(answer.unwrap_or_else(|| Err(injected("was not answered for"))));
        }
        self.faults.lose_answers(&mut answers);
        self.faults.edge(Edge::Publish).await;
        self.faults.forget("event_missing", self.faults.rates.event_missing, &mut answers);
        answers
    }
}
