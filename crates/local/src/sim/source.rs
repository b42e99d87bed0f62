//! Third parties that a simulation polls: what it asks of them, besides polls, to judge a run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use pollwheel_core::budget::Spend;
use pollwheel_core::event::Event;
use pollwheel_core::hash::{Purpose, below, digest_id, job_hash, mix};
use pollwheel_core::id::{ChannelName, JobId};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::{Clock, Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::register::NewJob;
use pollwheel_core::row::JobRow;
use pollwheel_core::time::Timestamp;

use super::limits::Violations;
use super::plan::{Plan, Poison};
use crate::clock::WheelClock;
use crate::credentials::MemoryCredentials;

/// An item that a third party posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its id, for people.
    pub item: String,
    /// What [`Upstream::key`] gives of its event.
    pub event: u128,
    /// When it was posted.
    pub at: Timestamp,
}

/// An event's id as a number: 128 bits in hex.
#[must_use]
pub fn event_number(id: &str) -> u128 {
    u128::from_str_radix(id, 16).unwrap_or_default()
}

/// The id, as a number, of the event that publishes an item of a job for the first time that it is what it is.
#[must_use]
pub fn first_event_number(job: &JobId, item: &str) -> u128 {
    let target = job.target.as_ref().map_or("", |target| target.as_str());
    event_number(&digest_id(&[job.job_type.as_str(), job.account.as_str(), target, item, "1"]))
}

/// A third party in place of the built-in one. It stands still between two calls.
pub trait Upstream: Poller {
    /// The items that a job had by an instant, oldest first; none for a job whose items are not judged.
    fn posted(&self, job: &JobId, by: Timestamp) -> Vec<Posted>;

    /// What tells the event of an item from all others.
    fn key(&self, event: &Event) -> u128 {
        event_number(&event.id)
    }

    /// Whether the items of an event's job are judged.
    fn judges(&self, _event: &Event) -> bool {
        true
    }

    /// When the item of an event came to be, as far as it is known.
    fn created(&self, event: &Event) -> Option<Timestamp>;

    /// Calls past the limits that it enforces.
    fn violations(&self) -> u64;
}

/// A deployment with a third party of its own.
#[derive(Debug)]
pub struct Deployed<U> {
    /// Its job types.
    pub catalog: Catalog,
    /// Its jobs, never polled yet.
    pub jobs: Vec<NewJob>,
    /// What its accounts authenticate with.
    pub credentials: MemoryCredentials,
    /// Whom it polls.
    pub upstream: U,
}

/// What the checker asks a third party.
pub(super) trait Source: Poller {
    /// The items that a job had by an instant, oldest first.
    fn posted(&self, job: &JobId, by: Timestamp) -> Vec<Posted>;

    /// Items up to this instant need not be published: they were there when the job was first polled.
    fn owed_from(&self, job: &JobId) -> Timestamp;

    /// How many items a row's context has passed, as far as it tells.
    fn passed(&self, row: &JobRow) -> u64;

    /// What tells the event of an item from all others; none when its items are not judged.
    fn key(&self, event: &Event) -> Option<u128>;

    /// When the item of an event came to be.
    fn created(&self, event: &Event, now: Timestamp) -> Option<Timestamp>;

    /// When a job was last answered.
    fn answered(&self, job: &JobId) -> Option<Timestamp>;

    /// Calls past the limits that it enforces.
    fn violations(&self) -> Violations;

    /// Whether anybody posts anything.
    fn has_news(&self) -> bool;
}

/// A third party that has the plan's trouble besides its own.
pub(super) struct Troubled<U> {
    pub(super) inner: U,
    pub(super) clock: WheelClock,
    pub(super) plan: Plan,
    pub(super) seed: u64,
    drawn: Cell<u64>,
    seen: RefCell<HashMap<JobId, Seen>>,
}

/// What came of a job's polls.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    answered: Option<Timestamp>,
    /// When it was last seeded: twice, when the first time was lost on its way.
    seeded: Option<Timestamp>,
}

impl<U> Troubled<U> {
    pub(super) fn new(inner: U, clock: WheelClock, plan: Plan, seed: u64) -> Self {
        Self { inner, clock, plan, seed, drawn: Cell::new(0), seen: RefCell::default() }
    }

    fn draw(&self, bound: u32) -> u32 {
        self.drawn.set(self.drawn.get() + 1);
        below(mix(self.seed ^ 0x77, self.drawn.get()), bound)
    }

    fn seen(&self, job: &JobId) -> Seen {
        self.seen.borrow().get(job).copied().unwrap_or_default()
    }
}

impl<U: Poller> Poller for Troubled<U> {
    #[expect(clippy::panic, reason = "the poison that it injects")]
    async fn poll(&self, request: Request<'_>) -> Polled {
        let job = request.row.job.clone();
        let number = below(job_hash(&job, Purpose::Phase), 10_000);
        let minute = self.clock.minute();
        match self.plan.poison(number, minute) {
            Some(Poison::Panics) => panic!("injected: this account's polls panic"),
            Some(Poison::Hangs) => std::future::pending().await,
            None => {}
        }
        tokio::time::sleep(Duration::from_millis(50 + u64::from(number % 3) * 250)).await;
        let trouble = self.plan.trouble(number, minute, &mut |bound| self.draw(bound));
        let polled = match trouble {
            Some(trouble) => {
                Polled { outcome: trouble.outcome(), hints: Hints::default(), items: Vec::new(), requests: 1 }
            }
            None => self.inner.poll(request).await,
        };
        let now = self.clock.now();
        let mut seen = self.seen.borrow_mut();
        let seen = seen.entry(job).or_default();
        seen.answered = Some(now);
        if matches!(polled.outcome, Outcome::Seeded { .. }) {
            seen.seeded = Some(now);
        }
        polled
    }

    fn renewal(&self, channel: &ChannelName) -> Option<Renewal> {
        self.inner.renewal(channel)
    }

    fn uses_application(&self, channel: &ChannelName) -> bool {
        self.inner.uses_application(channel)
    }

    fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        self.inner.limited_host(row)
    }

    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        self.inner.spends(request, spec)
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        self.inner.refresh(refresh).await
    }
}

impl<U: Upstream> Source for Troubled<U> {
    fn posted(&self, job: &JobId, by: Timestamp) -> Vec<Posted> {
        self.inner.posted(job, by)
    }

    /// Never, while it was not seeded.
    fn owed_from(&self, job: &JobId) -> Timestamp {
        self.seen(job).seeded.unwrap_or(Timestamp::from_millis(u64::MAX))
    }

    fn passed(&self, _row: &JobRow) -> u64 {
        0
    }

    fn key(&self, event: &Event) -> Option<u128> {
        self.inner.judges(event).then(|| self.inner.key(event))
    }

    fn created(&self, event: &Event, _now: Timestamp) -> Option<Timestamp> {
        self.inner.created(event)
    }

    fn answered(&self, job: &JobId) -> Option<Timestamp> {
        self.seen(job).answered
    }

    fn violations(&self) -> Violations {
        Violations { fixed: self.inner.violations(), ..Violations::default() }
    }

    fn has_news(&self) -> bool {
        true
    }
}
