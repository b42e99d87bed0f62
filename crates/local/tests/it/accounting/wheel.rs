//! A deployment of which only the scheduler runs, and what must be true of it in every minute.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::FutureExt;
use pollwheel_core::batch::Record;
use pollwheel_core::budget::{Budget, BudgetScope};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::hash::mix;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{DrainMessage, Message, Part};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::ports::{
    Change, Clock, ControlStore, JobStore, Outgoing, PortError, QueueName, Queues, Retry,
};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::{Hold, HoldCause, JobRow, Place, Subject};
use pollwheel_core::tick::{Dispatch, DrainReport, JobTypeTick, drain_messages, tick};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::memory::MemoryStore;

pub(super) const START: EpochMinute = EpochMinute::new(29_000_000);
pub(super) const NAMES: [&str; 3] = ["toy/posts", "toy/likes", "pool/items"];
pub(super) const CADENCES: [u16; 6] = [5, 15, 60, 120, 480, 1440];

/// The time, as it is set; queues that hold what is sent.
pub(super) struct World {
    pub(super) now: Cell<Timestamp>,
    pub(super) drains: RefCell<Vec<(Timestamp, String)>>,
    pub(super) sent: RefCell<BTreeMap<JobTypeId, u64>>,
    pub(super) backlogged: RefCell<Vec<JobTypeId>>,
    /// Job types whose queues refuse every third entry.
    pub(super) refusing: RefCell<Vec<JobTypeId>>,
    offered: Cell<u64>,
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

impl Queues for World {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let mut answers: Vec<Result<(), PortError>> = messages.iter().map(|_| Ok(())).collect();
        match queue {
            QueueName::Jobs(id) => {
                for answer in answers.iter_mut().filter(|_| self.refusing.borrow().contains(id)) {
                    self.offered.set(self.offered.get() + 1);
                    if mix(7, self.offered.get()).is_multiple_of(3) {
                        *answer = Err(PortError::new("sending", Retry::Transient, "refused"));
                    }
                }
                let taken = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
                *self.sent.borrow_mut().entry(id.clone()).or_default() += taken
            }
            QueueName::Drains => self.drains.borrow_mut().extend(messages.into_iter().map(|message| {
                let delay = std::time::Duration::from_secs(message.delay_seconds.into());
                (self.now.get().plus(delay), message.body)
            })),
            QueueName::Completed => panic!("a tick completes nothing"),
        }
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let QueueName::Jobs(id) = queue else { panic!("nobody asks for another queue") };
        Ok(if self.backlogged.borrow().contains(id) { u64::MAX } else { 0 })
    }
}

pub(super) fn id(name: &str) -> JobTypeId {
    JobTypeId::new(name).unwrap()
}

fn catalog(calls_in_15_minutes: u64) -> Catalog {
    Catalog::new(NAMES.map(|name| {
        let range = |minutes| CadenceRange::new(cadence(minutes), cadence(minutes)).unwrap();
        let mut spec = JobTypeSpec::new(id(name), range(15));
        for minutes in CADENCES {
            spec.levels.insert(level(minutes), Policy::new(range(minutes)));
        }
        if name == "pool/items" {
            spec.budgets = vec![Budget::new(BudgetScope::Application, calls_in_15_minutes, 900)];
        }
        spec
    }))
}

fn cadence(minutes: u16) -> Cadence {
    Cadence::new(minutes).unwrap()
}

fn level(minutes: u16) -> ServiceLevel {
    ServiceLevel::new(format!("every-{minutes}")).unwrap()
}

fn jobs(of_each: u32) -> Vec<NewJob> {
    let all = NAMES.into_iter().flat_map(|name| (0..of_each).map(move |number| (name, number)));
    all.map(|(name, number)| NewJob {
        job: JobId {
            job_type: id(name),
            account: AccountId::new(format!("a{number}")).unwrap(),
            target: None,
        },
        subject: Subject { external_id: number.to_string(), base_url: None },
        level: level(CADENCES[number as usize % CADENCES.len()]),
        context: Context::empty(),
        range: None,
    })
    .collect()
}

pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// A deployment of which only the scheduler runs, so that rows stay where they are.
pub(super) struct Wheel {
    catalog: Catalog,
    pub(super) store: MemoryStore,
    pub(super) world: World,
    fan_out_above: usize,
    pub(super) rows: Vec<JobRow>,
    pub(super) accounts: BTreeMap<JobTypeId, DrainReport>,
}

