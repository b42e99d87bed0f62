//! The surroundings of a simulated run: ticks as the plan has them, mappings that are off, clocks that are wrong, and what
//! happens at the beginning of a minute.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Change, Clock, ControlStore, JobStore, Outgoing, QueueName, Queues};
use pollwheel_core::register::unpark;
use pollwheel_core::row::{JobRow, WakeUp};
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::glance::jobs;
use super::judge::look_at_rows;
use super::notebook::{Detail, Notebook};
use super::plan::{Plan, Purged};
use super::planted::Planted;
use super::pool::{POOL, Pool};
use super::source::Source;
use crate::clock::WheelClock;
use crate::engine::{Function, Invocation, Surroundings};
use crate::faults::{Denied, Faults, Versions};
use crate::mapping::Verdict;
use crate::memory::MemoryStore;
use crate::queue::{LocalQueues, QueueId};

/// Minutes beyond two cadences in which everything due must be confirmed after the faults have ended: five deliveries of a
/// message may have to time out first.
pub(super) const GRACE_MINUTES: u32 = 5;

/// What surrounds a simulated run.
pub(super) struct SimSurroundings<'a, W> {
    pub(super) plan: &'a Plan,
    pub(super) faults: &'a Faults,
    pub(super) catalog: &'a Catalog,
    pub(super) store: &'a MemoryStore,
    pub(super) queues: &'a LocalQueues,
    pub(super) notebook: &'a Notebook,
    pub(super) world: &'a W,
    pub(super) clock: WheelClock,
    pub(super) planted: Option<Planted>,
    /// Every job.
    pub(super) jobs: &'a [JobId],
    /// How many messages of a job one window may send.
    pub(super) copies: u64,
    /// How many each job type has.
    pub(super) jobs_by_type: BTreeMap<JobTypeId, u64>,
    /// The jobs of the crowd: woken all at once.
    pub(super) crowd: &'a [JobId],
    /// The limit that some of the jobs share.
    pub(super) pool: Option<Pool>,
    /// The minute at which everything due must have been confirmed since the faults ended.
    pub(super) confirmed_by: EpochMinute,
    /// How far the limit that some of the jobs share stretched them since then, in thousandths of their cadence.
    pub(super) stretched_thousandths: Cell<u32>,
    /// The last minute of the run.
    pub(super) last: EpochMinute,
    pub(super) unparked: Cell<u64>,
    pub(super) littered: RefCell<Vec<QueueName>>,
}

/// Which jobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// Those with a limit of their own.
    Alone,
    /// Those that share one.
    Sharing,
}

impl Looked {
    fn of(row: &JobRow) -> Self {
        if Pool::has(&row.job) { Self::Sharing } else { Self::Alone }
    }
}

impl<W: Source> SimSurroundings<'_, W> {
    /// What an operator does after an outage: every parked job goes back into the wheel.
    fn unpark_all(&self) {
        let mut parked = Vec::new();
        self.store.each_row(|row| {
            if row.parked.is_some() {
                parked.push(row.job.clone());
            }
        });
        for job in parked {
            let Some(spec) = self.catalog.get(&job.job_type) else { continue };
            let done = unpark(self.clock.now(), &job, spec, self.store).now_or_never();
            self.unparked.set(self.unparked.get() + u64::from(matches!(done, Some(Ok(true)))));
        }
    }

    fn wake_the_crowd(&self, minute: EpochMinute) {
        let mut changes = Vec::new();
        for job in self.crowd {
            if let Some(Ok(Some(found))) = self.store.locate(job).now_or_never() {
                changes.push(Change::Wake(WakeUp {
                    minute: minute.plus(1),
                    job: job.clone(),
                    place: found.place,
                }));
            }
        }
        self.faults.count("crowded", changes.len() as u64);
        self.store.apply(changes).now_or_never();
    }

    /// Messages that nobody can read, one of them of a version to come.
    fn litter(&self) {
        for spec in self.catalog.iter() {
            let queue = QueueName::Jobs(spec.id.clone());
            for body in ["not json", r#"{"v":9,"jobs":[]}"#] {
                let message = Outgoing { body: body.to_owned(), delay_seconds: 0 };
                self.queues.send(&queue, vec![message]).now_or_never();
                self.littered.borrow_mut().push(queue.clone());
                self.faults.count("unreadable", 1);
            }
        }
    }

    fn purge(&self, purged: Purged) {
        match purged {
            Purged::Completed => {
                self.faults.count("purged", self.queues.purge(&QueueId::Live(QueueName::Completed)));
            }
            Purged::Jobs => {
                for spec in self.catalog.iter() {
                    let queue = QueueId::Live(QueueName::Jobs(spec.id.clone()));
                    self.faults.count("purged", self.queues.purge(&queue));
                }
            }
        }
    }

    fn look_at_backlogs(&self) {
        for spec in self.catalog.iter() {
            let depth = self.queues.depth(&QueueId::Live(QueueName::Jobs(spec.id.clone())));
            // One window more may be sent: every job once, and once more for each kind of fault that repeats what is sent.
            let jobs = self.jobs_by_type.get(&spec.id).copied().unwrap_or_default();
            let most = spec.backlog_limit.saturating_add(jobs.saturating_mul(self.copies));
            if depth.visible + depth.delayed > most {
                let (id, limit) = (&spec.id, spec.backlog_limit);
                self.notebook.broke(format!(
                    "r11: the backlog of {id} passed its limit of {limit} by more than {} windows of {jobs} jobs",
                    self.copies
                ));
            }
        }
    }

    /// How far the shared limit stretches cadences: what was put off may take up to three quarters of it.
    fn look_at_the_pool(&self) {
        let Some(pool) = self.pool else { return };
        let paces = pool.key().and_then(|key| self.store.paces(&[key]).now_or_never());
        let Some(pace) = paces.and_then(Result::ok).and_then(|mut paces| paces.pop()) else { return };
        let stretched = self.stretched_thousandths.get().max(pace.turns_thousandths);
        self.stretched_thousandths.set(stretched);
        if stretched > pool.most_thousandths() {
            self.notebook
                .broke(format!("r17: the limit of {POOL} stretches cadences by {stretched} thousandths"));
        }
    }

    /// Everything due was answered since the faults ended.
    fn look_at_confirmations(&self, looked_at: Looked, minute: EpochMinute) {
        let calm = self.plan.calm_from;
        let stretched = u64::from(self.stretched_thousandths.get().max(1000));
        let two_cadences = |row: &JobRow| {
            let minutes = 2 * u64::from(row.place.cohort()?.cadence.minutes());
            let minutes = if looked_at == Looked::Sharing { minutes * stretched / 1000 } else { minutes };
            u32::try_from(minutes).ok()
        };
        let is_due = |row: &JobRow| {
            row.parked.is_none()
                && row.hold.is_none_or(|hold| hold.until <= calm)
                && looked_at == Looked::of(row)
                && two_cadences(row).is_some_and(|minutes| calm.plus(minutes + GRACE_MINUTES) <= minute)
        };
        self.store.each_row(|row| {
            if is_due(row) && self.world.answered(&row.job).is_none_or(|at| at < calm.start()) {
                self.notebook
                    .broke(format!("{} was not confirmed within two cadences of the faults' end", row.job));
            }
        });
    }
}

