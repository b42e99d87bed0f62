//! Random changes against a map: the store answers and holds the same, in memory and in a file that is opened again.

use std::collections::BTreeMap;

use pollwheel_core::ports::{Applied, Change, JobStore};
use pollwheel_core::row::{JobRow, Registration, Revision, WakeUp};
use pollwheel_local::store::Store;
use proptest::prelude::*;

use crate::fixture::{NOW, all_rows, job, place, row, wait};

const ACCOUNTS: [&str; 3] = ["a", "a#1", "%"];

/// What the store should hold.
#[derive(Default)]
struct Model {
    rows: BTreeMap<String, JobRow>,
    wakes: Vec<WakeUp>,
}

impl Model {
    fn apply(&mut self, change: &Change) -> Applied {
        match change {
            Change::Insert(row) => match self.rows.get(row.job.account.as_str()) {
                Some(found) => Applied::Conflict(Some(Box::new(found.clone()))),
                None => self.put(row),
            },
            Change::Update { row, expected } => self.when(row, row.place, *expected),
            Change::Move { row, from, expected } => self.when(row, *from, *expected),
            Change::Remove { job, place, expected } => {
                let account = job.account.as_str();
                match self.rows.get(account).filter(|found| found.place == *place) {
                    Some(found) if found.rev == *expected => {
                        self.rows.remove(account);
                        Applied::Done
                    }
                    found => Applied::Conflict(found.cloned().map(Box::new)),
                }
            }
            Change::Wake(wake) => {
                if !self.wakes.contains(wake) {
                    self.wakes.push(wake.clone());
                }
                Applied::Done
            }
        }
    }

    fn when(&mut self, row: &JobRow, from: pollwheel_core::row::Place, expected: Revision) -> Applied {
        match self.rows.get(row.job.account.as_str()).filter(|found| found.place == from) {
            Some(found) if found.rev == expected => self.put(row),
            found => Applied::Conflict(found.cloned().map(Box::new)),
        }
    }

    fn put(&mut self, row: &JobRow) -> Applied {
        self.rows.insert(row.job.account.to_string(), row.clone());
        Applied::Done
    }

    fn check(&self, store: &Store) {
        let held: BTreeMap<String, JobRow> =
            all_rows(store).into_iter().map(|row| (row.job.account.to_string(), row)).collect();
        assert_eq!(&held, &self.rows);
        let page = store.registrations(None, 100).unwrap();
        let registered: BTreeMap<String, Registration> =
            page.items.into_iter().map(|found| (found.job.account.to_string(), found)).collect();
        let expected =
            self.rows.iter().map(|(account, row)| (account.clone(), Registration::from(row))).collect();
        assert_eq!(registered, expected);
        for account in ACCOUNTS {
            let mut expected: Vec<&WakeUp> =
                self.wakes.iter().filter(|wake| wake.job == job(account)).collect();
            expected.sort_by_key(|wake| (wake.minute, wake.place));
            assert_eq!(store.wakes_of(&job(account)).unwrap().iter().collect::<Vec<_>>(), expected);
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    // Few of everything, so that conditions hold and fail about as often.
    let some_row = (0..ACCOUNTS.len(), 0_u16..2, 0_u64..3)
        .prop_map(|(account, shard, rev)| Box::new(row(ACCOUNTS[account], place(shard), rev)));
    (some_row, 0_u16..2, 0_u64..3, 0_u32..2, 0..5).prop_map(|(row, from, expected, minute, kind)| {
        let (from, expected) = (place(from), Revision(expected));
        match kind {
            0 => Change::Insert(row),
            1 => Change::Update { row, expected },
            2 => Change::Move { row, from, expected },
            3 => Change::Remove { job: row.job, place: from, expected },
            _ => Change::Wake(WakeUp { minute: NOW.plus(minute), job: row.job, place: from }),
        }
    })
}

fn run(store: &Store, model: &mut Model, calls: Vec<Vec<Change>>) {
    for changes in calls {
        let expected: Vec<Applied> = changes.iter().map(|change| model.apply(change)).collect();
        let answers: Vec<Applied> = wait(store.apply(changes)).into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, expected);
    }
    model.check(store);
}

fn any_calls() -> impl Strategy<Value = Vec<Vec<Change>>> {
    prop::collection::vec(prop::collection::vec(any_change(), 0..5), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn the_store_in_memory_does_what_a_map_does(calls in any_calls()) {
        run(&Store::in_memory().unwrap(), &mut Model::default(), calls);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn the_store_in_a_file_does_what_a_map_does_across_openings(lives in prop::collection::vec(any_calls(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for calls in lives {
            let store = Store::open(folder.path()).unwrap();
            model.check(&store);
            run(&store, &mut model, calls);
        }
    }
}
