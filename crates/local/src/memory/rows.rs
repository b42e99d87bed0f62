//! Rows and wake-ups: the `JobStore` port.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::keys::sort_key;
use pollwheel_core::ports::{Applied, Change, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, Revision, WakeUp};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

use super::MemoryStore;
use crate::store::StoreStats;

/// The rows of one place, by their keys.
#[derive(Debug, Default)]
pub(super) struct Partition(BTreeMap<Box<str>, JobRow>);

impl Partition {
    pub(super) fn rows(&self) -> impl Iterator<Item = &JobRow> {
        self.0.values()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn put(&mut self, row: JobRow) {
        self.0.insert(sort_key(&row.job).into(), row);
    }
}

/// One page of an ordered map. Its token is the key that it ends with.
fn page<T: Clone>(items: Option<&BTreeMap<Box<str>, T>>, from: Option<&str>, limit: usize) -> Page<T> {
    let start = from.map_or(Bound::Unbounded, Bound::Excluded);
    let mut page = Page { items: Vec::new(), unreadable: 0, next: None };
    let Some(items) = items else { return page };
    let mut range = items.range::<str, _>((start, Bound::Unbounded));
    let mut last = None;
    for (key, item) in range.by_ref().take(limit) {
        page.items.push(item.clone());
        last = Some(key);
    }
    if range.next().is_some() {
        page.next = last.map(ToString::to_string);
    }
    page
}

const fn shard_of(place: Place) -> u16 {
    match place {
        Place::Cohort(cohort) => cohort.shard,
        Place::Parked { shard } => shard,
    }
}

impl MemoryStore {
    fn row(&self, job: &JobId, place: Place) -> Option<JobRow> {
        let rows = self.rows.borrow();
        rows.get(&job.job_type)?.get(&place)?.0.get(&*sort_key(job)).cloned()
    }

    fn take(&self, job: &JobId, place: Place) {
        if let Some(places) = self.rows.borrow_mut().get_mut(&job.job_type)
            && let Entry::Occupied(mut partition) = places.entry(place)
        {
            partition.get_mut().0.remove(&*sort_key(job));
            if partition.get().0.is_empty() {
                partition.remove();
            }
        }
    }

    fn apply_one(&self, change: Change) -> Applied {
        match change {
            Change::Insert(row) => self.insert(*row),
            Change::Update { row, expected } => self.judged(&row.job.clone(), row.place, expected, || {
                self.put_unchecked(*row);
                self.count(StoreStats { row_writes: 1, ..StoreStats::default() });
            }),
            Change::Move { row, from, expected } => self.judged(&row.job.clone(), from, expected, || {
                self.take(&row.job, from);
                self.registrations.borrow_mut().insert(row.job.clone(), row.place);
                self.put_unchecked(*row);
                self.count(StoreStats { row_writes: 1, registration_writes: 1, ..StoreStats::default() });
            }),
            Change::Remove { job, place, expected } => self.judged(&job, place, expected, || {
                self.take(&job, place);
                self.registrations.borrow_mut().remove(&job);
                self.count(StoreStats { row_writes: 1, registration_writes: 1, ..StoreStats::default() });
            }),
            Change::Wake(wake) => self.wake(wake),
        }
    }

    fn insert(&self, row: JobRow) -> Applied {
        let registered = self.registrations.borrow().get(&row.job).copied();
        if let Some(place) = registered {
            self.count(StoreStats { conflicts: 1, ..StoreStats::default() });
            return Applied::Conflict(self.row(&row.job, place).map(Box::new));
        }
        self.registrations.borrow_mut().insert(row.job.clone(), row.place);
        self.put_unchecked(row);
        self.count(StoreStats { row_writes: 1, registration_writes: 1, ..StoreStats::default() });
        Applied::Done
    }

    fn wake(&self, wake: WakeUp) -> Applied {
        let mut wakes = self.wakes.borrow_mut();
        let minutes = wakes.entry(wake.job.job_type.clone()).or_default();
        let shard = minutes.entry(wake.minute).or_default().entry(shard_of(wake.place)).or_default();
        let key = sort_key(&wake.job).into();
        if shard.get(&key) != Some(&wake) {
            shard.insert(key, wake);
            self.count(StoreStats { wake_writes: 1, ..StoreStats::default() });
        }
        Applied::Done
    }

    /// Acts when the row at a place has the expected revision.
    fn judged(&self, job: &JobId, place: Place, expected: Revision, act: impl FnOnce()) -> Applied {
        match self.row(job, place) {
            Some(found) if found.rev == expected => {
                act();
                Applied::Done
            }
            found => {
                self.count(StoreStats { conflicts: 1, ..StoreStats::default() });
                Applied::Conflict(found.map(Box::new))
            }
        }
    }
}

impl JobStore for MemoryStore {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let rows = self.rows.borrow();
        let partition = rows.get(job_type).and_then(|places| places.get(&Place::Cohort(cohort)));
        let page = page(partition.map(|partition| &partition.0), from, limit);
        self.count(StoreStats { rows_read: page.items.len() as u64, ..StoreStats::default() });
        Ok(page)
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        let wakes = self.wakes.borrow();
        let shards = wakes.get(job_type).and_then(|minutes| minutes.get(&minute));
        Ok(page(shards.and_then(|shards| shards.get(&shard)), from, limit))
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        let found = self.row(job, place);
        self.count(StoreStats { rows_read: u64::from(found.is_some()), ..StoreStats::default() });
        Ok(found)
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        let place = self.registrations.borrow().get(job).copied();
        Ok(place.and_then(|place| self.row(job, place)).as_ref().map(Registration::from))
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        changes.into_iter().map(|change| Ok(self.apply_one(change))).collect()
    }
}
