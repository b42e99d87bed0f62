//! The table "What each failure does to a job" of docs/reliability.md, row by row, through the real completion pass.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::pending;
use pollwheel_core::activity::Price;
use pollwheel_core::batch::Record;
use pollwheel_core::complete::{Completion, complete};
use pollwheel_core::context::Context;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::message::{Completed, CompletedMessage, Message, PollMessage};
use pollwheel_core::outcome::{Hints, Outcome, Scope};
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::{self, Limits, PollReport, Worker};
use pollwheel_core::ports::{
    Clock, CredentialStore, Credentials, JobStore, Outgoing, PortError, QueueName, Queues, Retry,
};
use pollwheel_core::register::register;
use pollwheel_core::row::{HoldCause, JobRow, ParkReason};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::memory::MemoryStore;

use crate::sim::{MemoryBus, START, World, job, job_type, new_job, spec, under_virtual_time};

/// Between two polls of a test: longer than any hold.
const APART_MINUTES: u32 = 2000;

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// One job, polled by the test itself.
struct Bench {
    catalog: Catalog,
    store: MemoryStore,
    bus: MemoryBus,
    due: EpochMinute,
}

impl Bench {
    fn new(cadence: u16) -> Self {
        let (catalog, store) = (Catalog::new([spec(cadence, cadence)]), MemoryStore::default());
        now(register(START, &[new_job(1, Some(0))], &catalog, &store)).unwrap();
        Self { catalog, store, bus: MemoryBus::default(), due: START.minute() }
    }

    fn row(&self) -> JobRow {
        let place = now(self.store.locate(&job(1))).unwrap().unwrap().place;
        now(self.store.read_row(&job(1), place)).unwrap().unwrap()
    }

    /// Minutes after the poll in which the job is woken; none when it is not.
    fn woken_after(&self) -> Option<u32> {
        let wakes = |minute| now(self.store.read_wakes(&job_type(), minute, 0, None, 10)).unwrap().items;
        (1..APART_MINUTES).find(|&after| !wakes(self.due.plus(after)).is_empty())
    }

    /// Completes a poll of the row as it is now.
    fn complete(&mut self, outcome: Outcome) {
        self.due = self.due.plus(APART_MINUTES);
        let at = self.due.start().plus(Duration::from_secs(10));
        let poll = Completed {
            due: self.due,
            at,
            price: Price::USUAL,
            row: self.row(),
            outcome,
            hints: Hints::default(),
        };
        self.apply(at, CompletedMessage { hop: 2, polls: vec![poll] }.encode());
    }

    fn apply(&self, at: Timestamp, body: String) {
        let completion = Completion { catalog: &self.catalog, store: &self.store, bus: &self.bus, seed: 3 };
        let record = Record { id: "1".to_owned(), body };
        let (result, report) = now(complete(at, &[record], &completion));
        assert!(result.failed.is_empty() && report.completed == 1, "{result:?} {report:?}");
    }
}

