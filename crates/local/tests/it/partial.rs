//! Pages of which the queue takes only some: nobody is sent twice for the sake of the others, and nobody is forgotten.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use pollwheel_core::batch::Record;
use pollwheel_core::budget::{Budget, BudgetScope};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::id::{AccountId, JobId, ServiceLevel};
use pollwheel_core::message::{DrainMessage, Message, PollMessage};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Clock, ControlStore, JobStore, Outgoing, PortError, QueueName, Queues, Retry};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::Subject;
use pollwheel_core::tick::{CursorMove, Dispatch, DrainReport, JobTypeTick, TickEnd, drain_messages, tick};
use pollwheel_core::time::Timestamp;
use pollwheel_local::faults::{Faults, FaultyStore, Rates};
use pollwheel_local::memory::MemoryStore;

use crate::fixture::{NOW, job_type, wait};

/// A queue that refuses the jobs of some accounts, and keeps what it takes.
#[derive(Default)]
struct Queue {
    minute: Cell<u32>,
    refuses: RefCell<BTreeSet<AccountId>>,
    /// Copies by job.
    taken: RefCell<BTreeMap<JobId, u32>>,
    drains: RefCell<Vec<String>>,
}

impl Clock for Queue {
    fn now(&self) -> Timestamp {
        NOW.plus(self.minute.get()).start()
    }
}

impl Queues for Queue {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let take = |message: Outgoing| {
            if *queue == QueueName::Drains {
                self.drains.borrow_mut().push(message.body);
                return Ok(());
            }
            let job = PollMessage::decode(&message.body).unwrap().row.job;
            if self.refuses.borrow().contains(&job.account) {
                return Err(PortError::new("sending", Retry::Transient, "refused"));
            }
            *self.taken.borrow_mut().entry(job).or_default() += 1;
            Ok(())
        };
        messages.into_iter().map(take).collect()
    }

    async fn backlog(&self, _: &QueueName) -> Result<u64, PortError> {
        Ok(0)
    }
}

/// Jobs of which a queue refuses every fifth.
struct Deployment {
    catalog: Catalog,
    store: MemoryStore,
    queue: Queue,
}

const JOBS: u32 = 60;

impl Deployment {
    /// Every job is due every other minute.
    fn new(budgets: Vec<Budget>) -> Self {
        let cadence = Cadence::new(2).unwrap();
        let spec = JobTypeSpec {
            budgets,
            ..JobTypeSpec::new(job_type(), CadenceRange::new(cadence, cadence).unwrap())
        };
        let (catalog, store, queue) = (Catalog::new([spec]), MemoryStore::default(), Queue::default());
        let jobs: Vec<NewJob> = (0..JOBS).map(new_job).collect();
        wait(register(NOW.minus(1).start(), &jobs, &catalog, &store)).unwrap();
        *queue.refuses.borrow_mut() = (0..JOBS).step_by(5).map(account).collect();
        Self { catalog, store, queue }
    }

    fn tick<S: JobStore + ControlStore>(&self, offset: u32, store: &S) -> JobTypeTick {
        self.queue.minute.set(offset);
        wait(tick(NOW.plus(offset), &self.dispatch(store))).pop().unwrap()
    }

    /// Drains what was handed out.
    fn drain(&self) -> DrainReport {
        let mut total = DrainReport::default();
        for body in self.queue.drains.take() {
            let record = Record { id: "1".to_owned(), body };
            let (result, report) = wait(drain_messages(&[record], &self.dispatch(&self.store)));
            assert!(result.failed.is_empty(), "{:?}", result.failed);
            total += report;
        }
        total
    }

    fn dispatch<'a, S>(&'a self, store: &'a S) -> Dispatch<'a, S, Queue, Queue> {
        Dispatch {
            catalog: &self.catalog,
            store,
            queues: &self.queue,
            clock: &self.queue,
            deadline: Timestamp::from_millis(u64::MAX),
            fan_out_above: usize::MAX,
        }
    }

