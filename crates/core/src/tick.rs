//! The tick pass: which partitions are due in (cursor, minute], and copies of their rows into the job queues.
//!
//! It reads and sends; what it writes is the cursor, after everything before it is durably enqueued, and for job types that
//! share limits wake-ups for what did not fit. Two
//! ticks at once do no harm: both send, one moves the cursor, and the second completion of a job is fenced off.

mod catch_up;
mod drain;
mod limits;
mod order;
#[cfg(test)]
mod order_tests;
mod paced;

use futures_util::future::{join, join_all};

use crate::cadence::Cadence;
use crate::id::JobTypeId;
use crate::message::Part;
use crate::policy::{Catalog, JobTypeSpec};
use crate::ports::{Clock, ControlStore, JobStore, Outgoing, PortError, QueueName, Queues};
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::{Cohort, Window};
use catch_up::Paced;
pub use drain::{DrainReport, drain_messages};

/// Above this many partitions the tick fans out through the drains queue: about what one invocation reads in a second.
pub const FAN_OUT_ABOVE_PARTITIONS: usize = 256;
/// Rows of one page: about 400 KB, two sends of 64 batches.
pub const PAGE_ROWS: usize = 1000;
/// Of a shared limit's allowance, what turns are planned with: the rest is for further pages.
pub const PLANNED_PERCENT: u64 = 90;
/// Partitions drained at once.
pub const PARTITIONS_IN_FLIGHT: usize = 16;

/// Times that a tick tries to hand a partition out.
const HAND_OUT_ATTEMPTS: u32 = 3;

/// What a dispatching pass works with.
#[derive(Debug)]
pub struct Dispatch<'a, S, Q, C> {
    /// Every job type of this deployment.
    pub catalog: &'a Catalog,
    /// Rows, wake-ups, cursors.
    pub store: &'a S,
    /// Where the copies go.
    pub queues: &'a Q,
    /// Tells when the deadline has come.
    pub clock: &'a C,
    /// A partition that is not drained by then is continued in another invocation.
    pub deadline: Timestamp,
    /// Partitions above which the tick fans out; usually [`FAN_OUT_ABOVE_PARTITIONS`].
    pub fan_out_above: usize,
}

/// Why a job type was not dispatched. Its cursor stays, so its next window covers the minute, each job once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// The tick was a repeat: the minute is done.
    Repeated,
    /// Paused by an operator.
    Paused,
    /// The application-wide limit of the channel is spent.
    Throttled,
    /// The job queue holds more than the job type's limit.
    Backlogged,
}

/// What became of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CursorMove {
    /// The minute is done.
    Moved,
    /// Another tick moved it first.
    Lost,
    /// Something is not durably enqueued: the next tick covers it again.
    Kept,
}

/// What a tick did for one job type.
#[derive(Debug)]
pub struct JobTypeTick {
    /// Which.
    pub job_type: JobTypeId,
    /// Minutes of the window: 1 for a punctual tick, 0 when skipped.
    pub window_minutes: u32,
    /// What was dispatched here.
    pub drained: DrainReport,
    /// Partitions handed to other invocations, those of the next line included.
    pub fanned_out: u64,
    /// Partitions of earlier minutes that wait for their turn in the catch-up.
    pub paced: u64,
    /// Partitions of earlier minutes that are left to their next due minute, which comes sooner.
    pub left: u64,
    /// How it ended.
    pub end: TickEnd,
}

impl JobTypeTick {
    fn new(spec: &JobTypeSpec) -> Self {
        Self {
            job_type: spec.id.clone(),
            window_minutes: 0,
            drained: DrainReport::default(),
            fanned_out: 0,
            paced: 0,
            left: 0,
            end: TickEnd::Skipped(Skip::Repeated),
        }
    }
}

/// How a tick ended for one job type.
#[derive(Debug)]
pub enum TickEnd {
    /// Nothing was dispatched, for a reason.
    Skipped(Skip),
    /// Dispatched.
    Dispatched(CursorMove),
    /// The store or the queue failed; the cursor stays.
    Failed(PortError),
}

