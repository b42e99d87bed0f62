//! Cursors that trail, wake-ups that go with them, pauses.

use std::path::Path;

use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::ports::{Change, ControlStore, JobStore, PauseScope};
use pollwheel_core::row::WakeUp;
use pollwheel_core::time::EpochMinute;
use pollwheel_local::store::{Store, WAKE_MARGIN_MINUTES};

use crate::fixture::{NOW, apply, cursor, job, job_type, place, wait};

fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap()
}

fn move_to(store: &Store, to: EpochMinute) {
    let from = cursor(store);
    assert!(wait(store.move_cursor(&job_type(), from, to)).unwrap());
}

#[test]
fn r10_after_a_crash_ticks_continue_before_the_oldest_unconfirmed_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    move_to(&store, NOW);
    store.set_unconfirmed(&job_type(), Some(NOW.plus(1)));
    move_to(&store, NOW.plus(1));
    move_to(&store, NOW.plus(2));
    assert_eq!(cursor(&store), Some(NOW.plus(2)), "ticks see where they are");
    drop(store);

    let store = open(folder.path());
    assert_eq!(cursor(&store), Some(NOW), "minute 1 is dispatched once more");
    move_to(&store, NOW.plus(2));
    store.set_unconfirmed(&job_type(), Some(NOW.plus(3)));
    move_to(&store, NOW.plus(3));
    store.set_unconfirmed(&job_type(), None);
    store.persist_cursors().unwrap();
    drop(store);
    assert_eq!(
        cursor(&open(folder.path())),
        Some(NOW.plus(3)),
        "after a shutdown that drained, nothing is repeated"
    );
}

#[test]
fn the_very_first_window_is_repeated_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.set_unconfirmed(&job_type(), Some(NOW));
    move_to(&store, NOW);
    drop(store);
    assert_eq!(cursor(&open(folder.path())), Some(NOW.minus(1)));
}

#[test]
fn a_persisted_cursor_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    move_to(&store, NOW);
    store.set_unconfirmed(&job_type(), Some(NOW.minus(50)));
    move_to(&store, NOW.plus(1));
    drop(store);
    assert_eq!(cursor(&open(folder.path())), Some(NOW));
}

#[test]
fn a_cursor_that_cannot_be_persisted_further_costs_no_write() {
    let store = Store::in_memory().unwrap();
    move_to(&store, NOW);
    store.set_unconfirmed(&job_type(), Some(NOW.plus(1)));
    let before = store.stats();
    for minute in 1..10 {
        move_to(&store, NOW.plus(minute));
    }
    assert_eq!(store.stats(), before);
    store.set_unconfirmed(&job_type(), Some(NOW.plus(9)));
    move_to(&store, NOW.plus(10));
    assert_eq!(store.stats().cursor_writes, before.cursor_writes + 1);
}

#[test]
fn wake_ups_go_when_the_cursor_is_past_them_by_the_margin() {
    let store = Store::in_memory().unwrap();
    let other = JobTypeId::new("mastodon/statuses-").unwrap();
    for minute in [NOW, NOW.plus(1)] {
        for job_type in [job_type(), other.clone()] {
            let mut job = job("a");
            job.job_type = job_type;
            apply(&store, Change::Wake(WakeUp { minute, job, place: place(3) })).unwrap();
        }
    }
    let set = |job_type: &JobTypeId, minute| {
        wait(store.read_wakes(job_type, minute, 3, None, 9)).unwrap().items.len()
    };
    move_to(&store, NOW.plus(WAKE_MARGIN_MINUTES));
    assert_eq!((set(&job_type(), NOW), set(&job_type(), NOW.plus(1))), (1, 1));
    move_to(&store, NOW.plus(WAKE_MARGIN_MINUTES + 1));
    assert_eq!((set(&job_type(), NOW), set(&job_type(), NOW.plus(1))), (0, 1));
    assert_eq!((set(&other, NOW), set(&other, NOW.plus(1))), (1, 1), "each job type has its own cursor");
    assert_eq!(store.stats().wakes_purged, 1);
    assert_eq!(store.wakes_of(&job("a")).unwrap().len(), 1);
}

#[test]
fn a_pause_stops_its_job_type_or_all_of_its_channel_until_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let sibling = JobTypeId::new("mastodon/notifications").unwrap();
    let other = JobTypeId::new("github/statuses").unwrap();
    let one = PauseScope::JobType(job_type());
    let all = PauseScope::Channel(ChannelName::new("mastodon").unwrap());
    let paused = |store: &Store| {
        [job_type(), sibling.clone(), other.clone()]
            .map(|job_type| wait(store.gate(&job_type)).unwrap().paused)
    };
    for (scope, expected) in [(&one, [true, false, false]), (&all, [true, true, false])] {
        store.pause(scope).unwrap();
        drop(store);
        store = open(folder.path());
        assert_eq!(paused(&store), expected);
    }
    store.resume(&all).unwrap();
    assert_eq!(paused(&store), [true, false, false], "its own pause stands");
    store.resume(&one).unwrap();
    assert_eq!(paused(&store), [false; 3]);
    let writes = store.stats().control_writes;
    store.resume(&one).unwrap();
    assert_eq!(store.stats().control_writes, writes, "resuming what runs costs nothing");
}
