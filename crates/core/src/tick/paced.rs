//! The tick of job types that share limits: together, because they take from the same units.
//!
//! What is due is read whole, put in order, and dispatched as far as the minute's allowance goes. What did not fit gets a
//! wake-up for the next minute before the cursor moves. Where more is due for long than fits, each job is dispatched in
//! some of its turns only, the same share for every account that asks for the same ([`order`]).

mod member;

use std::collections::{BTreeMap, btree_map};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use super::catch_up::{self, drain_message};
use super::limits::Limits;
use super::order::{self, Candidate};
use super::page;
use super::report::DrainReport;
use super::{Dispatch, JobTypeTick, PARTITIONS_IN_FLIGHT, TickEnd, partitions};
use crate::budget::{Pace, PaceKey};
use crate::decide::soonest_wake;
use crate::id::JobId;
use crate::message::{DrainMessage, Part};
use crate::policy::JobTypeSpec;
use crate::ports::{Clock, ControlStore, JobStore, PortError, Queues, Retry};
use crate::row::{JobRow, WakeUp};
use crate::time::EpochMinute;
use crate::wheel::Window;
use member::{Member, Sending, member};

/// Wake-ups that one minute may leave to the next: so many minutes' allowances, and some. What is beyond waits for its own
/// next turn, so that a surge costs few writes.
const WAKES_OF_ALLOWANCES: u64 = 4;
const WAKES_AT_LEAST: u64 = 64;

