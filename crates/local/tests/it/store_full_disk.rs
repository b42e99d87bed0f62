//! A full disk: the change fails with a reason, what is committed stays readable, and the store goes on once there is room.
//!
//! A limit on the size of a file stands in for the disk. It belongs to a process, so the store is filled in a child: this
//! test binary again, started by a shell that sets the limit.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::ports::{Applied, Change, ControlStore, Retry};
use pollwheel_local::store::Store;

use crate::fixture::{NOW, all_rows, apply, cursor, insert, job_type, place, read, row, wait};

const FOLDER: &str = "POLLWHEEL_TEST_FULL_FOLDER";
/// Blocks of 512 bytes that a file may have in the child.
const LIMIT: &str = "4096";

fn large(number: usize) -> Change {
    let mut row = row(&format!("job-{number:05}"), place(0), 1);
    let members = ContextMap::from_iter([("since".to_owned(), serde_json::Value::from("x".repeat(10_000)))]);
    row.context = Context::new(&members).unwrap();
    Change::Insert(Box::new(row))
}

#[test]
#[ignore = "it is the child of the test below"]
fn fills_the_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(Path::new(&folder)).unwrap();
    let mut written = 0;
    let error = loop {
        match apply(&store, large(written)) {
            Ok(applied) => assert_eq!(applied, Applied::Done),
            Err(error) => break error,
        }
        written += 1;
    };
    assert!(written > 10, "the limit leaves room for some");
    assert_eq!(error.retry, Retry::Transient, "{}", error.chain());
    assert!(error.chain().contains("inserting `mastodon/statuses:job-"), "{}", error.chain());
    assert!(error.chain().contains("free some space"), "{}", error.chain());

    // The process goes on: it reads all that is committed, and fails again in the same way.
    for _ in 0..3 {
        assert_eq!(all_rows(&store).len(), written);
        assert_eq!(apply(&store, large(written)).unwrap_err().retry, Retry::Transient);
    }
    // A cursor that cannot be persisted moves all the same, or every tick would dispatch the same window again.
    if wait(store.move_cursor(&job_type(), None, NOW)).is_err() {
        assert_eq!(cursor(&store), Some(NOW));
    }
    std::fs::write(Path::new(&folder).join("written"), written.to_string()).unwrap();
}

#[test]
fn r33_a_full_disk_fails_the_change_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    // The signal is ignored, so that the write itself fails, as it does on a full disk.
    let status = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {LIMIT}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store_full_disk::fills_the_disk", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let written: usize = std::fs::read_to_string(folder.path().join("written")).unwrap().parse().unwrap();

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(all_rows(&store).len(), written, "what was acknowledged is there");
    for number in 0..written {
        assert!(read(&store, &format!("job-{number:05}"), place(0)).is_some());
    }
    assert_eq!(apply(&store, large(written)).unwrap(), Applied::Done, "with room, the same change succeeds");
    insert(&store, row("another", place(1), 1));
}
