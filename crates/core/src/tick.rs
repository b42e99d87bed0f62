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
mod page;
mod report;
mod sending;

use futures_util::future::{join, join_all};

use crate::cadence::Cadence;
use crate::id::JobTypeId;
use crate::message::{DrainMessage, Part};
use crate::policy::{Catalog, JobTypeSpec};
use crate::ports::{Clock, ControlStore, JobStore, Outgoing, PortError, QueueName, Queues};
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::{Cohort, Window};
use catch_up::Paced;
pub use drain::drain_messages;
pub use report::DrainReport;

/// Above this many partitions the tick fans out through the drains queue: about what one invocation reads in a second.
pub const FAN_OUT_ABOVE_PARTITIONS: usize = 256;
/// Rows of one page: about 400 KB, two sends of 64 batches.
pub const PAGE_ROWS: usize = 1000;
/// Of a shared limit's allowance, what turns are planned with: the rest is for further pages.
pub const PLANNED_PERCENT: u64 = 90;
/// Partitions drained at once.
pub const PARTITIONS_IN_FLIGHT: usize = 16;

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
    /// Partitions of earlier minutes that wait for their turn in the catch-up. What they hold is counted when they are drained.
    pub paced_partitions: u64,
    /// Partitions of earlier minutes that are left to their next due minute, which comes sooner. What they hold is counted
    /// by those who drain them.
    pub left_partitions: u64,
    /// Of these, those that could not be handed to anybody: nobody counts what they hold.
    pub uncounted_partitions: u64,
    /// Minutes up to the tick's that are not durably enqueued when it ends: by so many the job type is late. 0: none.
    pub behind_minutes: u32,
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
            paced_partitions: 0,
            left_partitions: 0,
            uncounted_partitions: 0,
            behind_minutes: 0,
            end: TickEnd::Skipped(Skip::Repeated),
        }
    }

    /// Ends the tick. Where nobody knows how far the cursor is behind, the minute itself is not done at least.
    fn end_with(&mut self, end: TickEnd) {
        self.behind_minutes = match &end {
            TickEnd::Skipped(Skip::Repeated) | TickEnd::Dispatched(CursorMove::Moved | CursorMove::Lost) => 0,
            TickEnd::Skipped(Skip::Paused | Skip::Throttled | Skip::Backlogged)
            | TickEnd::Dispatched(CursorMove::Kept)
            | TickEnd::Failed(_) => self.behind_minutes.max(1),
        };
        self.end = end;
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
    let end = match enter(minute, spec, dispatch).await {
        Ok(Entry::Repeated) => TickEnd::Skipped(Skip::Repeated),
        Ok(Entry::Skip(skip, window)) => {
            report.behind_minutes = window.minutes();
            TickEnd::Skipped(skip)
        }
        Ok(Entry::Open { cursor, window }) => {
            report.window_minutes = window.minutes();
            report.behind_minutes = window.minutes();
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
    report.end_with(end);
    report
}

enum Entry {
    /// The minute is done.
    Repeated,
    /// Nothing of the window is dispatched now.
    Skip(Skip, Window),
    Open {
        cursor: Option<EpochMinute>,
        window: Window,
    },
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
    let Some(window) = Window::new(gate.cursor, minute) else { return Ok(Entry::Repeated) };
    if gate.paused {
        return Ok(Entry::Skip(Skip::Paused, window));
    }
    if gate.throttled_until.is_some_and(|until| minute.start() < until) {
        return Ok(Entry::Skip(Skip::Throttled, window));
    }
    if dispatch.queues.backlog(&QueueName::Jobs(spec.id.clone())).await? > spec.backlog_limit {
        return Ok(Entry::Skip(Skip::Backlogged, window));
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
    (report.paced_partitions, report.left_partitions) = (later.len() as u64, left.len() as u64);
    let mut handed_out = if now.len() > dispatch.fan_out_above {
        now
    } else {
        let (drained, undrained) = drain::drain(now, spec, dispatch).await;
        report.drained = drained;
        undrained
    };
    handed_out.extend(later);
    let expected = handed_out.len() as u64;
    report.fanned_out = hand_out(handed_out, dispatch.queues).await;
    if report.fanned_out < expected {
        return Enqueued::InPart;
    }
    // Only to be counted: nothing is owed by them, so the cursor does not wait for them.
    report.uncounted_partitions = report.left_partitions - hand_out(left, dispatch.queues).await;
    Enqueued::All
}

/// Hands partitions to other invocations. Tells how many were durably enqueued.
async fn hand_out<Q: Queues>(partitions: Vec<DrainMessage>, queues: &Q) -> u64 {
    // A late tick hands out hundreds: one that is refused must not have all of them sent again a minute later.
    let outgoing: Vec<Outgoing> = partitions.into_iter().map(catch_up::delayed).collect();
    let expected = outgoing.len();
    let refused = sending::send(&QueueName::Drains, outgoing, queues).await;
    (expected - refused.len()) as u64
}

/// Every partition with work in a window: bounded by the sum of the cadences and a day of wake-ups, times shards.
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
