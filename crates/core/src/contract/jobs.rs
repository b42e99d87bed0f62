//! The clauses of `JobStore` about rows.

use std::collections::BTreeSet;

use super::{HOME, apply, cohort, conflict, full_row, insert, job, job_type, row, wakes};
use crate::cadence::Cadence;
use crate::id::JobId;
use crate::ports::{Applied, Change, JobStore, Page, PortError};
use crate::row::{JobRow, Place, Registration, Revision};

/// Checks a [`JobStore`] that holds nothing under the channel `contract`.
///
/// # Panics
/// At the first clause that it breaks.
pub async fn job_store_contract(store: &impl JobStore) {
    an_insert_is_found_every_way(store).await;
    an_insert_meets_the_row_that_the_job_has(store).await;
    an_update_replaces_the_expected_revision_only(store).await;
    a_move_takes_row_and_registration_along(store).await;
    a_removal_leaves_nothing(store).await;
    a_revision_never_matches_where_no_row_is(store).await;
    changes_are_judged_each_by_itself(store).await;
    cohorts_do_not_mix(store).await;
    pages_hold_every_row_once(store).await;
    wakes::check(store).await;
}

/// What the store says about a job, by place and by account.
async fn look(store: &impl JobStore, job: &JobId, place: Place) -> (Option<JobRow>, Option<Registration>) {
    (good(store.read_row(job, place).await), good(store.locate(job).await))
}

#[expect(clippy::expect_used, reason = "the contract: a read of what can be read is no error")]
fn good<T>(result: Result<T, PortError>) -> T {
    result.expect("the store can be read")
}

async fn rows(store: &impl JobStore, row: &JobRow) -> Vec<JobRow> {
    let Some(cohort) = row.place.cohort() else { return Vec::new() };
    let mut rows = Vec::new();
    let mut from = None;
    loop {
        let Page { items, unreadable, next } =
            good(store.read_cohort(&row.job.job_type, cohort, from.as_deref(), 3).await);
        assert_eq!(unreadable, 0, "everything here was written by this build");
        assert!(items.len() <= 3, "a page keeps its limit");
        rows.extend(items);
        match next {
            Some(next) => from = Some(next),
            None => return rows,
        }
    }
}

async fn an_insert_is_found_every_way(store: &impl JobStore) {
    let job_type = job_type("contract/insert");
    for (account, target) in [("a", None), ("b", Some("t")), ("ü#%23/", Some("x#y%"))] {
        let job = job(&job_type, account, target);
        assert_eq!(look(store, &job, HOME).await, (None, None), "nothing is there at first");
        let row = full_row(&job, HOME, 7);
        insert(store, &row).await;
        let expected = (Some(row.clone()), Some(Registration::from(&row)));
        assert_eq!(look(store, &job, HOME).await, expected, "every member survives");
        assert!(rows(store, &row).await.contains(&row), "its cohort holds it");
    }
}

async fn an_insert_meets_the_row_that_the_job_has(store: &impl JobStore) {
    let job = job(&job_type("contract/again"), "a", None);
    let first = row(&job, HOME, 7);
    insert(store, &first).await;
    let elsewhere = Place::Cohort(cohort(Cadence::SLOWEST, 9, 1));
    for place in [HOME, elsewhere] {
        let again = Change::Insert(Box::new(row(&job, place, 99)));
        assert_eq!(
            apply(store, again).await,
            conflict(Some(&first)),
            "the row that is there, wherever it is"
        );
    }
    assert_eq!(look(store, &job, HOME).await.0, Some(first), "nothing changed");
    assert_eq!(look(store, &job, elsewhere).await.0, None, "and nothing was added");
}

async fn an_update_replaces_the_expected_revision_only(store: &impl JobStore) {
    let job = job(&job_type("contract/update"), "a", None);
    let old = row(&job, HOME, 7);
    let new = full_row(&job, HOME, 8);
    let update =
        |row: &JobRow, expected| Change::Update { row: Box::new(row.clone()), expected: Revision(expected) };
    assert_eq!(apply(store, update(&new, 7)).await, conflict(None), "an update makes no row");
    insert(store, &old).await;
    assert_eq!(apply(store, update(&new, 6)).await, conflict(Some(&old)));
    assert_eq!(apply(store, update(&new, 7)).await, Applied::Done);
    assert_eq!(apply(store, update(&new, 7)).await, conflict(Some(&new)), "a retry sees its own write");
    assert_eq!(rows(store, &new).await, [new]);
}

