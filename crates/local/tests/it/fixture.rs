//! Rows, a clock that is set by hand, and random numbers that repeat.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::cadence::Cadence;
use pollwheel_core::hash;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::ports::{Applied, Change, Clock, ControlStore, JobStore, PortError};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::store::Store;

/// The minute at which tests begin.
pub(crate) const NOW: EpochMinute = EpochMinute::new(29_000_000);

/// Store and queues never wait, so one poll is enough.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("nothing here waits")
}

pub(crate) fn job_type() -> JobTypeId {
    JobTypeId::new("mastodon/statuses").unwrap()
}

pub(crate) fn job(account: &str) -> JobId {
    JobId { job_type: job_type(), account: AccountId::new(account).unwrap(), target: None }
}

pub(crate) fn place(shard: u16) -> Place {
    Place::Cohort(Cohort { cadence: Cadence::FASTEST, phase: 0, shard })
}

pub(crate) fn row(account: &str, place: Place, rev: u64) -> JobRow {
    let subject = Subject { external_id: format!("at-{account}"), base_url: None };
    JobRow::new(job(account), place, subject, ServiceLevel::new("free").unwrap(), Revision(rev), NOW)
}

pub(crate) fn insert(store: &Store, row: JobRow) {
    assert_eq!(apply(store, Change::Insert(Box::new(row))).unwrap(), Applied::Done);
}

pub(crate) fn apply(store: &Store, change: Change) -> Result<Applied, PortError> {
    wait(store.apply(vec![change])).remove(0)
}

pub(crate) fn read(store: &Store, account: &str, place: Place) -> Option<JobRow> {
    wait(store.read_row(&job(account), place)).unwrap()
}

pub(crate) fn cursor(store: &Store) -> Option<EpochMinute> {
    wait(store.gate(&job_type())).unwrap().cursor
}

/// Everything of the store, read page by page.
pub(crate) fn all_rows(store: &Store) -> Vec<JobRow> {
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let page = store.rows(from.as_deref(), 7).unwrap();
        assert_eq!(page.unreadable, 0);
        rows.extend(page.items);
        match page.next {
            Some(next) => from = Some(next),
            None => return rows,
        }
    }
}

/// A clock that is set by hand.
#[derive(Debug)]
pub(crate) struct HandClock(Cell<u64>);

impl HandClock {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self(Cell::new(NOW.start().millis())))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.set(self.now().plus(time).millis());
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.get())
    }
}

/// Random numbers that repeat with their seed.
pub(crate) struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A new seed each time, or the one in `POLLWHEEL_TEST_SEED`: print it with a failure.
    pub(crate) fn fresh_seed() -> u64 {
        let given = std::env::var("POLLWHEEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        given.unwrap_or_else(|| {
            u64::from(std::process::id()) ^ std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() as u64
        })
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        hash::below(hash::mix(self.seed, self.drawn), u32::try_from(bound).unwrap()) as usize
    }
}
