//! What operators do to single jobs, while others change their rows too.

use std::cell::Cell;

use pollwheel_core::activity::Price;
use pollwheel_core::batch::Record;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::complete::{Completion, complete};
use pollwheel_core::context::Context;
use pollwheel_core::id::{JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{Completed, CompletedMessage, Message};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::ports::{Applied, Change, JobStore, Page, PortError};
use pollwheel_core::register::{
    NewJob, PollNow, Registered, change_level, poll_now, register, remove, unpark, withdraw,
};
use pollwheel_core::row::{Hold, HoldCause, JobRow, ParkReason, Place, Registration, WakeUp};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::store::Store;

use crate::fixture::{NOW, all_rows, insert, job, job_type, row, wait};
use crate::sim::MemoryBus;

fn range(fastest: u16, slowest: u16) -> CadenceRange {
    CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap()
}

fn level(name: &str) -> ServiceLevel {
    ServiceLevel::new(name).unwrap()
}

/// `free` from 15 minutes, `enterprise` from 1.
fn spec() -> JobTypeSpec {
    let mut spec = JobTypeSpec::new(job_type(), range(1, 1440));
    spec.levels.insert(level("free"), Policy::new(range(15, 60)));
    spec.levels.insert(level("enterprise"), Policy::new(range(1, 15)));
    spec
}

fn home() -> Place {
    Place::Cohort(Cohort::of(&job("a1"), Cadence::new(15).unwrap(), spec().shards))
}

fn store_with(change: impl FnOnce(&mut JobRow)) -> Store {
    let store = Store::in_memory().unwrap();
    let mut new = row("a1", home(), 1);
    change(&mut new);
    insert(&store, new);
    store
}

fn only_row(store: &Store) -> JobRow {
    let mut rows = all_rows(store);
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// A completion writes the row between an operator's reading and writing of it, so many times.
struct Contended<'s> {
    store: &'s Store,
    times: Cell<u32>,
}

impl JobStore for Contended<'_> {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        self.store.read_cohort(job_type, cohort, from, limit).await
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        self.store.read_wakes(job_type, minute, shard, from, limit).await
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        self.store.read_row(job, place).await
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        self.store.locate(job).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        if let Some(left) = self.times.get().checked_sub(1) {
            self.times.set(left);
            let mut row = only_row(self.store);
            let (from, expected) = (row.place, row.rev);
            // Into the next cadence, so that the row is not where it was.
            row.place = Place::Cohort(Cohort::of(&row.job, Cadence::new(30).unwrap(), spec().shards));
            (row.failures, row.rev) = (row.failures + 1, expected.next());
            let row = Box::new(row);
            let other = if row.place == from {
                Change::Update { row, expected }
            } else {
                Change::Move { row, from, expected }
            };
            self.store.apply(vec![other]).await.remove(0).unwrap();
        }
        self.store.apply(changes).await
    }
}

#[test]
fn a_removed_job_leaves_no_row_and_no_registration() {
    let store = store_with(|_| {});
    assert!(wait(remove(&job("a1"), &store)).unwrap());
    assert_eq!(all_rows(&store), []);
    assert_eq!(wait(store.locate(&job("a1"))).unwrap(), None);
    assert!(!wait(remove(&job("a1"), &store)).unwrap(), "a second time it tells that there was nothing");
}

#[test]
fn an_operator_wins_over_completions_that_were_quicker() {
    let store = store_with(|_| {});
    let contended = Contended { store: &store, times: Cell::new(2) };
    assert!(wait(withdraw(NOW.start(), &job("a1"), &spec(), &contended)).unwrap());
    let withdrawn = only_row(&store);
    assert_eq!((withdrawn.parked.unwrap().reason, withdrawn.failures), (ParkReason::Withdrawn, 2));

    assert!(wait(unpark(NOW.start(), &job("a1"), &spec(), &store)).unwrap());
    let contended = Contended { store: &store, times: Cell::new(1) };
    assert!(wait(remove(&job("a1"), &contended)).unwrap());
    assert_eq!(all_rows(&store), []);
}

#[test]
fn a_row_that_never_rests_is_an_error_and_stays() {
    let store = store_with(|_| {});
    let contended = Contended { store: &store, times: Cell::new(u32::MAX) };
    let error = wait(remove(&job("a1"), &contended)).unwrap_err();
    assert_eq!(error.chain(), "changing `mastodon/statuses:a1` failed: the row keeps changing");
    assert_eq!(all_rows(&store).len(), 1);
}

