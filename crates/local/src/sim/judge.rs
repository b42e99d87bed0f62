//! The checker's verdict: what was lost, what came unexpectedly, how much came twice, and which rules were broken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use hdrhistogram::Histogram;
use pollwheel_core::id::JobId;
use pollwheel_core::meter::Metered;
use pollwheel_core::ports::QueueName;
use pollwheel_core::row::JobRow;
use pollwheel_core::spread::Lateness;
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::bus::SeenBus;
use super::kind::FaultKind;
use super::limits::Violations;
use super::notebook::Notebook;
use super::pool::Pool;
use super::run::Setup;
use super::source::Source;
use super::surroundings::GRACE_MINUTES;
use crate::engine::Totals;
use crate::memory::MemoryStore;
use crate::queue::{LocalQueues, QueueId};
use crate::store::StoreStats;

/// Most queue hops from one tick: half of what Lambda allows.
pub(super) const MAX_HOPS: u8 = 8;
/// Items of a page: bursts of more take a minute a page.
const PAGE: u32 = 40;

/// Lost items and broken rules that are shown of a seed.
const SHOWN: usize = 5;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The seed of the run.
    pub seed: u64,
    /// Polls made.
    pub polls: u64,
    /// Events of items that the bus took, repeats included.
    pub events: u64,
    /// Notices that somebody must act.
    pub notices: u64,
    /// Items that were posted, are due or were passed over, and were never published: some of them by name.
    pub lost: Vec<String>,
    /// Events that no posted item explains.
    pub unexpected: u64,
    /// Publications of an item after the first.
    pub duplicated: u64,
    /// Polls and messages that failed and were made up for: failed polls, returned messages, jobs unparked.
    pub recovered: u64,
    /// Calls past the third party's limits.
    pub violations: Violations,
    /// Most queue hops from one tick.
    pub max_hops: u8,
    /// Rules that were broken, in words, each with its case.
    pub broken: BTreeSet<String>,
    /// Writes to the store, registrations at the start not counted.
    pub writes: u64,
    /// Faults injected, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// A hash over every event of the run, in order, with its time.
    pub log_hash: u64,
    /// Jobs dispatched in each minute that had any.
    pub dispatched_by_minute: BTreeMap<EpochMinute, u64>,
    /// How late polls began, in milliseconds.
    pub lateness: Option<Histogram<u64>>,
    /// How late they began, in seconds, by job type and service level.
    pub lateness_by_level: Lateness,
    /// From an item's creation to its publication, in milliseconds.
    pub freshness: Option<Histogram<u64>>,
    /// What the ports would have cost on AWS, in its billing units.
    pub usage: Metered,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty()
            && self.unexpected == 0
            && self.broken.is_empty()
            && self.violations == Violations::default()
            && self.max_hops <= MAX_HOPS
    }

    /// What is wrong, in lines for people: a few of a kind, the rest is like them.
    #[must_use]
    pub fn findings(&self) -> String {
        let mut lines = vec![format!("seed {} failed:", self.seed)];
        lines.extend(self.lost.iter().take(SHOWN).map(|item| format!("  lost: item {item}")));
        if self.lost.len() > SHOWN {
            lines.push(format!("  lost: {} more", self.lost.len() - SHOWN));
        }
        if self.unexpected > 0 {
            lines.push(format!("  unexpected: {} events", self.unexpected));
        }
        let violations = self.violations.fixed + self.violations.sliding;
        if violations > 0 {
            let first = self
                .violations
                .first
                .as_ref()
                .map_or_else(String::new, |first| format!(", first by {first}"));
            lines.push(format!("  limits: {violations} calls past them{first}"));
        }
        if self.max_hops > MAX_HOPS {
            lines.push(format!("  r19: {} hops from one tick, at most {MAX_HOPS}", self.max_hops));
        }
        lines.extend(self.broken.iter().take(SHOWN).map(|rule| format!("  {rule}")));
        lines.join("\n") + "\n"
    }
}

/// What the checker judges.
pub(super) struct Judged<'a, W> {
    pub(super) setup: &'a Setup,
    pub(super) seed: u64,
    pub(super) jobs: &'a [JobId],
    /// How far the limit that some jobs share stretched their cadences in the second phase.
    pub(super) stretched_thousandths: u32,
    pub(super) store: &'a MemoryStore,
    pub(super) registered: StoreStats,
    pub(super) queues: &'a LocalQueues,
    pub(super) world: &'a W,
    pub(super) bus: &'a SeenBus<'a, W>,
    pub(super) notebook: &'a Notebook,
    pub(super) totals: &'a Totals,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) unparked: u64,
    pub(super) littered: &'a [QueueName],
    pub(super) now: Timestamp,
}

