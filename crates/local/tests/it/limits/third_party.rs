//! A third party that counts calls in every window there is.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::time::Duration;

use pollwheel_core::budget::Spend;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::hash::{Purpose, below, job_hash, mix};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Clock, Polled, Poller, Request};
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::WheelClock;

/// Longest way to the server: what budgets allow for.
const LONGEST_WAY_MILLIS: u32 = 9000;

/// A call, when it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) account: String,
    units: u64,
}

pub(crate) struct ThirdParty {
    clock: WheelClock,
    pub(crate) calls: RefCell<Vec<Call>>,
    /// Pages that a poll would read, of every fourth job.
    pub(crate) pages: Cell<u32>,
    /// Units of a search.
    pub(crate) dear: Cell<u64>,
}

impl ThirdParty {
    pub(crate) fn new(clock: WheelClock) -> Self {
        Self { clock, calls: RefCell::default(), pages: Cell::new(1), dear: Cell::new(1) }
    }

    /// The most units in any window of so many seconds, wherever it begins.
    pub(crate) fn fullest_window(&self, seconds: u64) -> u64 {
        let mut calls = self.calls.borrow().clone();
        calls.sort_by_key(|call| call.at);
        let (mut start, mut units, mut fullest) = (0, 0, 0);
        for call in &calls {
            units += call.units;
            while calls[start].at.plus(Duration::from_secs(seconds)) <= call.at {
                units -= calls[start].units;
                start += 1;
            }
            fullest = fullest.max(units);
        }
        fullest
    }

    /// A request on its way, and what counts at its end.
    async fn call(&self, request: &Request<'_>) {
        let job = &request.row.job;
        let number = self.calls.borrow().len() as u64;
        let way = below(mix(job_hash(job, Purpose::Jitter), number), LONGEST_WAY_MILLIS);
        // Most are quick.
        let way = if number.is_multiple_of(50) { way } else { way / 40 };
        tokio::time::sleep(Duration::from_millis(way.into())).await;
        let units = if job.job_type.name() == "searches" { self.dear.get() } else { 1 };
        let account = job.account.to_string();
        self.calls.borrow_mut().push(Call { at: self.clock.now(), account, units });
    }
}

impl Poller for ThirdParty {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        let mut requests = 0;
        let most =
            if job_hash(&request.row.job, Purpose::Phase).is_multiple_of(4) { self.pages.get() } else { 1 };
        while requests < most {
            if let Some(permits) = request.permits
                && !poll_fn(|context| permits.poll_take(context)).await
            {
                break;
            }
            self.call(&request).await;
            requests += 1;
        }
        let outcome = match requests {
            0 => Outcome::Deferred { reason: "no permit".to_owned(), again_seconds: None },
            // The rest of the pages is read by a later poll.
            read if read < most => Outcome::New { items: 0, more: true, context: context(read) },
            _ => Outcome::Unchanged { context: None },
        };
        Polled { outcome, hints: Hints::default(), items: Vec::new(), requests }
    }
}

fn context(read: u32) -> Context {
    Context::new(&ContextMap::from_iter([("read".to_owned(), read.into())])).unwrap()
}