/// Runs one tick for every job type at once: a crowded one does not delay the others.
pub async fn tick<S, Q, C>(minute: EpochMinute, dispatch: &Dispatch<'_, S, Q, C>) -> Vec<JobTypeTick>
where
    S: JobStore + ControlStore,
    Q: Queues,
    C: Clock,
{
    let (paced, free): (Vec<_>, Vec<_>) = dispatch.catalog.iter().partition(|spec| spec.is_paced());
    // The job types of a channel stand together in the catalog.
    let groups = paced.chunk_by(|one, other| one.id.channel() == other.id.channel());
    let (paced, free) = join(
        join_all(groups.map(|specs| paced::tick(minute, specs, dispatch))),
        join_all(free.into_iter().map(|spec| tick_job_type(minute, spec, dispatch))),
    )
    .await;
    paced.into_iter().flatten().chain(free).collect()
}

async fn tick_job_type<S, Q, C>(
    minute: EpochMinute,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> JobTypeTick
where
    S: JobStore + ControlStore,
    Q: Queues,
    C: Clock,
{
    let mut report = JobTypeTick::new(spec);
    report.end = match enter(minute, spec, dispatch).await {
        Ok(Entry::Skip(skip)) => TickEnd::Skipped(skip),
        Ok(Entry::Open { cursor, window }) => {
            report.window_minutes = window.minutes();
            match send_window(window, spec, dispatch, &mut report).await {
                Enqueued::All => match dispatch.store.move_cursor(&spec.id, cursor, minute).await {
                    Ok(true) => TickEnd::Dispatched(CursorMove::Moved),
                    Ok(false) => TickEnd::Dispatched(CursorMove::Lost),
                    Err(error) => TickEnd::Failed(error),
                },
                Enqueued::InPart => TickEnd::Dispatched(CursorMove::Kept),
            }
        }
        Err(error) => TickEnd::Failed(error),
    };
    report
}

enum Entry {
    Skip(Skip),
    Open { cursor: Option<EpochMinute>, window: Window },
}

/// Whether everything of a window is durably enqueued.
enum Enqueued {
    All,
    InPart,
}

async fn enter<S: ControlStore, Q: Queues, C>(
    minute: EpochMinute,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<Entry, PortError> {
    let gate = dispatch.store.gate(&spec.id).await?;
    let Some(window) = Window::new(gate.cursor, minute) else { return Ok(Entry::Skip(Skip::Repeated)) };
    if gate.paused {
        return Ok(Entry::Skip(Skip::Paused));
    }
    if gate.throttled_until.is_some_and(|until| minute.start() < until) {
        return Ok(Entry::Skip(Skip::Throttled));
    }
    if dispatch.queues.backlog(&QueueName::Jobs(spec.id.clone())).await? > spec.backlog_limit {
        return Ok(Entry::Skip(Skip::Backlogged));
    }
    Ok(Entry::Open { cursor: gate.cursor, window })
}

/// Drains the window's partitions here, or hands them out when they are many. A partition that fails here is handed out
/// too, so that one throttled key range does not hold up the minute.
async fn send_window<S: JobStore, Q: Queues, C: Clock>(
    window: Window,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
    report: &mut JobTypeTick,
) -> Enqueued {
    let Paced { now, later, left } = catch_up::paced(window, spec);
    (report.paced, report.left) = (later.len() as u64, left);
    let mut handed_out = if now.len() > dispatch.fan_out_above {
        now
    } else {
        let (drained, undrained) = drain::drain(now, spec, dispatch).await;
        report.drained = drained;
        undrained
    };
    handed_out.extend(later);
    let mut outgoing: Vec<Outgoing> = handed_out.into_iter().map(catch_up::delayed).collect();
    // A late tick hands out hundreds: one that is refused must not have all of them sent again a minute later.
    for _ in 0..HAND_OUT_ATTEMPTS {
        if outgoing.is_empty() {
            break;
        }
        let mut answers = dispatch.queues.send(&QueueName::Drains, outgoing.clone()).await.into_iter();
        let handed = outgoing.len();
        outgoing.retain(|_| !matches!(answers.next(), Some(Ok(()))));
        report.fanned_out += (handed - outgoing.len()) as u64;
    }
    if outgoing.is_empty() { Enqueued::All } else { Enqueued::InPart }
}

/// Every partition with work in a window: bounded by the sum of the cadences and 60 minutes of wake-ups, times shards.
fn partitions(window: Window, spec: &JobTypeSpec) -> impl Iterator<Item = Part> {
    let shards = spec.shards.get();
    let cohorts = Cadence::ALL.into_iter().flat_map(move |cadence| {
        window.due(cadence).flat_map(move |due| {
            (0..shards).map(move |shard| Part::Cohort {
                cohort: Cohort { cadence, phase: due.phase, shard },
                due: due.minute,
                missed: due.missed,
            })
        })
    });
    let wakes = window
        .wake_minutes()
        .flat_map(move |minute| (0..shards).map(move |shard| Part::Wakes { minute, shard }));
    cohorts.chain(wakes)
}
