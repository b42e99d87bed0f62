//! The file of the store: who may open it, what survives in it, what is not understood in it.

use std::fs;
use std::path::Path;

use pollwheel_core::ports::{Applied, Change, JobStore, Retry};
use pollwheel_core::row::{Revision, WakeUp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::store::{FORMAT, Store, StoreError};
use redb::{Database, ReadableTable, TableDefinition};
use tempfile::TempDir;

use crate::fixture::{NOW, all_rows, apply, insert, job, job_type, place, read, row, wait};

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn error(folder: &Path) -> StoreError {
    match Store::open(folder) {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error,
    }
}

/// Works on a closed store with redb itself.
fn meddle(folder: &Path, act: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(folder.join("pollwheel.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    act(&transaction);
    transaction.commit().unwrap();
}

#[test]
fn r33_what_was_written_is_there_when_it_is_opened_again() {
    let folder = folder();
    let state = folder.path().join("deep/state");
    let wake = WakeUp { minute: NOW, job: job("a"), place: place(0) };
    {
        let store = Store::open(&state).unwrap();
        insert(&store, row("a", place(0), 1));
        insert(&store, row("b", place(1), 1));
        apply(&store, Change::Wake(wake.clone())).unwrap();
    }
    let store = Store::open(&state).unwrap();
    assert_eq!(all_rows(&store), [row("a", place(0), 1), row("b", place(1), 1)]);
    assert_eq!(store.wakes_of(&job("a")).unwrap(), [wake]);
    assert_eq!(wait(store.find_row(&job("b"))).unwrap(), Some(row("b", place(1), 1)));
}

#[test]
fn r33_a_second_opening_is_refused_and_names_the_folder() {
    let folder = folder();
    let first = Store::open(folder.path()).unwrap();
    let error = error(folder.path());
    assert!(
        matches!(&error, StoreError::InUse { process, .. } if *process == Some(std::process::id())),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()) && text.contains("stop that one"), "{text}");
    drop(first);
    Store::open(folder.path()).unwrap();
}

#[test]
fn r33_a_newer_store_is_refused_and_keeps_what_it_holds() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    insert(&store, row("a", place(0), 1));
    drop(store);
    let set_format = |format| {
        meddle(folder.path(), |transaction| {
            transaction.open_table(META).unwrap().insert("format", format).unwrap();
        });
    };
    set_format(FORMAT + 1);
    for _ in 0..2 {
        let error = error(folder.path());
        assert!(matches!(error, StoreError::Newer { found, .. } if found == FORMAT + 1), "{error}");
        assert!(error.to_string().contains("pollwheel.redb"), "{error}");
    }
    set_format(FORMAT);
    assert_eq!(all_rows(&Store::open(folder.path()).unwrap()), [row("a", place(0), 1)]);
}

#[test]
fn r33_somebody_elses_redb_file_is_refused() {
    let folder = folder();
    drop(Database::create(folder.path().join("pollwheel.redb")).unwrap());
    let error = error(folder.path());
    assert!(
        matches!(&error, StoreError::Damaged { file, .. } if file.ends_with("pollwheel.redb")),
        "{error}"
    );
}

#[test]
fn r33_a_store_that_was_never_finished_is_made_anew() {
    let folder = folder();
    fs::write(folder.path().join("pollwheel.redb.new"), b"half a store").unwrap();
    let store = Store::open(folder.path()).unwrap();
    insert(&store, row("a", place(0), 1));
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let state = folder.path().join("state");
    let _store = Store::open(&state).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for file in ["pollwheel.redb", "pollwheel.lock"] {
        assert_eq!(mode(&state.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = error(&file.join("state"));
    assert!(matches!(&error, StoreError::Io { .. }) && error.to_string().contains("file/state"), "{error}");
}

#[test]
fn r33_a_value_of_a_newer_build_is_counted_and_never_written_over() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    insert(&store, row("a", place(0), 1));
    insert(&store, row("b", place(0), 1));
    drop(store);
    meddle(folder.path(), |transaction| {
        let mut rows = transaction.open_table(ROWS).unwrap();
        let (key, mut value) = {
            let (key, value) = rows.first().unwrap().unwrap();
            (key.value().to_vec(), value.value().to_vec())
        };
        value[0] = 9;
        rows.insert(&*key, &*value).unwrap();
    });
    let store = Store::open(folder.path()).unwrap();
    let cohort = place(0).cohort().unwrap();
    let page = wait(store.read_cohort(&job_type(), cohort, None, 10)).unwrap();
    assert_eq!((page.items, page.unreadable, page.next), (vec![row("b", place(0), 1)], 1, None));
    assert_eq!(store.stats().unreadable, 1);

    let new = Box::new(row("a", place(0), 2));
    let expected = Revision(1);
    for change in [
        Change::Insert(new.clone()),
        Change::Update { row: new.clone(), expected },
        Change::Move { row: new, from: place(0), expected },
        Change::Remove { job: job("a"), place: place(0), expected },
    ] {
        let error = apply(&store, change).unwrap_err();
        assert_eq!(error.retry, Retry::Never);
        assert!(error.chain().contains("version 9"), "{}", error.chain());
    }
    assert!(
        wait(store.read_row(&job("a"), place(0))).is_err(),
        "it is still there, and still not understood"
    );
    assert_eq!(read(&store, "b", place(0)), Some(row("b", place(0), 1)));
}

#[test]
fn a_page_of_unreadable_rows_ends_and_is_followed_by_the_next() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for account in ["a", "b", "c", "d"] {
        insert(&store, row(account, place(0), 1));
    }
    drop(store);
    meddle(folder.path(), |transaction| {
        let mut rows = transaction.open_table(ROWS).unwrap();
        let keys: Vec<Vec<u8>> =
            rows.iter().unwrap().take(3).map(|entry| entry.unwrap().0.value().to_vec()).collect();
        for key in keys {
            rows.insert(&*key, &b"\x01not json"[..]).unwrap();
        }
    });
    let store = Store::open(folder.path()).unwrap();
    let cohort: Cohort = place(0).cohort().unwrap();
    let first = wait(store.read_cohort(&job_type(), cohort, None, 2)).unwrap();
    assert_eq!((first.items.len(), first.unreadable, first.next.as_deref()), (0, 2, Some("b")));
    let second = wait(store.read_cohort(&job_type(), cohort, first.next.as_deref(), 2)).unwrap();
    assert_eq!((second.items, second.unreadable, second.next), (vec![row("d", place(0), 1)], 1, None));
}

#[test]
fn writes_are_counted_and_what_changes_nothing_costs_no_commit() {
    let store = Store::in_memory().unwrap();
    insert(&store, row("a", place(0), 1));
    let wake = Change::Wake(WakeUp { minute: NOW, job: job("a"), place: place(0) });
    apply(&store, wake.clone()).unwrap();
    let update = Change::Update { row: Box::new(row("a", place(0), 2)), expected: Revision(1) };
    let moved = Change::Move { row: Box::new(row("a", place(1), 3)), from: place(0), expected: Revision(2) };
    let answers = wait(store.apply(vec![update.clone(), moved]));
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Applied::Done))), "{answers:?}");
    let stats = store.stats();
    assert_eq!((stats.row_writes, stats.registration_writes, stats.wake_writes, stats.commits), (3, 2, 1, 3));
    apply(&store, wake).unwrap();
    apply(&store, update).unwrap();
    let again = store.stats();
    assert_eq!((again.commits, again.row_writes, again.wake_writes, again.conflicts), (3, 3, 1, 1));
    assert_eq!(store.row_counts().unwrap().into_iter().map(|count| count.rows).sum::<u64>(), 1);
}