impl<W: Source> Surroundings for SimSurroundings<'_, W> {
    fn minute(&self, minute: EpochMinute) -> Vec<Duration> {
        if minute == self.plan.calm_from {
            self.faults.end();
            self.unpark_all();
        }
        if minute == self.confirmed_by {
            self.look_at_confirmations(Looked::Alone, minute);
        }
        if minute >= self.plan.calm_from {
            self.look_at_the_pool();
        }
        if minute == self.last {
            self.look_at_confirmations(Looked::Sharing, minute);
        }
        self.look_at_backlogs();
        if self.store.row_count() != self.jobs.len() {
            look_at_rows(self.jobs, self.store, self.notebook);
        }
        if minute < self.plan.calm_from {
            self.faults.throttle_keys(self.plan.throttled(minute));
            let (denied, two) = (self.plan.is_denied(minute), self.plan.has_two_versions(minute));
            self.faults.deny(if denied { Denied::Yes } else { Denied::No });
            self.faults.deploy(if two { Versions::Two } else { Versions::One });
            if self.plan.off_until(minute).is_some() {
                self.faults.count("mapping_off_minutes", 1);
            }
            if self.plan.crowds(minute) {
                self.wake_the_crowd(minute);
            }
            if self.plan.litters(minute) {
                self.litter();
            }
            if let Some(purged) = self.plan.purge(minute) {
                self.purge(purged);
            }
        }
        let ticks = self.plan.ticks(minute);
        match ticks.len() {
            0 => self.faults.count("ticks_missing", 1),
            1 => {}
            more => self.faults.count("ticks_doubled", more as u64 - 1),
        }
        ticks
    }

    fn invoked(&self, function: Function) -> Invocation {
        let ahead_millis = self.plan.ahead_millis(function as u64, self.clock.minute());
        self.faults.count("clock_off", u64::from(ahead_millis != 0));
        Invocation { function, number: self.faults.invoked(function), ahead_millis }
    }

    fn served_from(&self, queue: &QueueId, now: Timestamp) -> Timestamp {
        match queue {
            QueueId::Live(QueueName::Jobs(_)) => {
                self.plan.off_until(now.minute()).map_or(now, |until| until.start().max(now))
            }
            QueueId::Live(QueueName::Completed | QueueName::Drains) | QueueId::DeadLetters(_) => now,
        }
    }

    fn runs(&self, invocation: Invocation) {
        self.faults.runs(invocation);
    }

    fn judged(&self, _queue: &QueueId, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::SomeFailed { .. } if self.planted == Some(Planted::UnfinishedRecordsConfirmed) => {
                Verdict::AllDone
            }
            Verdict::AllDone | Verdict::SomeFailed { .. } | Verdict::AllFailed(_) => verdict,
        }
    }

    fn deletes(&self, queue: &QueueId, body: &str, invoked: Timestamp) {
        if self.notebook.detail == Detail::Sampled {
            return;
        }
        if let QueueId::Live(QueueName::Jobs(_)) = queue {
            match jobs(body).next() {
                // An outcome that was accepted and lost was sent all the same.
                Some(_) if self.plan.loses_messages() => {}
                Some(job) => self.notebook.deleted(job, invoked),
                None => self.notebook.broke("r12: a message that cannot be read was dropped"),
            }
        }
    }
}
