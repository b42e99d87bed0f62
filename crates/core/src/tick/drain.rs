//! Draining partitions: pages of rows, held ones skipped, copies sent.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream;

use super::catch_up::delayed;
use super::report::DrainReport;
use super::{Dispatch, PAGE_ROWS, PARTITIONS_IN_FLIGHT};
use crate::activity::Price;
use crate::batch::{BatchResult, Record};
use crate::id::JobId;
use crate::message::{DrainMessage, Message, Part, PollMessage};
use crate::policy::JobTypeSpec;
use crate::ports::{Clock, JobStore, Outgoing, PortError, QueueName, Queues, Retry};
use crate::row::{JobRow, WakeUp};
use crate::time::EpochMinute;
use crate::wheel::Window;

/// Rows of woken jobs read at once.
const READS_IN_FLIGHT: usize = 64;
/// Times that a page's messages are sent whatever comes of it.
const SEND_ATTEMPTS: u32 = 3;
/// Times that they are sent while most of them are accepted each time.
const MOST_SEND_ATTEMPTS: u32 = 6;
/// Invocations that may continue one another on a partition: leaves hops for worker and completion.
const MAX_DRAIN_HOPS: u8 = 5;

/// Drains partitions, several at once. Gives back those that are not drained to their end, each with where to go on.
pub(super) async fn drain<S: JobStore, Q: Queues, C: Clock>(
    parts: Vec<DrainMessage>,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> (DrainReport, Vec<DrainMessage>) {
    let mut drains = stream::iter(parts.into_iter().map(|part| drain_one(part, spec, dispatch)))
        .buffer_unordered(PARTITIONS_IN_FLIGHT);
    let (mut total, mut left) = (DrainReport::default(), Vec::new());
    while let Some((report, rest)) = drains.next().await {
        total += report;
        left.extend(rest);
    }
    (total, left)
}

/// The handler of the drains queue: each message is a partition.
pub async fn drain_messages<S: JobStore, Q: Queues, C: Clock>(
    records: &[Record],
    dispatch: &Dispatch<'_, S, Q, C>,
) -> (BatchResult, DrainReport) {
    let mut result = BatchResult::default();
    let mut total = DrainReport::default();
    for record in records {
        let message = match DrainMessage::decode(&record.body) {
            Ok(message) => message,
            Err(error) => {
                result.fail(record, error.to_string());
                continue;
            }
        };
        let Some(spec) = dispatch.catalog.get(&message.job_type) else {
            result.fail(record, format!("no channel declares the job type `{}`", message.job_type));
            continue;
        };
        let (report, left) = if message.wait > 0 {
            (DrainReport::default(), Some(message))
        } else {
            drain_one(message, spec, dispatch).await
        };
        total += report;
        if let Some(rest) = left {
            hand_on(record, rest, dispatch, &mut result).await;
        }
    }
    (result, total)
}

/// What is left of a partition goes to another invocation, up to a number of hops. Past it, or when it cannot be handed
/// on, the record itself comes back: nothing of the partition is dropped.
async fn hand_on<S, Q: Queues, C>(
    record: &Record,
    mut rest: DrainMessage,
    dispatch: &Dispatch<'_, S, Q, C>,
    result: &mut BatchResult,
) {
    rest.hop += 1;
    if rest.hop > MAX_DRAIN_HOPS {
        result.fail(
            record,
            format!(
                "a partition of `{}` was not drained within {MAX_DRAIN_HOPS} invocations: if no call failed, give it more shards",
                rest.job_type
            ),
        );
        return;
    }
    let sent = dispatch.queues.send(&QueueName::Drains, vec![delayed(rest)]).await;
    if !matches!(sent.as_slice(), [Ok(())]) {
        result.fail(record, "the rest of a partition could not be handed on".to_owned());
    }
}

async fn drain_one<S: JobStore, Q: Queues, C: Clock>(
    mut part: DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> (DrainReport, Option<DrainMessage>) {
    let mut report = DrainReport::default();
    loop {
        if dispatch.clock.now() >= dispatch.deadline {
            report.undrained += 1;
            return (report, Some(part));
        }
        match drain_page(&part, spec, dispatch).await {
            Ok((page, next)) => {
                report += page;
                let Some(next) = next else {
                    report.partitions += 1;
                    return (report, None);
                };
                part.from = Some(next);
            }
            Err(_) => {
                report.undrained += 1;
                report.failed += 1;
                return (report, Some(part));
            }
        }
    }
}

/// One page: an error leaves the page to be drained again as a whole. Rows whose messages alone were refused are read and
/// sent again here, because the whole page again would be a thousand polls for the sake of one.
async fn drain_page<S: JobStore, Q: Queues, C>(
    part: &DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<(DrainReport, Option<String>), PortError> {
    let Page { mut ready, mut report, next } = read_page(part, spec, dispatch).await?;
    let mut sent = 0;
    for attempt in 1.. {
        let sending = ready.len();
        let refused = send_page(ready, part, spec, dispatch).await;
        sent += (sending - refused.jobs.len()) as u64;
        match refused.error {
            None => break,
            Some(error) if error.retry == Retry::Never || attempt >= MOST_SEND_ATTEMPTS => return Err(error),
            Some(error) if attempt >= SEND_ATTEMPTS && refused.jobs.len() * 2 > sending => return Err(error),
            Some(_) => {}
        }
        ready = read_page(part, spec, dispatch).await?.ready;
        ready.retain(|row| refused.jobs.contains(&row.job));
    }
    report.sent(sent, part.part.missed(), late_minutes(part));
    Ok((report, next))
}

/// A page of a partition: the rows to be sent, what was counted of the others, and where the next page begins.
struct Page {
    ready: Vec<JobRow>,
    report: DrainReport,
    next: Option<String>,
}

async fn read_page<S: JobStore, Q, C>(
    part: &DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<Page, PortError> {
    let mut report = DrainReport::default();
    let (mut ready, next) = read_rows(part, spec, dispatch.store, &mut report).await?;
    if let Part::Wakes { .. } = part.part {
        // A job whose own cohort is due in the same window is left to it.
        let window = Window::new(Some(part.after), part.minute);
        let woken = ready.len();
        ready.retain(|row| {
            !row.place.cohort().is_some_and(|cohort| window.is_some_and(|window| window.covers(cohort)))
        });
        report.covered_wakes += (woken - ready.len()) as u64;
        report.woken = ready.len() as u64;
    }
    let minutes = u64::from(part.part.missed()) + 1;
    let rows = ready.len() as u64;
    report.due = rows * minutes;
    if let Part::Left { .. } = part.part {
        report.left = report.due;
        ready.clear();
    } else {
        ready.retain(|row| !row.is_held(part.minute));
        report.held = (rows - ready.len() as u64) * minutes;
    }
    Ok(Page { ready, report, next })
}

/// Minutes from the first due minute that a partition's copies answer for to the one in which they are sent.
fn late_minutes(part: &DrainMessage) -> u32 {
    part.minute.since(part.part.first_due())
}

/// The jobs of a page that were not durably enqueued, and one of the reasons.
#[derive(Default)]
struct Refused {
    jobs: BTreeSet<JobId>,
    error: Option<PortError>,
}

async fn send_page<S, Q: Queues, C>(
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
    let jobs: Vec<JobId> = rows.iter().map(|row| row.job.clone()).collect();
    let message = |row| poll_message(row, (due, missed), part.hop, Price::USUAL, spec);
    let messages = rows.into_iter().map(message).collect();
    let mut answers = dispatch.queues.send(&QueueName::Jobs(spec.id.clone()), messages).await.into_iter();
    for job in jobs {
        let error = match answers.next() {
            Some(Ok(())) => continue,
            Some(Err(error)) => error,
            None => {
                PortError::new("sending a page of jobs", Retry::Transient, "a message was not answered for")
            }
        };
        refused.jobs.insert(job);
        refused.error = Some(error);
    }
    refused
}

pub(super) fn confirm(expected: usize, sent: Vec<Result<(), PortError>>) -> Result<(), PortError> {
    let answered = sent.len();
    sent.into_iter().collect::<Result<(), _>>()?;
    if answered == expected {
        Ok(())
    } else {
        let reason = format!("{answered} of {expected} messages were answered for");
        Err(PortError::new("sending a page of jobs", crate::ports::Retry::Transient, reason))
    }
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

/// A page of the rows of a partition, held ones included: of wake-ups, wherever they are now.
pub(super) async fn read_rows<S: JobStore>(
    part: &DrainMessage,
    spec: &JobTypeSpec,
    store: &S,
    report: &mut DrainReport,
) -> Result<(Vec<JobRow>, Option<String>), PortError> {
    match part.part {
        Part::Cohort { cohort, .. } | Part::Left { cohort, .. } => {
            let page = store.read_cohort(&spec.id, cohort, part.from.as_deref(), PAGE_ROWS).await?;
            report.unreadable += u64::from(page.unreadable);
            Ok((page.items, page.next))
        }
        Part::Wakes { minute, shard } => {
            let page = store.read_wakes(&spec.id, minute, shard, part.from.as_deref(), PAGE_ROWS).await?;
            report.unreadable += u64::from(page.unreadable);
            Ok((woken(page.items, store, report).await?, page.next))
        }
    }
}

/// The rows of wake-ups, wherever they are now.
async fn woken<S: JobStore>(
    wakes: Vec<WakeUp>,
    store: &S,
    report: &mut DrainReport,
) -> Result<Vec<JobRow>, PortError> {
    let mut found =
        stream::iter(wakes.into_iter().map(|wake| find(store, wake))).buffer_unordered(READS_IN_FLIGHT);
    let mut rows = Vec::new();
    while let Some(row) = found.next().await {
        match row? {
            Some(row) => rows.push(row),
            None => report.stale_wakes += 1,
        }
    }
    Ok(rows)
}

/// A woken job's row, unless it is parked or gone. It may have moved since the wake-up was set.
async fn find<S: JobStore>(store: &S, wake: WakeUp) -> Result<Option<JobRow>, PortError> {
    if let Some(row) = store.read_row(&wake.job, wake.place).await? {
        return Ok(row.place.cohort().map(|_| row));
    }
    let Some(registration) = store.locate(&wake.job).await? else { return Ok(None) };
    match registration.place.cohort() {
        Some(_) => store.read_row(&wake.job, registration.place).await,
        None => Ok(None),
    }
}