#[test]
fn another_level_is_another_cadence_with_everything_else_kept() {
    let store = store_with(|row| row.failures = 3);
    let change = |name| wait(change_level(NOW.start(), &job("a1"), &level(name), &spec(), &store)).unwrap();
    assert_eq!(change("enterprise"), Some(true));
    let changed = only_row(&store);
    assert_eq!(changed.place.cohort().unwrap().cadence, Cadence::FASTEST);
    assert_eq!((changed.level.as_str(), changed.failures), ("enterprise", 3));
    let registration = wait(store.locate(&job("a1"))).unwrap().unwrap();
    assert_eq!((registration.place, registration.level), (changed.place, changed.level));
    assert_eq!(change("enterprise"), Some(false));
    assert_eq!(wait(change_level(NOW.start(), &job("a2"), &level("free"), &spec(), &store)).unwrap(), None);
}

#[test]
fn a_faster_level_is_polled_within_a_minute_and_a_slower_one_when_its_cohort_comes_round() {
    let mut spec = spec();
    spec.levels.insert(level("professional"), Policy::new(range(10, 60)));
    let store = store_with(|_| {});
    let change = |name| wait(change_level(NOW.start(), &job("a1"), &level(name), &spec, &store)).unwrap();
    assert_eq!(change("professional"), Some(true));
    let place = only_row(&store).place;
    assert!(!place.cohort().unwrap().is_due(NOW.plus(1)), "else no wake-up is needed");
    let wakes = store.wakes_of(&job("a1")).unwrap();
    assert_eq!(wakes, [WakeUp { minute: NOW.plus(1), job: job("a1"), place }]);
    assert_eq!(change("free"), Some(true));
    assert_eq!(store.wakes_of(&job("a1")).unwrap().len(), 1, "slower: none");
}

#[test]
fn a_range_of_its_own_goes_before_the_levels_and_goes_when_it_is_registered_without() {
    let (catalog, store) = (Catalog::new([spec()]), Store::in_memory().unwrap());
    let register_with = |range| {
        let new = row("a1", home(), 1);
        let (job, subject, level, context) = (new.job, new.subject, level("free"), new.context);
        let jobs = [NewJob { job, subject, level, range, context }];
        let registered = wait(register(NOW.start(), &jobs, &catalog, &store)).unwrap();
        let row = only_row(&store);
        (registered, row.place.cohort().unwrap().cadence.minutes(), row.range)
    };
    let (wide, narrow) = (Some(range(2, 1440)), Some(range(30, 30)));
    let told = |inserted, changed, unchanged| Registered { inserted, changed, unparked: 0, unchanged };
    assert_eq!(register_with(wide), (told(1, 0, 0), 2, wide), "wider than `free`, which begins at 15");
    assert_eq!(register_with(wide), (told(0, 0, 1), 2, wide));
    assert_eq!(register_with(narrow), (told(0, 1, 0), 30, narrow));
    // Another level does not take it away, and a job that comes back has it still.
    assert_eq!(
        wait(change_level(NOW.start(), &job("a1"), &level("enterprise"), &spec(), &store)).unwrap(),
        Some(true)
    );
    assert_eq!(
        (only_row(&store).range, only_row(&store).place.cohort().unwrap().cadence.minutes()),
        (narrow, 30)
    );
    assert!(wait(withdraw(NOW.start(), &job("a1"), &spec(), &store)).unwrap());
    assert!(wait(unpark(NOW.start(), &job("a1"), &spec(), &store)).unwrap());
    assert_eq!(only_row(&store).place.cohort().unwrap().cadence.minutes(), 30);
    assert_eq!(register_with(None), (told(0, 1, 0), 15, None));
}

#[test]
fn what_was_polled_at_an_old_level_is_decided_at_the_new_one() {
    let store = store_with(|row| row.last_active = NOW.minus(100 * 1440));
    let (copy, due) = (only_row(&store), NOW.plus(5));
    assert_eq!(
        wait(change_level(NOW.start(), &job("a1"), &level("enterprise"), &spec(), &store)).unwrap(),
        Some(true)
    );
    // At the level that it was dispatched with, a burst would go to 15 minutes.
    let outcome = Outcome::New { items: 9, more: false, context: Context::empty() };
    let (at, hints) = (due.start(), Hints::default());
    let poll = Completed { due, at, price: Price::USUAL, row: copy, outcome, hints };
    let body = CompletedMessage { hop: 2, polls: vec![poll] }.encode();
    let (catalog, bus) = (Catalog::new([spec()]), MemoryBus::default());
    let completion = Completion { catalog: &catalog, store: &store, bus: &bus, seed: 1 };
    let records = [Record { id: "m".to_owned(), body }];
    let (result, report) = wait(complete(at, &records, &completion));
    assert!(result.failed.is_empty());
    assert_eq!((report.rebased, report.updated), (1, 1));
    let row = only_row(&store);
    assert_eq!((row.level.as_str(), row.place.cohort().unwrap().cadence), ("enterprise", Cadence::FASTEST));
}

