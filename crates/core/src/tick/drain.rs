//! Draining partitions, page by page, each to its end, or handed on to another invocation.

use futures_util::StreamExt;
use futures_util::stream;

use super::catch_up::{delayed, is_put_off};
use super::page::{self, Drained};
use super::report::DrainReport;
use super::{Dispatch, PARTITIONS_IN_FLIGHT, sending};
use crate::batch::{BatchResult, Record};
use crate::message::{DrainMessage, Message, Owed};
use crate::policy::JobTypeSpec;
use crate::ports::{Clock, JobStore, QueueName, Queues};

/// Jobs that one message names: a quarter of what a queue takes, with the longest names there may be.
const MOST_NAMED: usize = 50;
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
        let (report, left) = if message.wait > 0 && !is_put_off(&message) {
            (DrainReport::default(), vec![message])
        } else {
            drain_one(message, spec, dispatch).await
        };
        total += report;
        if !left.is_empty() {
            hand_on(record, left, dispatch, &mut result).await;
        }
    }
    (result, total)
}

/// What is left of a partition goes to another invocation, up to a number of hops. Past it, or when it cannot be handed
/// on, the record itself comes back: nothing of the partition is dropped.
async fn hand_on<S, Q: Queues, C>(
    record: &Record,
    left: Vec<DrainMessage>,
    dispatch: &Dispatch<'_, S, Q, C>,
    result: &mut BatchResult,
) {
    let mut rest = Vec::new();
    for mut message in left {
        message.hop += 1;
        if message.hop > MAX_DRAIN_HOPS {
            let job_type = message.job_type;
            return result.fail(
                record,
                format!(
                    "a partition of `{job_type}` was not drained within {MAX_DRAIN_HOPS} invocations: if no call failed, give it more shards"
                ),
            );
        }
        rest.push(delayed(message));
    }
    if !sending::send(&QueueName::Drains, rest, dispatch.queues).await.is_empty() {
        result.fail(record, "the rest of a partition could not be handed on".to_owned());
    }
}

async fn drain_one<S: JobStore, Q: Queues, C: Clock>(
    mut part: DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> (DrainReport, Vec<DrainMessage>) {
    let (mut report, mut left) = (DrainReport::default(), Vec::new());
    loop {
        if dispatch.clock.now() >= dispatch.deadline {
            report.undrained += 1;
            left.push(part);
            return (report, left);
        }
        match page::drain(&part, spec, dispatch).await {
            Ok(Drained { report: page, next, owed }) => {
                report += page;
                report.undrained += u64::from(!owed.is_empty());
                left.extend(owed.chunks(MOST_NAMED).map(|owed| only(&part, owed)));
                let Some(next) = next else {
                    report.partitions += 1;
                    return (report, left);
                };
                part.from = Some(next);
            }
            Err(_) => {
                report.undrained += 1;
                report.failed += 1;
                left.push(part);
                return (report, left);
            }
        }
    }
}

/// The message for some of a partition's jobs.
fn only(part: &DrainMessage, owed: &[Owed]) -> DrainMessage {
    DrainMessage { from: None, only: owed.to_vec(), ..part.clone() }
}
