//! The completion pass: what each finished poll means for its row, decided by [`decide`] and applied.
//!
//! It never sends to a job queue: a follow-up is a wake-up in the wheel. A completion applies on the revision that was
//! dispatched or, when that is gone, on the fresh row while its context is still the one that was polled from. A
//! completion that comes twice, or too late, is a counted no-op.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::batch::{BatchResult, Record};
use crate::decide::{Decision, Finished, Step, decide};
use crate::event::Event;
use crate::message::{Completed, CompletedMessage, Message, PollMessage};
use crate::outcome::{Hints, Outcome};
use crate::policy::{Catalog, JobTypeSpec};
use crate::ports::{Applied, Bus, Change, ControlStore, JobStore, PortError};
use crate::row::{JobRow, WakeUp};
use crate::throttle::ThrottleScope;
use crate::time::Timestamp;

/// Attempts at a row that keeps changing under a completion. Each lost race means that someone else succeeded.
const MAX_ATTEMPTS: u32 = 4;
/// Lost races settled at once.
const SETTLED_AT_ONCE: usize = 16;

/// What the completion pass works with.
#[derive(Debug)]
pub struct Completion<'a, S, B> {
    /// Every job type of this deployment.
    pub catalog: &'a Catalog,
    /// Rows, wake-ups, throttles.
    pub store: &'a S,
    /// Where notices go.
    pub bus: &'a B,
    /// The deployment's seed of jitter.
    pub seed: u64,
}

/// What a batch of completions came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionReport {
    /// Records in the batch.
    pub records: u64,
    /// Finished polls in them that are done with.
    pub completed: u64,
    /// Records that could not be read. They are kept.
    pub unreadable: u64,
    /// Polls that changed nothing, and cost no write.
    pub stayed: u64,
    /// Rows updated in place.
    pub updated: u64,
    /// Rows moved to another cadence.
    pub moved: u64,
    /// Rows parked.
    pub parked: u64,
    /// Rows put on hold, among those updated and moved.
    pub held: u64,
    /// Wake-ups set.
    pub woken: u64,
    /// Completions that came a second time.
    pub repeated: u64,
    /// Completions of a state that is no longer there.
    pub stale: u64,
    /// Completions of jobs that are parked or unregistered by now.
    pub departed: u64,
    /// Completions applied after a lost race.
    pub rebased: u64,
    /// Completions that could not be applied: their records come back.
    pub failed: u64,
    /// Finished polls by outcome: the ones of a dead-letter queue count as `crashed`.
    pub outcomes: BTreeMap<&'static str, u64>,
}

/// Applies the finished polls of a batch from the completed queue.
pub async fn complete<S, B>(
    now: Timestamp,
    records: &[Record],
    completion: &Completion<'_, S, B>,
) -> (BatchResult, CompletionReport)
where
    S: JobStore + ControlStore,
    B: Bus,
{
    let read = |record: &Record| CompletedMessage::decode(&record.body).map(|message| message.polls);
    run(now, records, completion, read).await
}

/// Takes the jobs that come back from a dead-letter queue: each ended its worker too often, and is held or quarantined.
/// A record that cannot be read stays in the dead-letter queue, for a build that can.
pub async fn bury<S, B>(
    now: Timestamp,
    records: &[Record],
    completion: &Completion<'_, S, B>,
) -> (BatchResult, CompletionReport)
where
    S: JobStore + ControlStore,
    B: Bus,
{
    let read = |record: &Record| {
        let PollMessage { due, price, row, .. } = PollMessage::decode(&record.body)?;
        let (outcome, hints) = (Outcome::Crashed, Hints::default());
        Ok(vec![Completed { due, at: now, price, row, outcome, hints }])
    };
    run(now, records, completion, read).await
}

/// A finished poll on its way through the pass.
struct Work<'r> {
    record: &'r Record,
    poll: Completed,
    decision: Decision,
}

/// How one completion ended.
enum End {
    Applied,
    Repeated,
    Stale,
    Departed,
    Failed(PortError),
}

async fn run<S, B>(
    now: Timestamp,
    records: &[Record],
    completion: &Completion<'_, S, B>,
    read: impl Fn(&Record) -> Result<Vec<Completed>, crate::message::MessageError>,
) -> (BatchResult, CompletionReport)
where
    S: JobStore + ControlStore,
    B: Bus,
{
    let mut result = BatchResult::default();
    let mut report = CompletionReport { records: records.len() as u64, ..CompletionReport::default() };
    let mut works = Vec::with_capacity(records.len());
    for record in records {
        match read(record)
            .map_err(|error| error.to_string())
            .and_then(|polls| decided(now, record, polls, completion))
        {
            Ok(decided) => works.extend(decided),
            Err(reason) => {
                report.unreadable += 1;
                result.fail(record, reason);
            }
        }
    }
    // The most urgent first: a spent limit stops the scheduler and the workers.
    if let Err(error) = throttle(&works, completion.store).await {
        report.failed += works.len() as u64;
        fail_all(&works, &mut result, &error);
        return (result, report);
    }
    apply(now, works, completion, &mut result, &mut report).await;
    (result, report)
}