#[test]
fn a_hold_outlasts_a_change_of_level() {
    let until = NOW.plus(30);
    let store = store_with(|row| row.hold = Some(Hold { until, cause: HoldCause::Backoff }));
    let mut spec = spec();
    spec.levels.insert(level("professional"), Policy::new(range(10, 60)));
    let changed = wait(change_level(NOW.start(), &job("a1"), &level("professional"), &spec, &store)).unwrap();
    assert_eq!((changed, only_row(&store).hold.unwrap().until), (Some(true), until));
    assert_eq!(store.wakes_of(&job("a1")).unwrap(), []);
}

#[test]
fn registering_again_with_a_faster_level_is_polled_within_a_minute_too() {
    let mut spec = spec();
    spec.levels.insert(level("professional"), Policy::new(range(10, 60)));
    let (catalog, store) = (Catalog::new([spec]), Store::in_memory().unwrap());
    let register_as = |name| {
        let new = row("a1", home(), 1);
        let jobs = [NewJob {
            job: new.job,
            subject: new.subject,
            level: level(name),
            range: None,
            context: new.context,
        }];
        wait(register(NOW.start(), &jobs, &catalog, &store)).unwrap()
    };
    assert_eq!(register_as("free").inserted, 1);
    assert_eq!(store.wakes_of(&job("a1")).unwrap(), []);
    assert_eq!(register_as("professional").changed, 1);
    let wakes = store.wakes_of(&job("a1")).unwrap();
    assert_eq!(wakes.iter().map(|wake| wake.minute).collect::<Vec<_>>(), [NOW.plus(1)]);
}

#[test]
fn a_parked_job_takes_the_level_and_stays_parked() {
    let store = store_with(|_| {});
    assert!(wait(withdraw(NOW.start(), &job("a1"), &spec(), &store)).unwrap());
    assert_eq!(
        wait(change_level(NOW.start(), &job("a1"), &level("enterprise"), &spec(), &store)).unwrap(),
        Some(true)
    );
    assert!(only_row(&store).parked.is_some());
    assert!(wait(unpark(NOW.start(), &job("a1"), &spec(), &store)).unwrap());
    assert_eq!(only_row(&store).place.cohort().unwrap().cadence, Cadence::FASTEST);
}

#[test]
fn a_job_is_polled_now_by_a_wake_up_that_the_next_tick_is_sure_to_read() {
    let store = store_with(|_| {});
    let at = |second: u64| Timestamp::from_millis(NOW.start().millis() + second * 1000);
    for (second, minute) in [(0, NOW.plus(1)), (50, NOW.plus(1)), (58, NOW.plus(2))] {
        assert_eq!(wait(poll_now(at(second), &job("a1"), &store)).unwrap(), PollNow::Due(minute));
    }
    let wakes = store.wakes_of(&job("a1")).unwrap();
    assert_eq!(wakes.iter().map(|wake| wake.minute).collect::<Vec<_>>(), [NOW.plus(1), NOW.plus(2)]);
}

#[test]
fn no_wish_breaks_a_hold_or_a_parking() {
    let until = NOW.plus(30);
    let store = store_with(|row| row.hold = Some(Hold { until, cause: HoldCause::RateLimit }));
    let now = NOW.start();
    assert_eq!(wait(poll_now(now, &job("a1"), &store)).unwrap(), PollNow::Held { until });
    assert!(wait(withdraw(now, &job("a1"), &spec(), &store)).unwrap());
    assert_eq!(wait(poll_now(now, &job("a1"), &store)).unwrap(), PollNow::Parked(ParkReason::Withdrawn));
    assert_eq!(wait(poll_now(now, &job("a2"), &store)).unwrap(), PollNow::Unknown);
    assert_eq!(store.wakes_of(&job("a1")).unwrap(), []);
}
