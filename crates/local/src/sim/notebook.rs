//! What the checker writes down while a run goes on: rules that were broken, hops, outcomes, and a hash of every event.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use pollwheel_core::cadence::Cadence;
use pollwheel_core::hash::mix;
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::message::PollMessage;
use pollwheel_core::policy::Catalog;
use pollwheel_core::row::{Place, Revision};
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::glance::shown;

/// Rules of which the text is kept; more of them say nothing new.
const MAX_BROKEN: usize = 40;

/// How closely messages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Every message.
    All,
    /// Those of one job in sixty-four: a day of a million jobs has a hundred million messages.
    Sampled,
}

/// Whether each due minute must be dispatched exactly once: where nothing makes a dispatch repeat itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exactness {
    /// Once.
    Once,
    /// At least once.
    AtLeastOnce,
}

/// The last dispatch of a job.
#[derive(Debug, Clone, Copy)]
struct Dispatched {
    place: Place,
    rev: Revision,
    due: EpochMinute,
}

/// The notebook of a run.
#[derive(Debug)]
pub(super) struct Notebook {
    pub(super) detail: Detail,
    exactness: Exactness,
    hash: Cell<u64>,
    broken: RefCell<BTreeSet<String>>,
    max_hops: Cell<u8>,
    accepted: Cell<u64>,
    /// Job messages accepted, by minute.
    per_minute: RefCell<BTreeMap<EpochMinute, u64>>,
    dispatched: RefCell<HashMap<JobId, Dispatched>>,
    /// Windows of more than a minute: after the first, up to the second.
    late_ticks: RefCell<Vec<(EpochMinute, EpochMinute)>>,
    /// The last wake-up of a job that was dispatched after a late tick.
    woken: RefCell<HashMap<JobId, EpochMinute>>,
    /// By a job's text.
    outcomes: RefCell<HashMap<Box<str>, Timestamp>>,
    contexts: RefCell<BTreeMap<JobId, u64>>,
    /// Above which backlog a job type is not dispatched.
    backlog_limits: BTreeMap<JobTypeId, u64>,
    /// The last tick that saw more, and must not send.
    closed: RefCell<BTreeMap<JobTypeId, u64>>,
}

impl Notebook {
    pub(super) fn new(seed: u64, detail: Detail, exactness: Exactness, catalog: &Catalog) -> Self {
        let limits = catalog.iter().map(|spec| (spec.id.clone(), spec.backlog_limit));
        Self {
            detail,
            exactness,
            hash: Cell::new(mix(seed, 0)),
            broken: RefCell::default(),
            max_hops: Cell::new(0),
            accepted: Cell::new(0),
            per_minute: RefCell::default(),
            dispatched: RefCell::default(),
            late_ticks: RefCell::default(),
            woken: RefCell::default(),
            outcomes: RefCell::default(),
            contexts: RefCell::default(),
            backlog_limits: limits.collect(),
            closed: RefCell::default(),
        }
    }

    /// Writes an event into the log's hash: what kind, what, and when.
    pub(super) fn log(&self, now: Timestamp, kind: u64, what: u128) {
        let [low, high] =
            [what & u128::from(u64::MAX), what >> 64].map(|half| u64::try_from(half).unwrap_or(0));
        self.hash.set(mix(mix(self.hash.get() ^ low, high ^ kind << 56), now.millis()));
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash.get()
    }

    pub(super) fn broke(&self, rule: impl Into<String>) {
        let mut broken = self.broken.borrow_mut();
        if broken.len() < MAX_BROKEN {
            broken.insert(rule.into());
        }
    }

    pub(super) fn broken(&self) -> BTreeSet<String> {
        self.broken.borrow().clone()
    }

    pub(super) fn hop(&self, hop: u8) {
        self.max_hops.set(self.max_hops.get().max(hop));
    }

    pub(super) const fn max_hops(&self) -> u8 {
        self.max_hops.get()
    }

    /// Job messages that a queue accepted.
    pub(super) const fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// So many are accepted, in this minute.
    pub(super) fn accept(&self, messages: u64, minute: EpochMinute) {
        self.accepted.set(self.accepted.get() + messages);
        *self.per_minute.borrow_mut().entry(minute).or_default() += messages;
    }

    /// Job messages accepted in each minute that had any.
    pub(super) fn dispatched_by_minute(&self) -> BTreeMap<EpochMinute, u64> {
        self.per_minute.borrow().clone()
    }