impl Wheel {
    pub(super) fn new(of_each: u32, held: &[(usize, u32)], calls: u64, fan_out_above: usize) -> Self {
        let (catalog, store) = (catalog(calls), MemoryStore::default());
        now(register(START.minus(1).start(), &jobs(of_each), &catalog, &store)).unwrap();
        let mut rows = Vec::new();
        store.each_row(|row| rows.push(row.clone()));
        for (index, minutes) in held {
            let old = &rows[index % rows.len()];
            let mut row = old.clone();
            row.hold = Some(Hold { until: START.plus(*minutes), cause: HoldCause::Backoff });
            row.rev = old.rev.next();
            let change = Change::Update { row: Box::new(row), expected: old.rev };
            // The same one twice is refused the second time.
            let _done = now(store.apply(vec![change]));
        }
        let world = World {
            now: Cell::new(START.start()),
            drains: RefCell::default(),
            sent: RefCell::default(),
            backlogged: RefCell::default(),
            refusing: RefCell::default(),
            offered: Cell::new(0),
        };
        Self { catalog, store, world, fan_out_above, rows, accounts: BTreeMap::new() }
    }

    fn dispatch(&self) -> Dispatch<'_, MemoryStore, World, World> {
        Dispatch {
            catalog: &self.catalog,
            store: &self.store,
            queues: &self.world,
            clock: &self.world,
            deadline: Timestamp::from_millis(u64::MAX),
            fan_out_above: self.fan_out_above,
        }
    }

    pub(super) fn drain(&mut self) {
        loop {
            let at = self.world.now.get();
            let due = self.world.drains.borrow().iter().position(|(visible, _)| *visible <= at);
            let Some(due) = due else { return };
            let (_, body) = self.world.drains.borrow_mut().remove(due);
            let of = DrainMessage::decode(&body).unwrap().job_type;
            let record = Record { id: "1".to_owned(), body };
            let (result, report) = now(drain_messages(&[record], &self.dispatch()));
            assert!(result.failed.is_empty(), "{:?}", result.failed);
            *self.accounts.entry(of).or_default() += report;
        }
    }

    pub(super) fn tick(&mut self, minute: EpochMinute) -> Vec<JobTypeTick> {
        let reports = now(tick(minute, &self.dispatch()));
        for report in &reports {
            *self.accounts.entry(report.job_type.clone()).or_default() += report.drained;
        }
        reports
    }

    pub(super) fn cursor(&self, of: &JobTypeId) -> EpochMinute {
        now(self.store.gate(of)).unwrap().cursor.unwrap_or(START.minus(1))
    }

    /// Due minutes of a job type's rows in (after, to]: counted one by one.
    fn due(&self, of: &JobTypeId, after: EpochMinute, to: EpochMinute) -> u64 {
        let cohorts =
            self.rows.iter().filter(|row| row.job.job_type == *of).filter_map(|row| row.place.cohort());
        let minutes = |cohort: Cohort| {
            (after.get() + 1..=to.get()).filter(|&minute| cohort.is_due(EpochMinute::new(minute))).count()
        };
        cohorts.map(|cohort| minutes(cohort) as u64).sum()
    }

    /// Due minutes in partitions that wait for their turn in a catch-up.
    pub(super) fn waiting(&self, of: &JobTypeId) -> u64 {
        let drains = self.world.drains.borrow();
        let messages = drains.iter().map(|(_, body)| DrainMessage::decode(body).unwrap());
        let cohorts = messages.filter(|message| message.job_type == *of).filter_map(|message| match message
            .part
        {
            Part::Cohort { cohort, missed, .. } | Part::Left { cohort, missed, .. } => Some((cohort, missed)),
            Part::Wakes { .. } => None,
        });
        let rows = |cohort| {
            self.rows
                .iter()
                .filter(|row| row.job.job_type == *of && row.place == Place::Cohort(cohort))
                .count() as u64
        };
        cohorts.map(|(cohort, missed)| rows(cohort) * u64::from(missed + 1)).sum()
    }

    /// due = dispatched + caught up + skipped + still late, for each job type.
    pub(super) fn check(&self, minute: EpochMinute) {
        for name in NAMES {
            let (of, cursor) = (id(name), self.cursor(&id(name)));
            let report = self.accounts.get(&of).copied().unwrap_or_default();
            assert_eq!(report.unaccounted(), 0, "{name} at {minute}: {report:?}");
            let late = self.waiting(&of) + self.due(&of, cursor, minute);
            let answered = report.dispatched + report.caught_up + report.skipped() - report.woken;
            assert_eq!(
                self.due(&of, START.minus(1), minute),
                answered + late,
                "{name} at {minute}: {report:?}"
            );
            let sent = self.world.sent.borrow().get(&of).copied().unwrap_or_default();
            assert_eq!(sent, report.dispatched, "{name} at {minute}");
        }
    }
}
