//! Reading and changing rows: the `JobStore` port.

use std::ops::Bound;

use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{Applied, Change, JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;
use redb::ReadOnlyTable;

use super::apply::keep;
use super::error::Failure;
use super::layout::Keys;
use super::stats::StoreStats;
use super::value::{self, RowDecoder, ValueError};
use super::{Store, layout};

pub(super) type Bytes = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// One page of a range. `read` makes an item of the key after the prefix and the value, or nothing when it cannot. The
/// page's token is the last key's text after the prefix.
pub(super) fn page<T>(
    table: &Bytes,
    (start, end): &Keys,
    prefix: usize,
    limit: usize,
    mut read: impl FnMut(&[u8], &[u8]) -> Option<T>,
) -> Result<Page<T>, Failure> {
    let mut range = table.range::<&[u8]>((borrowed(start), borrowed(end)))?;
    let mut page = Page { items: Vec::with_capacity(limit.min(1024)), unreadable: 0, next: None };
    while let Some(entry) = range.next() {
        let (key, value) = entry?;
        let key = key.value();
        match read(key.get(prefix..).unwrap_or_default(), value.value()) {
            Some(item) => page.items.push(item),
            None => page.unreadable = page.unreadable.saturating_add(1),
        }
        let seen = page.items.len().saturating_add(page.unreadable as usize);
        // A key that is no text cannot be where a page ends: the page goes on past it.
        if seen >= limit
            && let Some(token) = key.get(prefix..).and_then(|rest| std::str::from_utf8(rest).ok())
        {
            page.next = range.next().is_some().then(|| token.to_owned());
            break;
        }
    }
    Ok(page)
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

impl Store {
    /// Counts what a page brought.
    pub(super) fn count_rows<T>(&self, page: &Page<T>) {
        self.count(StoreStats {
            rows_read: page.items.len() as u64,
            unreadable: u64::from(page.unreadable),
            ..StoreStats::default()
        });
    }

    /// Counts one value, and makes an error of one that cannot be read.
    fn one<T>(
        &self,
        found: Result<Option<T>, ValueError>,
        what: impl FnOnce() -> String,
    ) -> Result<Option<T>, PortError> {
        let (rows_read, unreadable) = (u64::from(matches!(found, Ok(Some(_)))), u64::from(found.is_err()));
        self.count(StoreStats { rows_read, unreadable, ..StoreStats::default() });
        found.map_err(|error| keep(what(), error))
    }
}

impl JobStore for Store {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let place = Place::Cohort(cohort);
        let (keys, prefix) = layout::place(job_type, place, from);
        let mut decoder = RowDecoder::default();
        let page = self
            .backing
            .read(|transaction| {
                page(&transaction.open_table(layout::ROWS)?, &keys, prefix, limit, |sort, value| {
                    decoder.decode(layout::parse_sort(job_type, sort)?, place, value).ok()
                })
            })
            .map_err(|failure| failure.of(format!("reading the jobs of `{job_type}` in {cohort:?}")))?;
        self.count_rows(&page);
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
        let (keys, prefix) = layout::wakes(job_type, minute, shard, from);
        let page = self
            .backing
            .read(|transaction| {
                page(&transaction.open_table(layout::WAKES)?, &keys, prefix, limit, |sort, value| {
                    let job = layout::parse_sort(job_type, sort)?;
                    Some(WakeUp { minute, job, place: value::decode_wake(job_type, value).ok()? })
                })
            })
            .map_err(|failure| failure.of(format!("reading the wake-ups of `{job_type}` at {minute}")))?;
        self.count(StoreStats { unreadable: u64::from(page.unreadable), ..StoreStats::default() });
        Ok(page)
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        let what = || format!("reading the row of `{job}`");
        let found = self
            .backing
            .read(|transaction| {
                let rows = transaction.open_table(layout::ROWS)?;
                let value = rows.get(&*layout::row(job, place))?;
                Ok(value.map(|value| RowDecoder::default().decode(job.clone(), place, value.value())))
            })
            .map_err(|failure| failure.of(what()))?
            .transpose();
        self.one(found, what)
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        let what = || format!("reading the registration of `{job}`");
        let found = self
            .backing
            .read(|transaction| {
                let registrations = transaction.open_table(layout::REGISTRATIONS)?;
                let value = registrations.get(&*layout::registration(job))?;
                Ok(value.map(|value| value::decode_registration(job.clone(), value.value())))
            })
            .map_err(|failure| failure.of(what()))?
            .transpose();
        self.one(found, what)
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        self.apply_all(&changes)
    }
}