/// What a failure does the first times, and in the end.
struct Class {
    outcome: Outcome,
    /// Times in a row after which it parks the job, why, and the notice; none when it never does.
    parks: Option<(u32, ParkReason, &'static str)>,
    held: Option<HoldCause>,
    counts_as_failure: bool,
    /// Minutes after the poll in which it is woken, from and to.
    woken: Option<(u32, u32)>,
}

fn classes() -> Vec<Class> {
    let backoff = |outcome| Class {
        outcome,
        parks: None,
        held: Some(HoldCause::Backoff),
        counts_as_failure: true,
        // The first backoff is drawn from the base to three times the base.
        woken: Some((1, 4)),
    };
    let text = || "why".to_owned();
    let gone = (4, ParkReason::Gone, "pollwheel.job.gone");
    let quarantined = (5, ParkReason::Quarantined, "pollwheel.job.quarantined");
    let refused = (1, ParkReason::Unauthorized, "pollwheel.account.needs_reauthorization");
    let nothing = |outcome| Class { parks: None, held: None, counts_as_failure: false, woken: None, outcome };
    let limited = |scope| Outcome::RateLimited { scope, reset_seconds: Some(1800) };
    vec![
        backoff(Outcome::ServerError { status: 503, retry_after_seconds: None }),
        backoff(Outcome::Timeout),
        backoff(Outcome::Network { reason: text() }),
        backoff(Outcome::BadResponse { reason: text() }),
        backoff(Outcome::BusRefused { reason: text() }),
        Class { parks: Some(gone), ..backoff(Outcome::Gone) },
        Class { parks: Some(quarantined), ..backoff(Outcome::Crashed) },
        Class { parks: Some(refused), held: None, woken: None, ..backoff(Outcome::Unauthorized) },
        Class { held: Some(HoldCause::RateLimit), woken: Some((30, 36)), ..nothing(limited(Scope::Account)) },
        Class { woken: Some((30, 36)), ..nothing(limited(Scope::Application)) },
        nothing(Outcome::Deferred { reason: text(), again_seconds: None }),
        Class {
            woken: Some((2, 3)),
            ..nothing(Outcome::Deferred { reason: text(), again_seconds: Some(60) })
        },
        Class { woken: Some((15, 16)), ..nothing(Outcome::Unavailable { reason: text() }) },
    ]
}

#[test]
fn each_class_of_failure_leads_to_its_state_its_wait_and_its_notice() {
    for class in classes() {
        let mut bench = Bench::new(1440);
        let name = class.outcome.name();
        let times = class.parks.map_or(30, |(times, ..)| times);
        for time in 1..=times {
            let before = bench.row();
            bench.complete(class.outcome.clone());
            let (row, counts) = (bench.row(), u32::from(class.counts_as_failure));
            assert_eq!(row.failures, time * counts, "{name}, time {time}: {row:?}");
            assert!(row.backoff_minutes <= 240, "{name}: {row:?}");
            if let Some((last, reason, notice)) = class.parks.filter(|_| time == times) {
                assert_eq!(row.parked.map(|parked| parked.reason), Some(reason), "{name}, time {last}");
                assert_eq!((row.hold, row.place.cohort()), (None, None), "{name}");
                assert_eq!(bench.bus.notices(), BTreeMap::from([(notice.to_owned(), 1)]), "{name}");
                continue;
            }
            assert_eq!(row.parked, None, "{name}, time {time}");
            assert_eq!(row.hold.map(|hold| hold.cause), class.held, "{name}, time {time}: {row:?}");
            assert!(row.hold.is_none_or(|hold| hold.until > bench.due), "{name}: {row:?}");
            assert_eq!(row.error.is_some(), class.counts_as_failure, "{name}");
            if class.held.is_none() {
                assert_eq!(row, before, "{name} writes nothing to the row");
            }
            if time == 1 {
                let woken = bench.woken_after();
                let expected = class.woken.map(|(from, to)| from..=to);
                let fits = match (&expected, woken) {
                    (Some(range), Some(after)) => range.contains(&after),
                    (expected, woken) => expected.is_none() && woken.is_none(),
                };
                assert!(fits, "{name}: woken after {woken:?}, not {expected:?}");
            }
            assert!(bench.bus.notices().is_empty(), "{name}: nobody need act");
        }
        if class.parks.is_some() {
            continue;
        }
        // A success forgets all of it.
        bench.complete(Outcome::Unchanged { context: None });
        let row = bench.row();
        assert_eq!(
            (row.failures, row.gone, row.crashes, row.backoff_minutes),
            (0, 0, 0, 0),
            "{name}: {row:?}"
        );
        assert_eq!((row.error.as_deref(), row.parked), (None, None), "{name}");
    }
}

#[test]
fn failures_of_different_classes_in_turn_do_not_add_up_to_a_parking() {
    let mut bench = Bench::new(60);
    for _ in 0..10 {
        for _ in 0..3 {
            bench.complete(Outcome::Gone);
        }
        for _ in 0..4 {
            bench.complete(Outcome::Crashed);
        }
        bench.complete(Outcome::Timeout);
        let row = bench.row();
        assert_eq!((row.gone, row.crashes, row.parked), (0, 0, None), "{row:?}");
    }
    bench.complete(Outcome::New { items: 1, more: false, context: Context::empty() });
    assert_eq!(bench.row().failures, 0);
}

/// A store of credentials that is out of reach.
struct OutOfReach;

impl CredentialStore for OutOfReach {
    async fn credentials(
        &self,
        _channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let denied = || PortError::new("decrypting with key `k1`", Retry::Never, "AccessDenied");
        accounts.iter().map(|_| Err(denied())).collect()
    }
}

/// Keeps what a worker sends.
#[derive(Default)]
struct Sent(std::cell::RefCell<Vec<String>>);

impl Queues for Sent {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        assert_eq!(*queue, QueueName::Completed);
        let answers = messages.iter().map(|_| Ok(())).collect();
        self.0.borrow_mut().extend(messages.into_iter().map(|message| message.body));
        answers
    }

    async fn backlog(&self, _queue: &QueueName) -> Result<u64, PortError> {
        Ok(0)
    }
}

async fn poll_without_credentials(bench: &Bench, sent: &Sent) -> PollReport {
    let clock = WheelClock::running(START, REAL_TICK);
    let worker = Worker {
        catalog: &bench.catalog,
        poller: &World::new(1, clock),
        bus: &bench.bus,
        queues: sent,
        control: &bench.store,
        credentials: &OutOfReach,
        clock: &clock,
        time_left: &|| Duration::from_secs(60),
        limits: Limits::default(),
    };
    let body =
        PollMessage { due: bench.due, missed: 0, spread: 0, hop: 1, price: Price::USUAL, row: bench.row() }
            .encode();
    let record = Record { id: "1".to_owned(), body };
    let (result, report) = poll::poll(&[record], &worker, pending()).await;
    assert!(result.failed.is_empty(), "the record must not wander to the dead letters: {result:?}");
    assert!(clock.now() >= START);
    report
}

#[test]
fn r20_a_secret_store_out_of_reach_is_a_class_of_its_own_and_nothing_against_the_job() {
    under_virtual_time(async {
        let mut bench = Bench::new(60);
        let before = bench.row();
        for _ in 0..50 {
            bench.due = bench.due.plus(APART_MINUTES);
            let sent = Sent::default();
            let report = poll_without_credentials(&bench, &sent).await;
            assert_eq!((report.polled, report.unavailable, report.outcomes["unavailable"]), (0, 1, 1));
            let reason = report.unavailable_because.keys().next().unwrap();
            assert!(reason.contains("AccessDenied"), "the log names the cause: {reason}");
            let [body] = sent.0.take().try_into().unwrap();
            bench.apply(bench.due.start().plus(Duration::from_secs(10)), body);
        }
        assert_eq!(bench.row(), before, "not one write, and no quarantine");
        assert!(bench.bus.notices().is_empty());
    });
}
