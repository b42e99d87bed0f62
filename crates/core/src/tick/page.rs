//! One page of a partition: its rows are read, those on hold left out, and copies of the others sent.
//!
//! A page of which nothing was sent is drained again as a whole. Once something was, the rest of it never has that sent
//! again: what the queue refuses, and rows that cannot be read, are tried again by name, then woken in the next minute; and
//! where even the wake-up cannot be set, they are owed to another invocation, again by name.

use futures_util::StreamExt;
use futures_util::stream;

use super::catch_up::is_put_off;
use super::report::DrainReport;
use super::sending;
use super::{Dispatch, PAGE_ROWS};
use crate::activity::Price;
use crate::decide::soonest_wake;
use crate::message::{DrainMessage, Message, Owed, Part, PollMessage};
use crate::policy::JobTypeSpec;
use crate::ports::{Clock, JobStore, Outgoing, PortError, QueueName, Queues, Retry};
use crate::row::{JobRow, WakeUp};
use crate::time::EpochMinute;
use crate::wheel::Window;

/// Rows of single jobs read at once.
const READS_IN_FLIGHT: usize = 64;

/// What became of a page.
pub(super) struct Drained {
    pub(super) report: DrainReport,
    /// Where the next page begins.
    pub(super) next: Option<String>,
    /// Jobs that are neither sent nor woken: whoever drains them counts them.
    pub(super) owed: Vec<Owed>,
}

