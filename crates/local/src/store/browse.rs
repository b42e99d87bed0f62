//! Reading for people: the command line lists and explains with it. No pass does.

use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::ports::{JobStore, Page, PortError};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use redb::ReadableTable;

use super::Store;
use super::jobs::page;
use super::layout;
use super::value::{self, RowDecoder};

/// How many rows a place holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceCount {
    /// Whose rows.
    pub job_type: JobTypeId,
    /// Where they are.
    pub place: Place,
    /// How many.
    pub rows: u64,
}

impl Store {
    /// A page of all registrations, by account.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn registrations(&self, from: Option<&str>, limit: usize) -> Result<Page<Registration>, PortError> {
        self.backing
            .read(|transaction| {
                let table = transaction.open_table(layout::REGISTRATIONS)?;
                page(&table, &layout::all(from), 0, limit, |key, value| {
                    value::decode_registration(layout::parse_registration(key)?, value).ok()
                })
            })
            .map_err(|failure| failure.of("listing the registrations"))
    }

    /// A page of all rows, by place.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self, from: Option<&str>, limit: usize) -> Result<Page<JobRow>, PortError> {
        let mut decoder = RowDecoder::default();
        let page = self
            .backing
            .read(|transaction| {
                let table = transaction.open_table(layout::ROWS)?;
                page(&table, &layout::all(from), 0, limit, |key, value| {
                    let (job, place) = layout::parse_row(key)?;
                    decoder.decode(job, place, value).ok()
                })
            })
            .map_err(|failure| failure.of("listing the rows"))?;
        self.count_rows(&page);
        Ok(page)
    }

    /// A job's row, wherever it is.
    ///
    /// # Errors
    /// When the file, or the row, cannot be read.
    pub async fn find_row(&self, job: &JobId) -> Result<Option<JobRow>, PortError> {
        match self.locate(job).await? {
            Some(registration) => self.read_row(job, registration.place).await,
            None => Ok(None),
        }
    }

    /// How many rows each place holds, in the order of the keys. Looks at every key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn row_counts(&self) -> Result<Vec<PlaceCount>, PortError> {
        self.backing
            .read(|transaction| {
                let mut counts: Vec<PlaceCount> = Vec::new();
                for entry in transaction.open_table(layout::ROWS)?.iter()? {
                    let Some((job, place)) = layout::parse_row(entry?.0.value()) else { continue };
                    match counts.last_mut() {
                        Some(last) if last.place == place && last.job_type == job.job_type => last.rows += 1,
                        Some(_) | None => counts.push(PlaceCount { job_type: job.job_type, place, rows: 1 }),
                    }
                }
                Ok(counts)
            })
            .map_err(|failure| failure.of("counting the rows"))
    }

    /// The wake-ups that are set for a job, oldest first. Looks at every wake-up of its job type.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn wakes_of(&self, job: &JobId) -> Result<Vec<WakeUp>, PortError> {
        let (start, end) = layout::all_wakes(&job.job_type);
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        self.backing
            .read(|transaction| {
                let mut wakes = Vec::new();
                for entry in transaction.open_table(layout::WAKES)?.range::<&[u8]>(bounds)? {
                    let (key, value) = entry?;
                    let found = layout::parse_wake(&job.job_type, key.value()).filter(|(_, of)| of == job);
                    if let (Some((minute, job)), Ok(place)) =
                        (found, value::decode_wake(&job.job_type, value.value()))
                    {
                        wakes.push(WakeUp { minute, job, place });
                    }
                }
                Ok(wakes)
            })
            .map_err(|failure| failure.of(format!("reading the wake-ups of `{job}`")))
    }
}
