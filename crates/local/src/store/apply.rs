//! Changes: each judged by itself, all of one call in one transaction.

use std::error::Error;

use pollwheel_core::id::JobId;
use pollwheel_core::ports::{Applied, Change, PortError, Retry};
use pollwheel_core::row::{JobRow, Place, Revision, WakeUp};
use redb::{ReadableTable, Table, WriteTransaction};

use super::error::Failure;
use super::file::Ending;
use super::stats::StoreStats;
use super::value::{self, RowDecoder, ValueError};
use super::{Store, layout};

/// The answer for one change; the outer error of the functions here is one for the whole transaction.
type Judged = Result<Applied, PortError>;

impl Store {
    pub(super) fn apply_all(&self, changes: &[Change]) -> Vec<Judged> {
        if changes.is_empty() {
            return Vec::new();
        }
        let applied = self.backing.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            let answers =
                changes.iter().map(|change| tables.apply(change)).collect::<Result<Vec<_>, Failure>>()?;
            let mut counts = tables.counts;
            drop(tables);
            let ending = if counts.wrote() { Ending::Commit } else { Ending::Abort };
            counts.commits = u64::from(ending == Ending::Commit);
            Ok(((answers, counts), ending))
        });
        match applied {
            Ok((answers, counts)) => {
                self.count(counts);
                answers
            }
            Err(failure) => changes.iter().map(|change| Err(failure.of(what(change)))).collect(),
        }
    }
}

fn what(change: &Change) -> String {
    match change {
        Change::Insert(row) => format!("inserting `{}`", row.job),
        Change::Update { row, .. } => format!("updating `{}`", row.job),
        Change::Move { row, .. } => format!("moving `{}`", row.job),
        Change::Remove { job, .. } => format!("removing `{job}`"),
        Change::Wake(wake) => format!("setting a wake-up of `{}`", wake.job),
    }
}

/// A value that must not be written over, because this build does not understand it.
pub(super) fn keep(what: String, error: ValueError) -> PortError {
    PortError::new(what, Retry::Never, Box::<dyn Error + Send + Sync>::from(error))
}

struct Tables<'t> {
    rows: Table<'t, &'static [u8], &'static [u8]>,
    registrations: Table<'t, &'static [u8], &'static [u8]>,
    wakes: Table<'t, &'static [u8], &'static [u8]>,
    counts: StoreStats,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, Failure> {
        Ok(Self {
            rows: transaction.open_table(layout::ROWS)?,
            registrations: transaction.open_table(layout::REGISTRATIONS)?,
            wakes: transaction.open_table(layout::WAKES)?,
            counts: StoreStats::default(),
        })
    }

    fn apply(&mut self, change: &Change) -> Result<Judged, Failure> {
        let judged = match change {
            Change::Insert(row) => self.insert(row),
            Change::Update { row, expected } => self.update(row, *expected),
            Change::Move { row, from, expected } => self.move_row(row, *from, *expected),
            Change::Remove { job, place, expected } => self.remove(job, *place, *expected),
            Change::Wake(wake) => self.wake(wake),
        }?;
        match judged {
            Ok(applied) => {
                self.counts.conflicts += u64::from(applied != Applied::Done);
                Ok(Ok(applied))
            }
            Err(unreadable) => {
                self.counts.unreadable += 1;
                Ok(Err(keep(what(change), unreadable)))
            }
        }
    }

    fn insert(&mut self, row: &JobRow) -> Result<Result<Applied, ValueError>, Failure> {
        let key = layout::registration(&row.job);
        let registered = self.registrations.get(&*key)?.map(|value| {
            value::decode_registration(row.job.clone(), value.value()).map(|registration| registration.place)
        });
        match registered {
            Some(Ok(place)) => {
                Ok(self.row(&row.job, place)?.map(|found| Applied::Conflict(found.map(Box::new))))
            }
            Some(Err(unreadable)) => Ok(Err(unreadable)),
            None => {
                self.put_row(row)?;
                self.put_registration(row)?;
                Ok(Ok(Applied::Done))
            }
        }
    }

    fn update(&mut self, row: &JobRow, expected: Revision) -> Result<Result<Applied, ValueError>, Failure> {
        self.judge(&row.job, row.place, expected, |tables| tables.put_row(row))
    }

    fn move_row(
        &mut self,
        row: &JobRow,
        from: Place,
        expected: Revision,
    ) -> Result<Result<Applied, ValueError>, Failure> {
        self.judge(&row.job, from, expected, |tables| {
            tables.rows.remove(&*layout::row(&row.job, from))?;
            tables.put_row(row)?;
            tables.put_registration(row)
        })
    }

    fn remove(
        &mut self,
        job: &JobId,
        place: Place,
        expected: Revision,
    ) -> Result<Result<Applied, ValueError>, Failure> {
        self.judge(job, place, expected, |tables| {
            tables.rows.remove(&*layout::row(job, place))?;
            tables.registrations.remove(&*layout::registration(job))?;
            tables.counts.row_writes += 1;
            tables.counts.registration_writes += 1;
            Ok(())
        })
    }

    fn wake(&mut self, wake: &WakeUp) -> Result<Result<Applied, ValueError>, Failure> {
        let key = layout::wake(&wake.job, wake.minute, wake.place);
        let value = value::encode_wake(&wake.job.job_type, wake.place);
        let found = self.wakes.get(&*key)?.map(|found| value::decode_wake(&wake.job.job_type, found.value()));
        match found {
            Some(Err(unreadable)) => return Ok(Err(unreadable)),
            Some(Ok(place)) if place == wake.place => {}
            Some(Ok(_)) | None => {
                self.wakes.insert(&*key, &*value)?;
                self.counts.wake_writes += 1;
            }
        }
        Ok(Ok(Applied::Done))
    }

    /// Acts when the row at a place has the expected revision.
    fn judge(
        &mut self,
        job: &JobId,
        place: Place,
        expected: Revision,
        act: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<Result<Applied, ValueError>, Failure> {
        match self.row(job, place)? {
            Ok(Some(found)) if found.rev == expected => {
                act(self)?;
                Ok(Ok(Applied::Done))
            }
            Ok(found) => Ok(Ok(Applied::Conflict(found.map(Box::new)))),
            Err(unreadable) => Ok(Err(unreadable)),
        }
    }

    fn row(&self, job: &JobId, place: Place) -> Result<Result<Option<JobRow>, ValueError>, Failure> {
        let found = self.rows.get(&*layout::row(job, place))?;
        Ok(found.map(|value| RowDecoder::default().decode(job.clone(), place, value.value())).transpose())
    }

    fn put_row(&mut self, row: &JobRow) -> Result<(), Failure> {
        self.rows.insert(&*layout::row(&row.job, row.place), &*value::encode_row(row))?;
        self.counts.row_writes += 1;
        Ok(())
    }

    fn put_registration(&mut self, row: &JobRow) -> Result<(), Failure> {
        self.registrations.insert(&*layout::registration(&row.job), &*value::encode_registration(row))?;
        self.counts.registration_writes += 1;
        Ok(())
    }
}