    /// Jobs that were sent, and the most copies of one.
    fn taken(&self) -> (u64, u32) {
        let taken = self.queue.taken.borrow();
        (taken.len() as u64, taken.values().copied().max().unwrap_or_default())
    }
}

fn account(number: u32) -> AccountId {
    AccountId::new(format!("a{number}")).unwrap()
}

fn new_job(number: u32) -> NewJob {
    NewJob {
        job: JobId { job_type: job_type(), account: account(number), target: None },
        subject: Subject { external_id: number.to_string(), base_url: None },
        level: ServiceLevel::new("free").unwrap(),
        context: Context::empty(),
        range: None,
    }
}

/// The first minute's jobs but those that are refused; in the second, these and the others.
fn the_others_are_sent_once_and_the_refused_a_minute_later(deployment: &Deployment) {
    let first = deployment.tick(0, &deployment.store);
    assert!(matches!(first.end, TickEnd::Dispatched(CursorMove::Moved)), "{first:?}");
    let drained = first.drained;
    assert!(drained.refused > 0 && drained.dispatched > drained.refused, "{drained:?}");
    assert_eq!((drained.unaccounted(), first.fanned_out), (0, 0));
    assert_eq!(deployment.taken(), (drained.dispatched, 1));
    deployment.queue.refuses.take();
    let second = deployment.tick(1, &deployment.store).drained;
    assert_eq!((second.woken, second.unaccounted()), (drained.refused, 0), "{second:?}");
    assert_eq!(deployment.taken(), (JOBS.into(), 1), "every job once in its two minutes");
}

#[test]
fn r04_of_a_page_that_is_taken_in_part_the_others_are_woken_and_nobody_is_sent_twice() {
    the_others_are_sent_once_and_the_refused_a_minute_later(&Deployment::new(Vec::new()));
}

#[test]
fn r04_jobs_with_a_shared_limit_are_woken_too() {
    let budget = Budget::new(BudgetScope::Application, 100_000, 900);
    the_others_are_sent_once_and_the_refused_a_minute_later(&Deployment::new(vec![budget]));
}

#[test]
fn r04_where_no_wake_up_can_be_set_the_refused_are_handed_on_by_name() {
    let deployment = Deployment::new(Vec::new());
    let faults = Faults::new(1, Rates { entry_refused: 1000, ..Rates::default() });
    let read_only = FaultyStore { inner: &deployment.store, faults: &faults };
    let first = deployment.tick(0, &read_only);
    let drained = first.drained;
    assert_eq!((drained.refused, drained.unaccounted(), first.fanned_out), (0, 0, 1), "{first:?}");
    let handed_on = DrainMessage::decode(&deployment.queue.drains.borrow()[0]).unwrap();
    let named: BTreeSet<AccountId> = handed_on.only.into_iter().map(|owed| owed.job.account).collect();
    assert!(!named.is_empty() && named.is_subset(&deployment.queue.refuses.take()), "{named:?}");
    let later = deployment.drain();
    assert_eq!((later.dispatched, later.unaccounted()), (named.len() as u64, 0), "{later:?}");
    assert_eq!(deployment.taken(), (drained.dispatched + later.dispatched, 1));
}

#[test]
fn r04_a_page_of_which_nothing_is_taken_is_drained_again_as_a_whole() {
    let deployment = Deployment::new(Vec::new());
    *deployment.queue.refuses.borrow_mut() = (0..JOBS).map(account).collect();
    let first = deployment.tick(0, &deployment.store);
    assert_eq!((first.drained.due, first.drained.failed, first.fanned_out), (0, 1, 1), "{first:?}");
    deployment.queue.refuses.take();
    let later = deployment.drain();
    assert!(later.due > 0 && later.due == later.dispatched, "{later:?}");
    assert_eq!(deployment.taken(), (later.dispatched, 1));
}