/// Drains one page. After an error nothing of it was sent or woken.
pub(super) async fn drain<S: JobStore, Q: Queues, C: Clock>(
    part: &DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<Drained, PortError> {
    let mut report = DrainReport::default();
    let mut rows = read_rows(part, spec, dispatch.store, &mut report).await?;
    if is_put_off(part) {
        return put_off(rows, report, part, dispatch).await;
    }
    let next = rows.next.take();
    let (mut sent, mut hopeless, mut attempts) = (0, 0, 0);
    let (owed, error) = loop {
        let ready = sift(rows.found, rows.unread.len(), part, &mut report);
        let (sending, of) = (ready.len() as u64, ready.len() + rows.unread.len());
        let refused = send(ready, part, spec, dispatch).await;
        sent += sending - refused.hopeless - refused.owed.len() as u64;
        hopeless += refused.hopeless;
        let owed = [rows.unread, refused.owed].concat();
        attempts += 1;
        if !sending::goes_on(attempts, owed.len(), of) {
            break (owed, refused.error.or(rows.error));
        }
        report.uncount(owed.len(), &part.part);
        rows = read_named(owed, dispatch.store, &mut report).await;
    };
    if let (0, Some(error)) = (sent + hopeless, error) {
        return Err(error);
    }
    report.sent(sent, part.part.missed(), late_minutes(part));
    let of = owed.len();
    let next_minute = soonest_wake(dispatch.clock.now()).max(part.minute.plus(1));
    let owed = wake(owed, part.minute, next_minute, dispatch.store).await;
    report.uncount(owed.len(), &part.part);
    report.refused += ((of - owed.len()) as u64 + hopeless) * part.part.due_minutes();
    Ok(Drained { report, next, owed })
}

/// Wakes the jobs of a page in the minute of their turn.
async fn put_off<S: JobStore, Q, C: Clock>(
    rows: Rows,
    mut report: DrainReport,
    part: &DrainMessage,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<Drained, PortError> {
    let ready = sift(rows.found, rows.unread.len(), part, &mut report);
    let mut jobs = rows.unread;
    jobs.extend(ready.iter().map(owed));
    let of = jobs.len();
    let at = part.minute.max(soonest_wake(dispatch.clock.now()));
    let owed = wake(jobs, part.minute.minus(part.wait), at, dispatch.store).await;
    if of > 0 && owed.len() == of {
        return Err(PortError::new("putting off a page of jobs", Retry::Transient, "none could be woken"));
    }
    report.uncount(owed.len(), &part.part);
    report.left += (of - owed.len()) as u64 * part.part.due_minutes();
    Ok(Drained { report, next: rows.next, owed })
}

/// Wakes jobs in a minute, except those whose cohort comes round by then, counted from the minute after `from`. Gives back
/// those that may not be woken.
async fn wake<S: JobStore>(owed: Vec<Owed>, from: EpochMinute, at: EpochMinute, store: &S) -> Vec<Owed> {
    let comes_by_itself =
        |owed: &Owed| owed.place.cohort().is_some_and(|cohort| cohort.next_due(from.plus(1)) <= at);
    let wakes = owed.into_iter().filter(|owed| !comes_by_itself(owed));
    let wakes = wakes.map(|Owed { job, place }| WakeUp { minute: at, job, place }).collect();
    let left = sending::wake(wakes, store).await;
    left.into_iter().map(|WakeUp { job, place, .. }| Owed { job, place }).collect()
}

/// The rows to be sent. Counts them, those that are not, and those that could not be read.
fn sift(mut rows: Vec<JobRow>, unread: usize, part: &DrainMessage, report: &mut DrainReport) -> Vec<JobRow> {
    let minutes = part.part.due_minutes();
    if let Part::Wakes { .. } = part.part {
        // A job whose own cohort is due in the same window is left to it.
        let window = Window::new(Some(part.after), part.minute);
        let woken = rows.len();
        rows.retain(|row| {
            !row.place.cohort().is_some_and(|cohort| window.is_some_and(|window| window.covers(cohort)))
        });
        report.covered_wakes += (woken - rows.len()) as u64;
        report.woken += (rows.len() + unread) as u64;
    }
    let read = rows.len();
    report.due += (read + unread) as u64 * minutes;
    if let Part::Left { .. } = part.part {
        report.left += read as u64 * minutes;
        rows.clear();
    } else {
        rows.retain(|row| !row.is_held(part.minute));
        report.held += (read - rows.len()) as u64 * minutes;
    }
    rows
}

/// Minutes from the first due minute that a partition's copies answer for to the one in which they are sent.
fn late_minutes(part: &DrainMessage) -> u32 {
    part.minute.since(part.part.first_due())
}

/// What of a page the queue did not take.
#[derive(Default)]
struct Refused {
    /// To be tried again.
    owed: Vec<Owed>,
    /// How many it will never take as they are: they are left to their next turn.
    hopeless: u64,
    /// One of the reasons.
    error: Option<PortError>,
}

async fn send<S, Q: Queues, C>(
    rows: Vec<JobRow>,
    part: &DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Refused {
    let mut refused = Refused::default();
    if rows.is_empty() {
        return refused;
    }
    let (due, missed) = (part.part.due(), part.part.missed());
    let jobs: Vec<Owed> = rows.iter().map(owed).collect();
    let message = |row| poll_message(row, (due, missed), part.hop, Price::USUAL, spec);
    let messages = rows.into_iter().map(message).collect();
    let answers = dispatch.queues.send(&QueueName::Jobs(spec.id.clone()), messages).await;
    for (job, answer) in jobs.into_iter().zip(sending::answers(answers)) {
        let Err(error) = answer else { continue };
        match error.retry {
            Retry::Never => refused.hopeless += 1,
            Retry::Throttled | Retry::Transient => refused.owed.push(job),
        }
        refused.error = Some(error);
    }
    refused
}

fn owed(row: &JobRow) -> Owed {
    Owed { job: row.job.clone(), place: row.place }
}

pub(super) fn poll_message(
    row: JobRow,
    (due, missed): (EpochMinute, u32),
    hops: u8,
    price: Price,
    spec: &JobTypeSpec,
) -> Outgoing {
    let spread = spec.leaves_after_seconds(&row, due);
    let body = PollMessage { due, missed, spread, hop: hops + 1, price, row }.encode();
    Outgoing { body, delay_seconds: spread }
}

/// Rows as they were read, those on hold included.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) found: Vec<JobRow>,
    /// Jobs whose rows could not be read.
    pub(super) unread: Vec<Owed>,
    /// One of the reasons.
    pub(super) error: Option<PortError>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

/// A page of the rows of a partition: of wake-ups, wherever they are now.
pub(super) async fn read_rows<S: JobStore>(
    part: &DrainMessage,
    spec: &JobTypeSpec,
    store: &S,
    report: &mut DrainReport,
) -> Result<Rows, PortError> {
    if !part.only.is_empty() {
        return Ok(read_named(part.only.clone(), store, report).await);
    }
    match part.part {
        Part::Cohort { cohort, .. } | Part::Left { cohort, .. } => {
            let page = store.read_cohort(&spec.id, cohort, part.from.as_deref(), PAGE_ROWS).await?;
            report.unreadable += u64::from(page.unreadable);
            Ok(Rows { found: page.items, next: page.next, ..Rows::default() })
        }
        Part::Wakes { minute, shard } => {
            let page = store.read_wakes(&spec.id, minute, shard, part.from.as_deref(), PAGE_ROWS).await?;
            report.unreadable += u64::from(page.unreadable);
            let woken = page.items.into_iter().map(|WakeUp { job, place, .. }| Owed { job, place }).collect();
            Ok(Rows { next: page.next, ..read_named(woken, store, report).await })
        }
    }
}

/// The rows of single jobs, wherever they are now.
async fn read_named<S: JobStore>(jobs: Vec<Owed>, store: &S, report: &mut DrainReport) -> Rows {
    let found = |owed: Owed| async { (find(store, &owed).await, owed) };
    let mut reads = stream::iter(jobs.into_iter().map(found)).buffer_unordered(READS_IN_FLIGHT);
    let mut rows = Rows::default();
    while let Some((read, owed)) = reads.next().await {
        match read {
            Ok(Some(row)) => rows.found.push(row),
            Ok(None) => report.stale_wakes += 1,
            Err(error) => {
                rows.unread.push(owed);
                rows.error = Some(error);
            }
        }
    }
    rows
}

/// A job's row, unless it is parked or gone. It may have moved since it was named.
async fn find<S: JobStore>(store: &S, owed: &Owed) -> Result<Option<JobRow>, PortError> {
    if let Some(row) = store.read_row(&owed.job, owed.place).await? {
        return Ok(row.place.cohort().map(|_| row));
    }
    let Some(registration) = store.locate(&owed.job).await? else { return Ok(None) };
    match registration.place.cohort() {
        Some(_) => store.read_row(&owed.job, registration.place).await,
        None => Ok(None),
    }
}