pub(super) fn judge<W: Source>(judged: &Judged<'_, W>) -> Verdict {
    let totals = judged.totals;
    let (lost, matched) = items(judged);
    look_at_rows(judged.jobs, judged.store, judged.notebook);
    // What is lost was accepted first.
    let accepted = judged.notebook.accepted() + judged.faults.get("lost").copied().unwrap_or_default();
    if totals.dispatched > accepted {
        judged
            .notebook
            .broke(format!("r04: {} messages count as sent, {accepted} were accepted", totals.dispatched));
    }
    litter(judged);
    let taken = judged.bus.taken();
    let failures = ["crashed", "server_error", "timeout", "network", "bad_response", "bus_refused", "gone"];
    let failed: u64 = failures.iter().map(|name| totals.outcome(name)).sum();
    Verdict {
        seed: judged.seed,
        polls: totals.polled,
        events: judged.bus.events(),
        notices: judged.bus.notices(),
        lost,
        unexpected: (taken.len() as u64).saturating_sub(matched),
        duplicated: taken.values().map(|&times| u64::from(times.saturating_sub(1))).sum(),
        recovered: failed + totals.messages_failed + judged.unparked,
        violations: judged.world.violations(),
        max_hops: judged.notebook.max_hops(),
        broken: judged.notebook.broken(),
        writes: writes(judged.store.stats()) - writes(judged.registered),
        faults: judged.faults.clone(),
        log_hash: judged.notebook.hash(),
        dispatched_by_minute: judged.notebook.dispatched_by_minute(),
        lateness: totals.lateness().cloned(),
        lateness_by_level: totals.lateness_by_level.clone(),
        usage: totals.usage,
        freshness: judged.bus.freshness(),
    }
}

const fn writes(stats: StoreStats) -> u64 {
    stats.row_writes
        + stats.registration_writes
        + stats.wake_writes
        + stats.cursor_writes
        + stats.control_writes
}

/// Items that are lost, and how many of the published ones were posted.
fn items<W: Source>(judged: &Judged<'_, W>) -> (Vec<String>, u64) {
    let taken = judged.bus.taken();
    let mut rows: HashMap<JobId, JobRow> = HashMap::new();
    if judged.world.has_news() {
        judged.store.each_row(|row| drop(rows.insert(row.job.clone(), row.clone())));
    }
    let (mut lost, mut matched) = (Vec::new(), 0);
    for job in judged.jobs {
        let posted = judged.world.posted(job, judged.now);
        if posted.is_empty() {
            continue;
        }
        let row = rows.get(job);
        let passed = row.map(|row| judged.world.passed(row)).unwrap_or_default();
        let (from, due) = (judged.world.owed_from(job), due_by(judged, row));
        for (index, item) in (1_u64..).zip(&posted) {
            if taken.contains_key(&item.event) {
                matched += 1;
            } else if index <= passed || (item.at > from && item.at <= due) {
                lost.push(format!("{} of {job}", item.item));
            }
        }
    }
    (lost, matched)
}

/// By when an item must have been posted to be due at the end: two cadences before it, and what a burst takes. A job on
/// hold owes what was posted before its hold began to matter.
fn due_by<W>(judged: &Judged<'_, W>, row: Option<&JobRow>) -> Timestamp {
    let cadence =
        row.and_then(|row| row.place.cohort()).map_or(60, |cohort| u32::from(cohort.cadence.minutes()));
    let is_stretched = row.is_some_and(|row| Pool::has(&row.job));
    let thousandths = if is_stretched { judged.stretched_thousandths.max(1000) } else { 1000 };
    let cadence = (cadence * thousandths).div_ceil(1000);
    let burst = 400_u32.max(judged.setup.scenario.burst_items).div_ceil(PAGE);
    let minutes = 2 * cadence + GRACE_MINUTES + burst;
    let end = judged.now.minute();
    let recently_held = row.and_then(|row| row.hold).is_some_and(|hold| hold.until.plus(minutes) > end);
    let is_parked = row.is_some_and(|row| row.parked.is_some());
    let wait = Duration::from_secs(u64::from(minutes) * 60);
    let by = Timestamp::from_millis(
        judged.now.millis().saturating_sub(u64::try_from(wait.as_millis()).unwrap_or(0)),
    );
    if recently_held || is_parked { Timestamp::from_millis(0) } else { by }
}

/// Exactly one row a job: no move and no dispatch leaves more or fewer.
pub(super) fn look_at_rows(jobs: &[JobId], store: &MemoryStore, notebook: &Notebook) {
    let mut found: HashMap<JobId, u32> = HashMap::with_capacity(jobs.len());
    store.each_row(|row| *found.entry(row.job.clone()).or_default() += 1);
    for job in jobs {
        match found.get(job).copied().unwrap_or_default() {
            0 => notebook.broke(format!("r10: the row of {job} is gone")),
            1 => {}
            more => notebook.broke(format!("r06: {job} has {more} rows")),
        }
    }
}

/// Messages that nobody can read are kept, unless a queue was purged or lost them.
fn litter<W>(judged: &Judged<'_, W>) {
    let faults = &judged.setup.faults;
    if faults.has(FaultKind::Purges)
        || faults.has(FaultKind::LostMessages)
        || faults.has(FaultKind::MappingsOff)
    {
        return;
    }
    let mut littered: BTreeMap<&QueueName, u64> = BTreeMap::new();
    for queue in judged.littered {
        *littered.entry(queue).or_default() += 1;
    }
    for (queue, times) in littered {
        let kept = [QueueId::Live(queue.clone()), QueueId::DeadLetters(queue.clone())]
            .map(|queue| judged.queues.depth(&queue))
            .iter()
            .map(|depth| depth.visible + depth.delayed + depth.in_flight)
            .sum::<u64>();
        if kept < times {
            judged.notebook.broke(format!("r12: {kept} of {times} messages that cannot be read were kept"));
        }
    }
}