/// Ticks the job types of one channel that are paced.
pub(super) async fn tick<S, Q, C>(
    minute: EpochMinute,
    specs: &[&JobTypeSpec],
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Vec<JobTypeTick>
where
    S: JobStore + ControlStore,
    Q: Queues,
    C: Clock,
{
    let mut members = join_all(specs.iter().map(|spec| member(minute, spec, dispatch))).await;
    let mut candidates = Vec::new();
    for (index, member) in members.iter_mut().enumerate() {
        let Some((_, window)) = member.open else { continue };
        match collect(index, window, member, dispatch).await {
            Ok(found) => candidates.extend(found),
            Err(error) => member.end(TickEnd::Failed(error)),
        }
    }
    let mut limits = Limits::default();
    for candidate in &mut candidates {
        let spec = members[candidate.member].spec;
        candidate.costs = limits.costs(spec, &candidate.row, minute);
    }
    match read_paces(minute, &members, &mut limits, &candidates, dispatch).await {
        Ok(()) => {
            let parts = divide(minute, &mut members, candidates, &mut limits);
            send(minute, &mut members, parts, &limits, dispatch).await;
        }
        Err(error) => {
            // One error, and as many job types that it left undone.
            let reason = error.chain();
            for member in members.iter_mut().filter(|member| member.open.is_some()) {
                let error =
                    PortError::new("reading how far limits are overdrawn", Retry::Transient, &*reason);
                member.end(TickEnd::Failed(error));
            }
        }
    }
    for member in &mut members {
        member.move_cursor(minute, dispatch).await;
    }
    members.into_iter().map(|member| member.report).collect()
}

/// Everything of a job type that could be dispatched: held rows are not, and a job that is due twice is once.
async fn collect<S: JobStore, Q, C: Clock>(
    index: usize,
    window: Window,
    member: &mut Member<'_>,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<Vec<Candidate>, PortError> {
    let spec = member.spec;
    let parts = partitions(window, spec).map(|part| drain_message(window, spec, part, 0));
    let mut reads = stream::iter(parts.map(|part| read_part(part, spec, dispatch)))
        .buffer_unordered(PARTITIONS_IN_FLIGHT);
    let mut found = BTreeMap::<JobId, Candidate>::new();
    while let Some(read) = reads.next().await {
        let (part, rows, report) = read?;
        member.report.drained += report;
        let (due, missed) = (part.due(), part.missed());
        let is_woken = matches!(part, Part::Wakes { .. });
        let wait = catch_up::wait_minutes(window, &part);
        for row in rows {
            let costs = Vec::new();
            let candidate = Candidate { member: index, row, due, missed, is_woken, wait, costs };
            match found.entry(candidate.row.job.clone()) {
                btree_map::Entry::Vacant(place) => drop(place.insert(candidate)),
                btree_map::Entry::Occupied(mut place) => {
                    // Two wake-ups, or one and the job's own turn, are one dispatch.
                    let drained = &mut member.report.drained;
                    drained.covered_wakes += 1;
                    (drained.due, drained.woken) = (drained.due - 1, drained.woken - 1);
                    place.get_mut().join(candidate);
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The rows of a partition that are not held. One that cannot be read to its end leaves the minute to the next tick.
async fn read_part<S: JobStore, Q, C: Clock>(
    mut message: DrainMessage,
    spec: &JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<(Part, Vec<JobRow>, DrainReport), PortError> {
    let mut report = DrainReport::default();
    let mut rows = Vec::new();
    loop {
        if dispatch.clock.now() >= dispatch.deadline {
            return Err(PortError::new("reading what is due", Retry::Transient, "there was no time left"));
        }
        // Nobody else could be handed a partition that fails: it is asked for once more before the minute is given up.
        let (page, next) = match read_page(&message, spec, dispatch.store, &mut report).await {
            Ok(read) => read,
            Err(_) => read_page(&message, spec, dispatch.store, &mut report).await?,
        };
        let minutes = u64::from(message.part.missed()) + 1;
        let (read, before) = (page.len(), rows.len());
        rows.extend(page.into_iter().filter(|row| !row.is_held(message.minute)));
        report.due += read as u64 * minutes;
        report.held += (read + before - rows.len()) as u64 * minutes;
        if let Part::Wakes { .. } = message.part {
            report.woken += read as u64;
        }
        match next {
            Some(_) => message.from = next,
            None => break,
        }
    }
    report.partitions = 1;
    Ok((message.part, rows, report))
}

/// Every row of a page, or none.
async fn read_page<S: JobStore>(
    message: &DrainMessage,
    spec: &JobTypeSpec,
    store: &S,
    report: &mut DrainReport,
) -> Result<(Vec<JobRow>, Option<String>), PortError> {
    let mut counted = DrainReport::default();
    let page::Rows { found, error, next, .. } = page::read_rows(message, spec, store, &mut counted).await?;
    match error {
        Some(error) => Err(error),
        None => {
            *report += counted;
            Ok((found, next))
        }
    }
}

/// What is known of the limits, brought up to date by what is due in an ordinary minute.
async fn read_paces<S: ControlStore, Q, C>(
    minute: EpochMinute,
    members: &[Member<'_>],
    limits: &mut Limits,
    candidates: &[Candidate],
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Result<(), PortError> {
    if limits.all.is_empty() {
        return Ok(());
    }
    let is_ordinary = members.iter().all(Member::is_ordinary);
    let keys: Vec<PaceKey> = limits.all.iter().map(|limit| limit.key.clone()).collect();
    let known = match dispatch.store.paces(&keys).await {
        Ok(known) => known,
        Err(_) => dispatch.store.paces(&keys).await?,
    };
    for (place, (limit, pace)) in limits.all.iter_mut().zip(known).enumerate() {
        limit.pace = pace;
        if pace.at == Some(minute) {
            continue;
        }
        let next = if is_ordinary {
            let minutes = pace.at.map_or(1, |at| minute.since(at));
            let demand = limit.demand(order::units_due(place, candidates));
            let turns = order::turns_needed(place, limit.planned_millionths, candidates);
            Pace { price_millionths: pace.price_after(minutes, demand), ..pace.after(minute, turns) }
        } else {
            pace.unjudged(minute)
        };
        let is_as_known = next.is_idle() && pace.is_idle() && next.price_millionths == pace.price_millionths;
        // A limit that is never overdrawn costs no write. What cannot be kept is found out again in the next minute.
        if !is_as_known {
            let _known_later = dispatch.store.set_pace(&limit.key, next).await;
        }
        limit.pace = next;
    }
    Ok(())
}

/// What becomes of the candidates.
struct Parts {
    go: Vec<Candidate>,
    /// Those that did not fit.
    wake: Vec<Candidate>,
    /// Those of earlier minutes, whose turn in the catch-up is in so many minutes.
    later: Vec<(u32, Candidate)>,
}

fn divide(
    minute: EpochMinute,
    members: &mut [Member<'_>],
    candidates: Vec<Candidate>,
    limits: &mut Limits,
) -> Parts {
    let specs: Vec<&JobTypeSpec> = members.iter().map(|member| member.spec).collect();
    let allowance: u64 = limits.all.iter().map(|limit| limit.allowance).sum();
    let (candidates, later) = in_turn(members, candidates, limits, allowance);
    let (turns, put_off) = order::turns(candidates, limits);
    for candidate in put_off {
        members[candidate.member].report.drained.stretched += candidate.due_minutes();
    }
    let mut parts = Parts { go: Vec::new(), wake: Vec::new(), later };
    for candidate in order::in_order(turns, &specs, minute) {
        if limits.take(&candidate.costs) {
            parts.go.push(candidate);
        } else {
            members[candidate.member].report.drained.over_budget += candidate.due_minutes();
            parts.wake.push(candidate);
        }
    }
    let most = allowance.saturating_mul(WAKES_OF_ALLOWANCES).max(WAKES_AT_LEAST);
    parts.wake.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    parts
}

/// Those of this minute, and those of a late window whose turn in the catch-up is yet to come. As with other job types it
/// brings one phase a minute more than on an ordinary day, and leaves a phase to its own turn when that is nearer. So it is
/// with everything where more is due than fits: there is no room to make up for anything.
fn in_turn(
    members: &mut [Member<'_>],
    candidates: Vec<Candidate>,
    limits: &Limits,
    allowance: u64,
) -> (Vec<Candidate>, Vec<(u32, Candidate)>) {
    let is_overdrawn = |one: &Candidate| one.costs.iter().any(|&(limit, _)| !limits.pace(limit).is_idle());
    let most = allowance.saturating_mul(u64::from(catch_up::LONGEST_MINUTES)).max(WAKES_AT_LEAST);
    let (mut now, mut later) = (Vec::new(), Vec::new());
    for candidate in candidates {
        if candidate.wait == Some(0) {
            now.push(candidate);
            continue;
        }
        members[candidate.member].report.drained.left += candidate.due_minutes();
        if let Some(wait) = candidate.wait.filter(|_| candidate.is_woken || !is_overdrawn(&candidate)) {
            later.push((wait, candidate));
        }
    }
    later.sort_by_key(|(wait, _)| *wait);
    later.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    (now, later)
}

/// Sends what goes and wakes what does not, job type by job type: one whose queue or partition fails keeps its cursor.
async fn send<S, Q, C>(
    minute: EpochMinute,
    members: &mut [Member<'_>],
    parts: Parts,
    limits: &Limits,
    dispatch: &Dispatch<'_, S, Q, C>,
) where
    S: JobStore,
    Q: Queues,
    C: Clock,
{
    let next = soonest_wake(dispatch.clock.now()).max(minute.plus(1));
    let mut copies: Vec<Vec<Sending>> = members.iter().map(|_| Vec::new()).collect();
    let mut wakes: Vec<Vec<WakeUp>> = members.iter().map(|_| Vec::new()).collect();
    // A cohort that comes round by then brings the job itself.
    let wake = |at, row: &JobRow| {
        let wakes = row.next_due(minute.plus(1)).is_none_or(|due| due > at);
        wakes.then(|| WakeUp { minute: at, job: row.job.clone(), place: row.place })
    };
    for Candidate { member, row, due, missed, costs, .. } in parts.go {
        let late_minutes = minute.since(row.first_due(due, missed));
        let (wake, price) = (wake(next, &row), limits.price(&costs));
        let message = page::poll_message(row, (due, missed), 1, price, members[member].spec);
        copies[member].push(Sending { message, missed, late_minutes, wake });
    }
    let later = parts.later.into_iter().map(|(wait, candidate)| (minute.plus(wait).max(next), candidate));
    for (at, Candidate { member, row, .. }) in parts.wake.into_iter().map(|one| (next, one)).chain(later) {
        wakes[member].extend(wake(at, &row));
    }
    for ((member, copies), wakes) in members.iter_mut().zip(copies).zip(wakes) {
        if member.open.is_some() {
            member.send(copies, wakes, dispatch).await;
        }
    }
}
