//! Store and queues with somebody looking on: what they do, and whether the rules of a job's row and of a tick hold.
//!
//! Planted bugs are here too, above what is watched, so that the checker sees what a broken adapter would have done.

use std::cell::Cell;

use pollwheel_core::activity::Price;
use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::context::Context;
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::message::{Message, PollMessage};
use pollwheel_core::ports::{
    Applied, Change, Clock, ControlStore, Gate, JobStore, Outgoing, Page, PortError, QueueName, Queues,
};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

use super::glance::{hop, is_looked_at, jobs};
use super::notebook::{Detail, Notebook};
use super::planted::Planted;
use crate::clock::WheelClock;
use crate::engine::Function;
use crate::faults::Faults;
use crate::memory::MemoryStore;
use crate::queue::LocalQueues;

/// One move in so many leaves its old row behind, when that bug is planted.
const LEFT_BEHIND_EVERY: u64 = 4;

/// The last seen item of a context of the built-in third party.
pub(super) fn since(context: &Context) -> Option<u64> {
    let json = context.as_json();
    let plain = json.strip_prefix(r#"{"since":"#).and_then(|rest| rest.strip_suffix('}'));
    plain.and_then(|digits| digits.parse().ok())
}

/// A store that is watched.
pub(super) struct WatchedStore<'a> {
    pub(super) inner: &'a MemoryStore,
    pub(super) queues: &'a LocalQueues,
    pub(super) notebook: &'a Notebook,
    pub(super) faults: &'a Faults,
    pub(super) clock: WheelClock,
    pub(super) planted: Option<Planted>,
    pub(super) moves: Cell<u64>,
}

impl WatchedStore<'_> {
    async fn unfence(&self, changes: &mut [Change]) -> Result<(), PortError> {
        for change in changes {
            if let Change::Update { row, expected } = change
                && let Some(there) = self.inner.read_row(&row.job, row.place).await?
            {
                *expected = there.rev;
            }
        }
        Ok(())
    }

    /// What the passes may do with their writes, and bugs that come after them.
    async fn written(&self, change: &Change, before: Option<JobRow>) {
        let (Change::Update { row, .. } | Change::Move { row, .. }) = change else { return };
        if self.notebook.detail == Detail::All
            && let Some(since) = since(&row.context)
        {
            self.notebook.context(&row.job, since);
        }
        self.moves.set(self.moves.get() + 1);
        if let (Change::Move { .. }, Some(before)) = (change, before)
            && self.moves.get().is_multiple_of(LEFT_BEHIND_EVERY)
        {
            self.inner.put_unchecked(before);
        }
        if self.planted == Some(Planted::DeadLettersSentBack)
            && self.faults.running() == Some(Function::Burial)
        {
            let watched = WatchedQueues {
                inner: self.queues,
                notebook: self.notebook,
                faults: self.faults,
                clock: self.clock,
            };
            let due = self.clock.now().minute();
            let body =
                PollMessage { due, missed: 0, spread: 0, hop: 4, price: Price::USUAL, row: (**row).clone() }
                    .encode();
            let queue = QueueName::Jobs(row.job.job_type.clone());
            watched.send(&queue, vec![Outgoing { body, delay_seconds: 0 }]).await;
        }
    }
}

impl JobStore for WatchedStore<'_> {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let page = self.inner.read_cohort(job_type, cohort, from, limit).await?;
        if self.planted == Some(Planted::DispatchTakesTheRow) {
            let away =
                |row: &JobRow| Change::Remove { job: row.job.clone(), place: row.place, expected: row.rev };
            self.inner.apply(page.items.iter().map(away).collect()).await;
        }
        Ok(page)
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        self.inner.read_wakes(job_type, minute, shard, from, limit).await
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        self.inner.read_row(job, place).await
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        self.inner.locate(job).await
    }

    async fn apply(&self, mut changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        if self.planted == Some(Planted::UnfencedWrites)
            && let Err(error) = self.unfence(&mut changes).await
        {
            self.notebook.broke(error.chain());
        }
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            let before = match &change {
                Change::Move { row, from, .. } if self.planted == Some(Planted::MoveLeavesARowBehind) => {
                    self.inner.read_row(&row.job, *from).await.ok().flatten()
                }
                Change::Insert(_)
                | Change::Update { .. }
                | Change::Move { .. }
                | Change::Remove { .. }
                | Change::Wake(_) => None,
            };
            let answer = self.inner.apply(vec![change.clone()]).await.pop();
            let Some(answer) = answer else { continue };
            if matches!(answer, Ok(Applied::Done)) {
                self.written(&change, before).await;
            }
            answers.push(answer);
        }
        answers
    }
}

