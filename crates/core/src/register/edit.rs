//! Changing one job's row while the passes and other operators change it too.

use crate::id::JobId;
use crate::ports::{Applied, Change, JobStore, PortError, Retry};
use crate::row::{JobRow, Place, Revision, WakeUp};
use crate::time::EpochMinute;

/// Attempts at a row that keeps changing under an edit.
const MAX_ATTEMPTS: u32 = 4;

/// What to do with a row, and what to tell of it once it is done.
pub(super) enum Edit<T> {
    /// Leave it.
    Keep(T),
    /// Write it, in its new place when that is another. Its revision is counted on here.
    Write(Box<JobRow>, T),
    /// The same, with a wake-up: its new place may come round much later than this minute.
    WriteAndWake(Box<JobRow>, EpochMinute, T),
    /// Take it away, and its registration with it.
    Remove(T),
}

/// Edits a job's row, wherever it is: read, judged, and judged anew on what stands there when somebody was quicker. None:
/// the job is not registered. `known` spares the first reading.
pub(super) async fn edit<S: JobStore, T>(
    job: &JobId,
    mut known: Option<Box<JobRow>>,
    store: &S,
    judge: impl Fn(&JobRow) -> Edit<T>,
) -> Result<Option<T>, PortError> {
    for _ in 0..MAX_ATTEMPTS {
        let old = match known.take() {
            Some(row) => row,
            None => {
                let Some(registration) = store.locate(job).await? else { return Ok(None) };
                match store.read_row(job, registration.place).await? {
                    Some(row) => Box::new(row),
                    // It is on the move.
                    None => continue,
                }
            }
        };
        let (from, expected) = (old.place, old.rev);
        let (change, told) = match judge(&old) {
            Edit::Keep(told) => return Ok(Some(told)),
            Edit::Remove(told) => (Change::Remove { job: job.clone(), place: from, expected }, told),
            Edit::Write(row, told) => (written(row, from, expected), told),
            Edit::WriteAndWake(row, minute, told) => {
                // First: a wake-up for nothing does no harm, and one that fails leaves the row to be edited again.
                let wake = WakeUp { minute, job: job.clone(), place: row.place };
                store.apply(vec![Change::Wake(wake)]).await.into_iter().next().transpose()?;
                (written(row, from, expected), told)
            }
        };
        match store.apply(vec![change]).await.into_iter().next().transpose()? {
            Some(Applied::Done) => return Ok(Some(told)),
            Some(Applied::Conflict(there)) => known = there,
            None => {}
        }
    }
    Err(PortError::new(format!("changing `{job}`"), Retry::Transient, "the row keeps changing"))
}

/// The row in its place or into a new one, its revision counted on.
fn written(mut row: Box<JobRow>, from: Place, expected: Revision) -> Change {
    row.rev = expected.next();
    if row.place == from { Change::Update { row, expected } } else { Change::Move { row, from, expected } }
}
