//! What must hold at every write, and what must have been published in the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::hash::digest_id;
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{
    Applied, Change, ControlStore, Gate, JobStore, Outgoing, Page, PortError, QueueName, Queues,
};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::engine::Totals;

use super::{Sim, job};

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.unexpected.is_empty() && self.broken.is_empty() && self.max_hops <= 8
    }
}

/// What a simulated run came to.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Items that were posted and never published.
    pub(crate) lost: BTreeSet<(u32, u64)>,
    /// Items that were published and never posted.
    pub(crate) unexpected: BTreeSet<(u32, u64)>,
    /// Publications of an item after the first.
    pub(crate) duplicated: u64,
    /// Jobs that came back after a failure, a crash or a parking.
    pub(crate) recovered: u64,
    /// Rules that a write broke.
    pub(crate) broken: BTreeSet<String>,
    /// Most queue hops from one tick.
    pub(crate) max_hops: u8,
    /// A digest of every event, in order, with the time it was seen.
    pub(crate) log_hash: String,
}

pub(crate) async fn judge(
    sim: &Sim,
    accounts: u32,
    deadline: Timestamp,
    unparked: u32,
    totals: &[Totals],
) -> Verdict {
    let published = sim.bus.items();
    let now = pollwheel_core::ports::Clock::now(&sim.clock);
    let mut lost = BTreeSet::new();
    let mut unexpected = BTreeSet::new();
    let mut broken = sim.broken.borrow().clone();
    for account in 0..accounts {
        let due = (1..=sim.world.posted(account, deadline)).map(|item| (account, item));
        lost.extend(due.filter(|key| !published.contains_key(key)));
        let posted = sim.world.posted(account, now);
        let of_account = published.range((account, 0)..=(account, u64::MAX));
        unexpected.extend(of_account.map(|(key, _)| *key).filter(|&(_, item)| item == 0 || item > posted));
        // Exactly one row, where its registration says.
        if sim.store.find_row(&job(account)).await.unwrap().is_none() {
            broken.insert(format!("the row of {account} is gone"));
        }
    }
    let events = sim.bus.events.borrow();
    let log: Vec<String> = events.iter().map(|event| format!("{} {}", event.id, event.polledat)).collect();
    let failures: u64 =
        totals.iter().map(|totals| totals.outcome("crashed") + totals.outcome("server_error")).sum();
    Verdict {
        lost,
        unexpected,
        duplicated: published.values().map(|&count| u64::from(count - 1)).sum(),
        recovered: failures + u64::from(unparked),
        broken,
        max_hops: *sim.hops.borrow(),
        log_hash: digest_id(&log.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

/// A store that checks every write: a context never goes back. The engine contains panics, so what is found is noted.
pub(crate) struct Watched<'a, S> {
    pub(crate) inner: &'a S,
    pub(crate) contexts: &'a RefCell<BTreeMap<JobId, u64>>,
    pub(crate) broken: &'a RefCell<BTreeSet<String>>,
    pub(crate) planted: Planted,
}

/// A bug planted on purpose, to see whether the checker finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    /// Writes ignore the revision that they were made for: r06, r08.
    UnfencedWrites,
    /// The bus says that it took events which it drops: r09, r15.
    EventsDropped,
    /// The cursor moves past minutes that nothing was sent for: r01, r02.
    CursorRunsAhead,
    /// Dispatching takes the row away, as the classic design does: r10.
    DispatchTakesTheRow,
}

impl<S> Watched<'_, S> {
    fn check(&self, row: &JobRow) {
        let Some(since) = row.context.members().get("since").and_then(serde_json::Value::as_u64) else {
            return;
        };
        let mut contexts = self.contexts.borrow_mut();
        let before = contexts.insert(row.job.clone(), since).unwrap_or_default();
        if since < before {
            self.broken.borrow_mut().insert(format!("the context of {} went back", row.job));
        }
    }
}

impl<S: JobStore> JobStore for Watched<'_, S> {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let page = self.inner.read_cohort(job_type, cohort, from, limit).await?;
        if self.planted == Planted::DispatchTakesTheRow {
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
        if self.planted == Planted::UnfencedWrites {
            for change in &mut changes {
                if let Change::Update { row, expected } = change
                    && let Some(there) = self.inner.read_row(&row.job, row.place).await.unwrap()
                {
                    *expected = there.rev;
                }
            }
        }
        let answers = self.inner.apply(changes.clone()).await;
        for (change, answer) in changes.iter().zip(&answers) {
            if let (Change::Update { row, .. } | Change::Move { row, .. }, Ok(Applied::Done)) =
                (change, answer)
            {
                self.check(row);
            }
        }
        answers
    }
}

impl<S: ControlStore> ControlStore for Watched<'_, S> {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        self.inner.gate(job_type).await
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let to = if self.planted == Planted::CursorRunsAhead { to.plus(600) } else { to };
        self.inner.move_cursor(job_type, from, to).await
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

/// Queues that note the most hops that a message has made.
pub(crate) struct WatchedQueues<'a, Q> {
    pub(crate) inner: &'a Q,
    pub(crate) hops: &'a RefCell<u8>,
}

impl<Q: Queues> Queues for WatchedQueues<'_, Q> {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        for message in &messages {
            let json: serde_json::Value = serde_json::from_str(&message.body).unwrap();
            let hop = json["m"]["hop"]
                .as_u64()
                .and_then(|hop| u8::try_from(hop).ok())
                .expect("a message has a hop");
            let mut most = self.hops.borrow_mut();
            *most = hop.max(*most);
        }
        self.inner.send(queue, messages).await
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        self.inner.backlog(queue).await
    }
}
