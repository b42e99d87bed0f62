//! The modelled third party: timelines that grow, bursts, and errors.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pollwheel_core::budget::Spend;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::event::{Event, Item};
use pollwheel_core::hash::{below, mix};
use pollwheel_core::outcome::{Hints, Outcome, Scope};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Bus, Clock, Polled, Poller, PortError, Request};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_local::clock::WheelClock;

use super::START;

/// Items of one poll.
const PAGE: u64 = 40;

/// The third party.
pub(crate) struct World {
    seed: u64,
    clock: WheelClock,
    /// Calls by account number and minute.
    pub(crate) called: RefCell<BTreeMap<u32, Vec<EpochMinute>>>,
    /// An answer that every call of an account gets, in place of its timeline.
    pub(crate) scripted: RefCell<BTreeMap<u32, Script>>,
}

/// What an account's calls come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Panics,
    Hangs,
    LimitedForMinutes(u64),
    Unauthorized,
}

impl World {
    pub(crate) fn new(seed: u64, clock: WheelClock) -> Self {
        Self { seed, clock, called: RefCell::default(), scripted: RefCell::default() }
    }

    pub(crate) fn number(account: &str) -> u32 {
        account.trim_start_matches('a').parse().unwrap()
    }

    /// How many items an account has posted by an instant: a steady trickle, and a burst now and then.
    pub(crate) fn posted(&self, account: u32, at: Timestamp) -> u64 {
        let hash = mix(self.seed, u64::from(account));
        let minutes = at.since(START).as_secs() / 60;
        let gap = 2 + u64::from(below(hash, 60));
        let burst_gap = 90 + u64::from(below(mix(hash, 1), 200));
        let burst = u64::from(below(mix(hash, 2), 150));
        minutes / gap + (minutes / burst_gap) * burst
    }
}

impl Poller for World {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        let row = request.row;
        let account = Self::number(row.job.account.as_str());
        let now = self.clock.now();
        self.called.borrow_mut().entry(account).or_default().push(now.minute());
        let script = self.scripted.borrow().get(&account).copied();
        let scripted = match script {
            Some(Script::Panics) => panic!("injected: this account's polls panic"),
            Some(Script::Hangs) => std::future::pending().await,
            Some(Script::LimitedForMinutes(minutes)) => {
                Some(Outcome::RateLimited { scope: Scope::Account, reset_seconds: Some(minutes * 60) })
            }
            Some(Script::Unauthorized) => Some(Outcome::Unauthorized),
            None => None,
        };
        // A call takes a moment, so that polls overlap.
        tokio::time::sleep(std::time::Duration::from_millis(50 + u64::from(account % 7) * 100)).await;
        let (outcome, items) =
            scripted.map_or_else(|| self.timeline(account, row, now), |outcome| (outcome, vec![]));
        Polled { outcome, hints: Hints::default(), items, requests: 1 }
    }
}

impl World {
    fn timeline(
        &self,
        account: u32,
        row: &pollwheel_core::row::JobRow,
        now: Timestamp,
    ) -> (Outcome, Vec<Item>) {
        let posted = self.posted(account, now);
        let Some(since) = row.context.members().get("since").and_then(serde_json::Value::as_u64) else {
            return (Outcome::Seeded { context: context(posted) }, vec![]);
        };
        let last = posted.min(since + PAGE);
        if last <= since {
            return (Outcome::Unchanged { context: None }, vec![]);
        }
        let items: Vec<Item> = (since + 1..=last).map(item).collect();
        let outcome = Outcome::New {
            items: u32::try_from(items.len()).unwrap(),
            more: last < posted,
            context: context(last),
        };
        (outcome, items)
    }
}

fn item(number: u64) -> Item {
    let data = serde_json::value::to_raw_value(&number).unwrap();
    Item {
        id: number.to_string(),
        kind: "sim.item".to_owned(),
        time: None,
        subject: None,
        data,
        dedupe_version: 1,
    }
}

fn context(since: u64) -> Context {
    Context::new(&ContextMap::from_iter([("since".to_owned(), since.into())])).unwrap()
}

/// A bus that remembers everything, in order.
#[derive(Default)]
pub(crate) struct MemoryBus {
    pub(crate) events: RefCell<Vec<Event>>,
}

impl MemoryBus {
    /// How often each item was published, by account and item.
    pub(crate) fn items(&self) -> BTreeMap<(u32, u64), u32> {
        let mut items = BTreeMap::new();
        for event in self.events.borrow().iter().filter(|event| event.kind == "sim.item") {
            let key = (World::number(&event.accountid), event.subject.parse().unwrap());
            *items.entry(key).or_default() += 1;
        }
        items
    }

    /// The kinds of notices, with how often each was published.
    pub(crate) fn notices(&self) -> BTreeMap<String, u32> {
        let mut notices = BTreeMap::new();
        for event in self.events.borrow().iter().filter(|event| event.kind != "sim.item") {
            *notices.entry(event.kind.clone()).or_default() += 1;
        }
        notices
    }
}

impl Bus for MemoryBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let answers = events.iter().map(|_| Ok(())).collect();
        self.events.borrow_mut().extend(events);
        answers
    }
}