impl ControlStore for WatchedStore<'_> {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        let mut gate = self.inner.gate(job_type).await?;
        match self.planted {
            Some(Planted::RepeatedTickDispatches) => {
                let before = self.clock.now().minute().minus(1);
                gate.cursor = gate.cursor.map(|cursor| cursor.min(before));
            }
            Some(Planted::MissedMinutesForgotten) => {
                let before = self.clock.now().minute().minus(1);
                gate.cursor = gate.cursor.map(|cursor| cursor.max(before));
            }
            Some(_) | None => {}
        }
        Ok(gate)
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let from = match self.planted {
            Some(Planted::RepeatedTickDispatches | Planted::MissedMinutesForgotten) => {
                self.inner.gate(job_type).await?.cursor
            }
            Some(_) | None => from,
        };
        let moved = self.inner.move_cursor(job_type, from, to).await?;
        if let (true, Some(from)) = (moved, from) {
            self.notebook.ticked(from, to);
        }
        Ok(moved)
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        self.inner.throttle(scope, until).await
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        self.inner.throttled_until(scopes).await
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        self.inner.reserve(slot, units, most).await
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        self.inner.paces(of).await
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        self.inner.set_pace(of, pace).await
    }
}

/// Queues that are watched.
pub(super) struct WatchedQueues<'a> {
    pub(super) inner: &'a LocalQueues,
    pub(super) notebook: &'a Notebook,
    pub(super) faults: &'a Faults,
    pub(super) clock: WheelClock,
}

impl WatchedQueues<'_> {
    /// The number of the tick that goes on, if one does.
    fn tick(&self) -> Option<u64> {
        let running = self.faults.running_invocation();
        running.filter(|running| running.function == Function::Scheduler).map(|running| running.number)
    }

    fn look(&self, queue: &QueueName, body: &str) {
        if let Some(hop) = hop(body) {
            self.notebook.hop(hop);
        }
        match queue {
            QueueName::Jobs(job_type) => {
                if !matches!(self.faults.running(), Some(Function::Scheduler | Function::Drain)) {
                    self.notebook.broke(format!("r19: something but a tick sent to the jobs of {job_type}"));
                }
                if let Some(tick) = self.tick() {
                    self.notebook.ticks_into(tick, job_type);
                }
                if self.notebook.wants_dispatches()
                    && is_looked_at(self.notebook.detail, body)
                    && let Ok(message) = PollMessage::decode(body)
                {
                    self.notebook.dispatch(&message);
                }
            }
            QueueName::Completed if self.notebook.detail == Detail::All => {
                let now = self.clock.now();
                jobs(body).for_each(|job| self.notebook.outcome(job, now));
            }
            QueueName::Completed | QueueName::Drains => {}
        }
    }
}

impl Queues for WatchedQueues<'_> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        for message in &messages {
            self.look(queue, &message.body);
        }
        let is_jobs = matches!(queue, QueueName::Jobs(_));
        let sent = messages.len() as u128;
        let answers = self.inner.send(queue, messages).await;
        if is_jobs {
            let accepted = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
            self.notebook.accept(accepted, self.clock.minute());
        }
        self.notebook.log(self.clock.now(), 1, sent << 1 | u128::from(is_jobs));
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let backlog = self.inner.backlog(queue).await?;
        if let (QueueName::Jobs(job_type), Some(tick)) = (queue, self.tick()) {
            self.notebook.saw_backlog(tick, job_type, backlog);
        }
        Ok(backlog)
    }
}

/// Queues as the passes see them: above every fault, so that a planted bug can hide one.
pub(super) struct ClaimedQueues<'a, Q> {
    pub(super) inner: &'a Q,
    pub(super) planted: Option<Planted>,
}

impl<Q: Queues> Queues for ClaimedQueues<'_, Q> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        if self.planted != Some(Planted::RefusedEntriesCountAsSent) {
            return self.inner.send(queue, messages).await;
        }
        let claimed = messages.len();
        self.inner.send(queue, messages).await;
        (0..claimed).map(|_| Ok(())).collect()
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        self.inner.backlog(queue).await
    }
}