async fn a_move_takes_row_and_registration_along(store: &impl JobStore) {
    let job = job(&job_type("contract/move"), "a", Some("t"));
    let home = row(&job, HOME, 7);
    let slower = full_row(&job, Place::Cohort(cohort(Cadence::SLOWEST, 1_000, 3)), 8);
    let parked = full_row(&job, Place::Parked { shard: 2 }, 9);
    let relocate = |row: &JobRow, from, expected| Change::Move {
        row: Box::new(row.clone()),
        from,
        expected: Revision(expected),
    };
    insert(store, &home).await;
    assert_eq!(apply(store, relocate(&slower, HOME, 6)).await, conflict(Some(&home)));
    assert_eq!(apply(store, relocate(&slower, parked.place, 7)).await, conflict(None), "no row stands there");
    for (from, to) in [(&home, &slower), (&slower, &parked), (&parked, &home)] {
        assert_eq!(apply(store, relocate(to, from.place, from.rev.0)).await, Applied::Done);
        assert_eq!(look(store, &job, from.place).await.0, None, "it left its old place");
        assert_eq!(look(store, &job, to.place).await, (Some(to.clone()), Some(Registration::from(to))));
        assert!(rows(store, from).await.is_empty(), "also for the tick");
    }
    assert_eq!(rows(store, &home).await, [home], "back in the wheel");
}

async fn a_removal_leaves_nothing(store: &impl JobStore) {
    let job = job(&job_type("contract/remove"), "a", None);
    let row = row(&job, HOME, 7);
    let remove = |expected| Change::Remove { job: job.clone(), place: HOME, expected: Revision(expected) };
    insert(store, &row).await;
    assert_eq!(apply(store, remove(8)).await, conflict(Some(&row)));
    assert_eq!(apply(store, remove(7)).await, Applied::Done);
    assert_eq!(look(store, &job, HOME).await, (None, None));
    assert_eq!(apply(store, remove(7)).await, conflict(None));
    insert(store, &row).await;
}

async fn a_revision_never_matches_where_no_row_is(store: &impl JobStore) {
    let job = job(&job_type("contract/absent"), "a", None);
    let new = Box::new(row(&job, HOME, 1));
    let expected = Revision(0);
    for change in [
        Change::Update { row: new.clone(), expected },
        Change::Move { row: new, from: Place::Parked { shard: 0 }, expected },
        Change::Remove { job: job.clone(), place: HOME, expected },
    ] {
        assert_eq!(apply(store, change).await, conflict(None));
    }
    assert_eq!(look(store, &job, HOME).await, (None, None));
}

async fn changes_are_judged_each_by_itself(store: &impl JobStore) {
    let job_type = job_type("contract/batch");
    let known = row(&job(&job_type, "known", None), HOME, 7);
    insert(store, &known).await;
    // More than any adapter puts into one of its own batches, every other one a conflict.
    let mut changes = Vec::new();
    for number in 0..60 {
        changes.push(Change::Insert(Box::new(row(
            &job(&job_type, &format!("new-{number:02}"), None),
            HOME,
            1,
        ))));
        changes.push(Change::Update { row: Box::new(known.clone()), expected: Revision(6) });
    }
    let answers = store.apply(changes).await;
    assert_eq!(answers.len(), 120, "one answer a change");
    for (position, answer) in answers.into_iter().enumerate() {
        let expected = if position % 2 == 0 { Applied::Done } else { conflict(Some(&known)) };
        assert_eq!(good(answer), expected, "answers are in order: {position}");
    }
    assert_eq!(rows(store, &known).await.len(), 61);
    assert!(store.apply(Vec::new()).await.is_empty());
}

async fn cohorts_do_not_mix(store: &impl JobStore) {
    let places = [
        (Cadence::FASTEST, 0, 0),
        (Cadence::SLOWEST, 0, 0),
        (Cadence::SLOWEST, 1, 0),
        (Cadence::SLOWEST, 1, 1),
    ]
    .map(|(cadence, phase, shard)| Place::Cohort(cohort(cadence, phase, shard)));
    // Names that a careless prefix would take for each other.
    for (index, name) in ["contract/c", "contract/c-", "contract/c1", "contract/c0"].into_iter().enumerate() {
        for (number, place) in places.into_iter().enumerate() {
            let job = job(&job_type(name), &format!("{index}{number}"), None);
            let row = row(&job, place, 1);
            insert(store, &row).await;
            assert_eq!(rows(store, &row).await, [row], "only its own rows");
        }
    }
}

async fn pages_hold_every_row_once(store: &impl JobStore) {
    let job_type = job_type("contract/pages");
    let names = ["7", "007", "a", "a b", "a#b", "a%23b", "a%b", "a/b", "ä", "z", "\u{1F600}", "\u{FFFD}"];
    let mut expected = BTreeSet::new();
    for account in names {
        for target in [None, Some("t"), Some("#"), Some("%")] {
            let row = row(&job(&job_type, account, target), HOME, 1);
            insert(store, &row).await;
            expected.insert(row.job);
        }
    }
    let read = rows(store, &row(&job(&job_type, "a", None), HOME, 1)).await;
    let keys: Vec<String> = read.iter().map(|row| crate::keys::sort_key(&row.job)).collect();
    assert!(keys.is_sorted(), "in the order of their keys: {keys:?}");
    assert_eq!(read.len(), expected.len());
    assert_eq!(read.into_iter().map(|row| row.job).collect::<BTreeSet<_>>(), expected);
}
