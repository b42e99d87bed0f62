//! The built-in third party: timelines that grow, a limit it enforces, errors, absurd answers, polls that panic or hang.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use pollwheel_core::budget::Spend;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::event::{Event, Item};
use pollwheel_core::hash::{below, mix};
use pollwheel_core::id::JobId;
use pollwheel_core::outcome::{Hints, LimitReading, Outcome, Scope};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Clock, Polled, Poller, Request};
use pollwheel_core::row::JobRow;
use pollwheel_core::time::Timestamp;

use super::limits::{Caller, Limit, Standing, Violations, Windows};
use super::plan::{Plan, Trouble};
use super::pool::Pool;
use super::source::{Posted, Source, event_number, first_event_number};
use super::timeline::Timeline;
use super::watch::since;
use crate::clock::WheelClock;

/// Items of one poll.
const PAGE: u64 = 40;
/// What one account may call: as the usual APIs have it.
const ACCOUNT_LIMIT: Limit = Limit { calls: 60, window_seconds: 900 };
/// Calls that are left unused.
const CUSHION: u64 = 6;

/// The built-in third party.
pub(super) struct World {
    clock: WheelClock,
    seed: u64,
    plan: Plan,
    timelines: Vec<Timeline>,
    answered: RefCell<Vec<u64>>,
    windows: RefCell<Windows>,
    /// What the pool may call.
    application: Option<Limit>,
    drawn: Cell<u64>,
}

/// An account's number: what its id ends with.
pub(super) fn account_number(job: &JobId) -> u32 {
    job.account.as_str().strip_prefix('a').and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

fn context(since: u64) -> Context {
    Context::new(&ContextMap::from_iter([("since".to_owned(), since.into())])).unwrap_or_default()
}

impl World {
    pub(super) fn new(
        clock: WheelClock,
        seed: u64,
        plan: Plan,
        timelines: Vec<Timeline>,
        application: Option<Limit>,
    ) -> Self {
        let accounts = timelines.len();
        Self {
            clock,
            seed,
            plan,
            answered: RefCell::new(vec![0; accounts]),
            windows: RefCell::new(Windows::new(seed, accounts)),
            application,
            timelines,
            drawn: Cell::new(0),
        }
    }

    fn draw(&self, bound: u32) -> u32 {
        self.drawn.set(self.drawn.get() + 1);
        below(mix(self.seed ^ 0x77, self.drawn.get()), bound)
    }

    fn timeline(&self, number: u32) -> Option<&Timeline> {
        self.timelines.get(number as usize)
    }

    /// Counts the call, and says what the limits make of it.
    fn limited(&self, number: u32, row: &JobRow, now: Timestamp) -> (Option<Outcome>, Hints) {
        let of_pool = self.application.filter(|_| Pool::has(&row.job));
        let (caller, limit, scope) = match of_pool {
            Some(limit) => (Caller::Application, limit, Scope::Application),
            None => (Caller::Account(number), ACCOUNT_LIMIT, Scope::Account),
        };
        match self.windows.borrow_mut().call(caller, limit, now) {
            Standing::Refused { reset_seconds } => {
                let refused = Outcome::RateLimited { scope, reset_seconds: Some(reset_seconds) };
                (Some(refused), Hints::default())
            }
            // As APIs that tell of a limit only when it is half spent.
            Standing::Served { remaining, .. } if remaining > limit.calls / 2 => (None, Hints::default()),
            Standing::Served { remaining, reset_seconds } => {
                let cushion = CUSHION.max(u64::from(limit.calls) / 10);
                let reading = LimitReading {
                    scope,
                    remaining: u64::from(remaining),
                    cushion,
                    reset_seconds: Some(reset_seconds),
                };
                (None, Hints { floor_seconds: None, limits: vec![reading] })
            }
        }
    }

    fn trouble(&self, number: u32, now: Timestamp) -> Option<Outcome> {
        let trouble = self.plan.trouble(number, now.minute(), &mut |bound| self.draw(bound));
        trouble.map(Trouble::outcome)
    }

    fn news(&self, number: u32, row: &JobRow, now: Timestamp) -> (Outcome, Vec<Item>) {
        let posted = self.timeline(number).map_or(0, |timeline| timeline.posted(now));
        let Some(since) = since(&row.context) else {
            return (Outcome::Seeded { context: context(posted) }, vec![]);
        };
        let last = posted.min(since + PAGE);
        if last <= since {
            return (Outcome::Unchanged { context: None }, vec![]);
        }
        let items: Vec<Item> = (since + 1..=last).filter_map(item).collect();
        let found = u32::try_from(items.len()).unwrap_or(u32::MAX);
        (Outcome::New { items: found, more: last < posted, context: context(last) }, items)
    }
}

fn item(number: u64) -> Option<Item> {
    let data = serde_json::value::to_raw_value(&number).ok()?;
    let id = number.to_string();
    Some(Item { id, kind: "sim.item".to_owned(), time: None, subject: None, data, dedupe_version: 1 })
}

impl Poller for World {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    #[expect(clippy::panic, reason = "the poison that it injects")]
    async fn poll(&self, request: Request<'_>) -> Polled {
        let row = request.row;
        let number = account_number(&row.job);
        let now = self.clock.now();
        match self.plan.poison(number, now.minute()) {
            Some(super::plan::Poison::Panics) => panic!("injected: this account's polls panic"),
            Some(super::plan::Poison::Hangs) => std::future::pending().await,
            None => {}
        }
        let (limited, hints) = self.limited(number, row, now);
        // A call takes a moment, so that polls overlap.
        tokio::time::sleep(Duration::from_millis(50 + u64::from(number % 3) * 250)).await;
        if let Some(entry) = self.answered.borrow_mut().get_mut(number as usize) {
            *entry = now.millis();
        }
        let failed = limited.or_else(|| self.trouble(number, now));
        let (outcome, items) =
            failed.map_or_else(|| self.news(number, row, now), |outcome| (outcome, vec![]));
        Polled { outcome, hints, items, requests: 1 }
    }
}

impl Source for World {
    fn posted(&self, job: &JobId, by: Timestamp) -> Vec<Posted> {
        let Some(timeline) = self.timeline(account_number(job)) else { return Vec::new() };
        let item = |number: u64| {
            let item = number.to_string();
            Posted { event: first_event_number(job, &item), at: timeline.created(number, by), item }
        };
        (1..=timeline.posted(by)).map(item).collect()
    }

    fn owed_from(&self, _job: &JobId) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn passed(&self, row: &JobRow) -> u64 {
        since(&row.context).unwrap_or_default()
    }

    fn key(&self, event: &Event) -> Option<u128> {
        Some(event_number(&event.id))
    }

    fn created(&self, event: &Event, now: Timestamp) -> Option<Timestamp> {
        let number: u32 = event.accountid.strip_prefix('a')?.parse().ok()?;
        Some(self.timeline(number)?.created(event.subject.parse().ok()?, now))
    }

    fn answered(&self, job: &JobId) -> Option<Timestamp> {
        let answered = self.answered.borrow();
        let millis = answered.get(account_number(job) as usize).copied().filter(|&millis| millis > 0);
        millis.map(Timestamp::from_millis)
    }

    fn violations(&self) -> Violations {
        self.windows.borrow().violations()
    }

    fn has_news(&self) -> bool {
        let now = self.clock.now();
        self.timelines.iter().any(|timeline| timeline.posted(now) > 0)
    }
}