fn fail_all(works: &[Work<'_>], result: &mut BatchResult, error: &PortError) {
    for work in works {
        fail_once(result, work.record, &error.chain());
    }
}

/// A record with several polls is failed once; polls of it that were applied are repeats when it comes back.
fn fail_once(result: &mut BatchResult, record: &Record, reason: &str) {
    if result.failed.iter().all(|failure| failure.id != record.id) {
        result.fail(record, reason);
    }
}

fn decided<'r, S, B>(
    now: Timestamp,
    record: &'r Record,
    polls: Vec<Completed>,
    completion: &Completion<'_, S, B>,
) -> Result<Vec<Work<'r>>, String> {
    let decide_one = |poll: Completed| {
        let spec = spec(&poll.row, completion.catalog)?;
        let decision = decide(now, &poll.row, &Finished::of(&poll), spec, completion.seed);
        Ok(Work { record, poll, decision })
    };
    polls.into_iter().map(decide_one).collect()
}

fn spec<'c>(row: &JobRow, catalog: &'c Catalog) -> Result<&'c JobTypeSpec, String> {
    let job_type = &row.job.job_type;
    catalog.get(job_type).ok_or_else(|| format!("no channel declares the job type `{job_type}`"))
}

async fn throttle<S: ControlStore>(works: &[Work<'_>], store: &S) -> Result<(), PortError> {
    let mut throttles = BTreeMap::<&ThrottleScope, Timestamp>::new();
    for throttle in works.iter().flat_map(|work| &work.decision.throttles) {
        let until = throttles.entry(&throttle.scope).or_insert(throttle.until);
        *until = throttle.until.max(*until);
    }
    for (scope, until) in throttles {
        store.throttle(scope, until).await?;
    }
    Ok(())
}

/// Applies every decision in one call, then settles the lost races one by one.
async fn apply<S: JobStore, B: Bus>(
    now: Timestamp,
    works: Vec<Work<'_>>,
    completion: &Completion<'_, S, B>,
    result: &mut BatchResult,
    report: &mut CompletionReport,
) {
    let mut changes = Vec::new();
    for work in &works {
        changes.extend(changes_of(&work.poll.row, &work.decision));
    }
    let mut answers =
        if changes.is_empty() { Vec::new() } else { completion.store.apply(changes).await }.into_iter();

    let mut settled = Vec::new();
    for work in works {
        // Almost every poll of a day: nothing was asked of the store, so there is nothing to settle.
        if matches!(work.decision.step, Step::Stay) && work.decision.wake.is_none() {
            report.completed += 1;
            *report.outcomes.entry(work.poll.outcome.name()).or_default() += 1;
            report.count(&work.decision);
            continue;
        }
        let answer = answer_of(&work.decision, &mut answers);
        settled.push(settle(now, work, answer, completion));
    }
    let mut settled = stream::iter(settled).buffered(SETTLED_AT_ONCE);
    while let Some((work, end, attempts)) = settled.next().await {
        if !matches!(end, End::Failed(_)) {
            report.completed += 1;
            *report.outcomes.entry(work.poll.outcome.name()).or_default() += 1;
        }
        match end {
            End::Applied => {
                report.rebased += u64::from(attempts > 1);
                report.count(&work.decision);
            }
            End::Repeated => report.repeated += 1,
            End::Stale => report.stale += 1,
            End::Departed => report.departed += 1,
            End::Failed(error) => {
                report.failed += 1;
                fail_once(result, work.record, &error.chain());
            }
        }
    }
}

impl CompletionReport {
    fn count(&mut self, decision: &Decision) {
        self.woken += u64::from(decision.wake.is_some());
        match &decision.step {
            Step::Stay => self.stayed += 1,
            Step::Update(_) => self.updated += 1,
            Step::Move(_) => self.moved += 1,
            Step::Park(_) => self.parked += 1,
        }
        self.held += u64::from(decision.terms.hold.is_some());
    }
}

/// The wake-up first: one that is set for nothing does no harm, one that is missing leaves the job to its phase.
fn changes_of(row: &JobRow, decision: &Decision) -> impl Iterator<Item = Change> {
    let expected = row.rev;
    let (place, change) = match &decision.step {
        Step::Stay => (row.place, None),
        Step::Update(next) => (next.place, Some(Change::Update { row: next.clone(), expected })),
        Step::Move(next) | Step::Park(next) => {
            (next.place, Some(Change::Move { row: next.clone(), from: row.place, expected }))
        }
    };
    let wake = decision.wake.map(|minute| Change::Wake(WakeUp { minute, job: row.job.clone(), place }));
    wake.into_iter().chain(change)
}

/// The answer to a decision's changes: the row's, unless its wake-up failed. A missing answer is a failure.
fn answer_of(
    decision: &Decision,
    answers: &mut impl Iterator<Item = Result<Applied, PortError>>,
) -> Result<Applied, PortError> {
    let mut next = || {
        answers.next().unwrap_or_else(|| {
            Err(PortError::new(
                "applying a completion",
                crate::ports::Retry::Transient,
                "it was not answered for",
            ))
        })
    };
    let wake = decision.wake.map(|_| next());
    let change = match decision.step {
        Step::Stay => Ok(Applied::Done),
        Step::Update(_) | Step::Move(_) | Step::Park(_) => next(),
    };
    match (wake, change) {
        (Some(Err(error)), Ok(_)) => Err(error),
        (_, change) => change,
    }
}

/// Follows one completion to its end: a conflict is either a repeat, a late-comer, or a change by someone else under
/// which the completion still holds.
async fn settle<'r, S: JobStore, B: Bus>(
    now: Timestamp,
    mut work: Work<'r>,
    mut answer: Result<Applied, PortError>,
    completion: &Completion<'_, S, B>,
) -> (Work<'r>, End, u32) {
    for attempt in 1..=MAX_ATTEMPTS {
        let there = match answer {
            Ok(Applied::Done) => {
                let end = notify(now, &work, &work.poll.row, completion.bus).await.err();
                return (work, end.map_or(End::Applied, End::Failed), attempt);
            }
            Ok(Applied::Conflict(row)) => row,
            Err(error) => return (work, End::Failed(error), attempt),
        };
        let fresh = match fresh_row(there, &work.poll.row, completion.store).await {
            Ok(Some(fresh)) => fresh,
            Ok(None) => return (work, End::Departed, attempt),
            Err(error) => return (work, End::Failed(error), attempt),
        };
        if let Some(end) = no_op(&fresh, &work.poll) {
            // The first time, the row may have been written and the wake-up not.
            if let (End::Repeated, Some(minute)) = (&end, work.decision.wake) {
                let wake = Change::Wake(WakeUp { minute, job: fresh.job.clone(), place: fresh.place });
                if let Some(Err(error)) = completion.store.apply(vec![wake]).await.pop() {
                    return (work, End::Failed(error), attempt);
                }
            }
            // The write may be ours, and the answer or the notice lost: the notice's id makes saying it twice harmless.
            let own_parking = matches!(end, End::Repeated) && fresh.parked.is_some();
            let said = if own_parking { notify(now, &work, &fresh, completion.bus).await } else { Ok(()) };
            return (work, said.err().map_or(end, End::Failed), attempt);
        }
        let Ok(spec) = spec(&fresh, completion.catalog) else { return (work, End::Departed, attempt) };
        work.decision = decide(now, &fresh, &Finished::of(&work.poll), spec, completion.seed);
        let changes: Vec<Change> = changes_of(&fresh, &work.decision).collect();
        let mut answers =
            if changes.is_empty() { Vec::new() } else { completion.store.apply(changes).await }.into_iter();
        answer = answer_of(&work.decision, &mut answers);
    }
    let busy =
        PortError::new("applying a completion", crate::ports::Retry::Transient, "the row keeps changing");
    (work, End::Failed(busy), MAX_ATTEMPTS)
}