    /// Whether dispatches are looked at: where each due minute must come exactly once.
    pub(super) fn wants_dispatches(&self) -> bool {
        self.exactness == Exactness::Once
    }

    /// A job's copy is accepted. Two of a job that did not change meanwhile answer for its due minutes without a gap.
    pub(super) fn dispatch(&self, message: &PollMessage) {
        let row = &message.row;
        let Some(cohort) = row.place.cohort() else { return };
        // Wake-ups come at any minute, and what is on hold is left out.
        if cohort.cadence.phase_of(message.due) != cohort.phase || row.is_held(message.due) {
            if !self.late_ticks.borrow().is_empty() {
                self.woken.borrow_mut().insert(row.job.clone(), message.due);
            }
            return;
        }
        let now = Dispatched { place: row.place, rev: row.rev, due: message.due };
        let before = self.dispatched.borrow_mut().insert(row.job.clone(), now);
        let Some(before) = before.filter(|before| (before.place, before.rev) == (now.place, now.rev)) else {
            return;
        };
        let cadence = u32::from(cohort.cadence.minutes());
        let first = message.due.minus(message.missed.saturating_mul(cadence));
        let expected = before.due.plus(cadence);
        if first < expected {
            self.broke(format!("r01: {first} of {} was dispatched twice", row.job));
        } else if first > expected && !self.was_left(&row.job, expected, first, cohort.cadence) {
            self.broke(format!("r02: {expected} of {} was never dispatched", row.job));
        }
    }

    /// A tick, by its invocation's number, was told how many messages wait for the workers of a job type.
    pub(super) fn saw_backlog(&self, tick: u64, job_type: &JobTypeId, backlog: u64) {
        if self.backlog_limits.get(job_type).is_some_and(|&limit| backlog > limit) {
            self.closed.borrow_mut().insert(job_type.clone(), tick);
        }
    }

    /// A tick sends jobs of a job type.
    pub(super) fn ticks_into(&self, tick: u64, job_type: &JobTypeId) {
        if self.closed.borrow().get(job_type) == Some(&tick) {
            self.broke(format!(
                "r11: a tick saw that the backlog of {job_type} was past its limit, and sent more"
            ));
        }
    }

    /// A tick answered for the minutes after `from` up to its own.
    pub(super) fn ticked(&self, from: EpochMinute, to: EpochMinute) {
        if to.since(from) > 1 {
            self.late_ticks.borrow_mut().push((from, to));
        }
    }

    /// Whether every due minute from one to before another was left to the next by a late tick, because that came sooner
    /// than its turn in the catch-up, or was made up for by a wake-up.
    fn was_left(&self, job: &JobId, from: EpochMinute, before: EpochMinute, cadence: Cadence) -> bool {
        let every = u32::from(cadence.minutes());
        let late = self.late_ticks.borrow();
        let woken = self.woken.borrow().get(job).copied();
        (0..before.since(from).div_ceil(every)).map(|number| from.plus(number * every)).all(|due| {
            late.iter().any(|&(after, to)| {
                let is_made_up_for = woken.is_some_and(|woken| to < woken && woken < before);
                after < due && due <= to && (to.since(due) > every / 2 || is_made_up_for)
            })
        })
    }

    /// A finished poll of a job, by its text, is durably on its way.
    pub(super) fn outcome(&self, job: &str, now: Timestamp) {
        let mut outcomes = self.outcomes.borrow_mut();
        match outcomes.get_mut(job) {
            Some(at) => *at = now,
            None => drop(outcomes.insert(job.into(), now)),
        }
    }

    /// A message of a job, by its text, is deleted: its outcome must be on its way since the worker was invoked.
    pub(super) fn deleted(&self, job: &str, invoked: Timestamp) {
        if self.outcomes.borrow().get(job).is_none_or(|&sent| sent < invoked) {
            self.broke(format!(
                "r13: a message of {} was confirmed, and its outcome was not sent",
                shown(job)
            ));
        }
    }

    /// A row is written with this context.
    pub(super) fn context(&self, job: &JobId, since: u64) {
        let before = self.contexts.borrow_mut().insert(job.clone(), since).unwrap_or_default();
        if since < before {
            self.broke(format!("r08: the context of {job} went back from {before} to {since}"));
        }
    }
}
