//! Queues that refuse, double and delay messages, or kill their caller.

use pollwheel_core::ports::{Outgoing, PortError, QueueName, Queues};

use super::kills::Edge;
use super::{Faults, Rates, injected};

/// Queues behind faults.
#[derive(Debug)]
pub struct FaultyQueues<'a, Q> {
    /// The queues themselves.
    pub inner: &'a Q,
    /// What goes wrong.
    pub faults: &'a Faults,
}

impl<Q: Queues> FaultyQueues<'_, Q> {
    async fn send_one(&self, queue: &QueueName, mut message: Outgoing) -> Result<(), PortError> {
        if self.faults.refuses_entry() {
            return Err(injected("was refused"));
        }
        let rates = &self.faults.rates;
        let completion = if *queue == QueueName::Completed { rates.completion_doubled } else { 0 };
        if self.faults.happens("doubled", rates.doubled)
            || self.faults.happens("completion_doubled", completion)
        {
            self.deliver(queue, message.clone()).await?;
        }
        if self.faults.happens("lost", rates.lost) {
            return Ok(());
        }
        if self.faults.happens("late", self.faults.rates.late) {
            let delay = self.faults.draw(u32::from(Rates::MAX_DELAY_SECONDS) + 1);
            message.delay_seconds = u16::try_from(delay).unwrap_or(Rates::MAX_DELAY_SECONDS);
        }
        if self.faults.two_versions.get() && matches!(queue, QueueName::Jobs(_)) {
            self.rewrite(&mut message);
        }
        self.deliver(queue, message).await
    }

    /// What a newer build writes: another version that this one must keep, or a member that this one passes over.
    fn rewrite(&self, message: &mut Outgoing) {
        let (kind, from, to) = match self.faults.draw(64) {
            0 => ("newer_version", r#"{"v":1,"#, r#"{"v":2,"#),
            1..=31 => ("unknown_member", r#","hop":"#, r#","colour":"blue","hop":"#),
            _ => return,
        };
        self.faults.count(kind, 1);
        message.body = message.body.replacen(from, to, 1);
    }

    async fn deliver(&self, queue: &QueueName, message: Outgoing) -> Result<(), PortError> {
        self.inner
            .send(queue, vec![message])
            .await
            .pop()
            .unwrap_or_else(|| Err(injected("was not answered for")))
    }
}

impl<Q: Queues> Queues for FaultyQueues<'_, Q> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        if self.faults.is_calm() {
            return self.inner.send(queue, messages).await;
        }
        self.faults.edge(Edge::Send).await;
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            answers.push(self.send_one(queue, message).await);
        }
        self.faults.lose_answers(&mut answers);
        self.faults.edge(Edge::Send).await;
        self.faults.forget_entries(&mut answers);
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        self.faults.fails()?;
        self.inner.backlog(queue).await
    }
}