/// The row as it is now: the one that stood in the way, or wherever the registration says it has gone.
async fn fresh_row<S: JobStore>(
    there: Option<Box<JobRow>>,
    polled: &JobRow,
    store: &S,
) -> Result<Option<JobRow>, PortError> {
    if let Some(row) = there {
        return Ok(Some(*row));
    }
    match store.locate(&polled.job).await? {
        Some(registration) => store.read_row(&polled.job, registration.place).await,
        None => Ok(None),
    }
}

/// Whether a completion has nothing to say about the row as it is now.
fn no_op(fresh: &JobRow, poll: &Completed) -> Option<End> {
    if fresh.applied == Some(poll.due) {
        return Some(End::Repeated);
    }
    if fresh.parked.is_some() {
        return Some(End::Departed);
    }
    // Crashes of dispatches that were on their way when the first of them came back are one incident.
    let same_incident = poll.outcome == Outcome::Crashed && fresh.crashes != poll.row.crashes;
    let overtaken = fresh.applied.is_some_and(|applied| applied > poll.due);
    let other_context = fresh.context_rev != poll.row.context_rev;
    (same_incident || overtaken || other_context).then_some(End::Stale)
}

/// Publishes the notice of a parking, after it is durable.
async fn notify<B: Bus>(now: Timestamp, work: &Work<'_>, row: &JobRow, bus: &B) -> Result<(), PortError> {
    let Some(reason) = work.decision.notice else { return Ok(()) };
    let event = Event::of_parking(row, reason, work.poll.due, now);
    let mut answers = bus.publish(vec![event]).await;
    match answers.pop() {
        Some(answer) => answer,
        None => Err(PortError::new(
            "publishing a notice",
            crate::ports::Retry::Transient,
            "it was not answered for",
        )),
    }
}
