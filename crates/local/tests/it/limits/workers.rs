//! Two workers whose clocks are apart, that get messages twice and die between a reservation and its call.

use std::time::Duration;

use pollwheel_core::batch::Record;
use pollwheel_core::hash::{below, mix};
use pollwheel_core::message::{CompletedMessage, Message, PollMessage};
use pollwheel_core::policy::Catalog;
use pollwheel_core::poll::{Limits, Worker, poll};
use pollwheel_core::ports::{Clock, JobStore, Outgoing, PortError, QueueName, Queues};
use pollwheel_core::register::register;
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::store::Store;

use super::third_party::ThirdParty;
use super::{CALLS, NoBus, WINDOW_SECONDS, accounts, spec};
use crate::sim::{START, under_virtual_time};

struct Ahead(WheelClock, u64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now().plus(Duration::from_secs(self.1))
    }
}

/// Takes outcomes, and remembers them.
#[derive(Default)]
struct Outcomes(std::cell::RefCell<Vec<CompletedMessage>>);

impl Queues for Outcomes {
    async fn send(&self, _queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let read = messages.iter().map(|message| CompletedMessage::decode(&message.body).unwrap());
        self.0.borrow_mut().extend(read);
        messages.iter().map(|_| Ok(())).collect()
    }

    async fn backlog(&self, _queue: &QueueName) -> Result<u64, PortError> {
        Ok(0)
    }
}

struct Workers {
    catalog: Catalog,
    store: Store,
    clock: WheelClock,
    third_party: ThirdParty,
    outcomes: Outcomes,
    credentials: MemoryCredentials,
}

impl Workers {
    /// A batch on the worker whose clock is so many seconds ahead. `dies_after` it is gone, whatever it was at.
    async fn batch(&self, records: &[Record], ahead: u64, dies_after: Duration) {
        let clock = Ahead(self.clock, ahead);
        let worker = Worker {
            catalog: &self.catalog,
            poller: &self.third_party,
            bus: &NoBus,
            queues: &self.outcomes,
            control: &self.store,
            credentials: &self.credentials,
            clock: &clock,
            time_left: &|| Duration::from_secs(60),
            limits: Limits::default(),
        };
        let polling = poll(records, &worker, std::future::pending());
        // Dropped as a killed function is.
        let _gone = tokio::time::timeout(dies_after, polling).await;
    }
}

#[test]
fn r17_clocks_apart_doubled_messages_and_dead_workers_do_not_pass_the_limit() {
    under_virtual_time(async {
        let clock = WheelClock::running(START, REAL_TICK);
        let workers = Workers {
            catalog: Catalog::new([spec("items", 1)]),
            store: Store::in_memory().unwrap(),
            clock,
            third_party: ThirdParty::new(clock),
            outcomes: Outcomes::default(),
            credentials: MemoryCredentials::default(),
        };
        let jobs = accounts(40);
        register(clock.now(), &jobs, &workers.catalog, &workers.store).await.unwrap();
        let mut records = Vec::new();
        for job in &jobs {
            let place = workers.store.locate(&job.job).await.unwrap().unwrap().place;
            let row = workers.store.read_row(&job.job, place).await.unwrap().unwrap();
            let message = PollMessage { due: clock.now().minute(), missed: 0, spread: 0, hop: 1, row };
            let body = message.encode();
            // Each message comes twice.
            records
                .extend([0, 1].map(|copy| Record { id: format!("{}-{copy}", job.job), body: body.clone() }));
        }
        workers.third_party.pages.set(3);
        // An hour of far more than fits: a batch of 20 jobs on either worker every five seconds.
        for step in 0..720_u64 {
            let from = usize::try_from(step % 4).unwrap() * 20;
            let batch = &records[from..from + 20];
            let ahead = if step % 2 == 0 { 30 } else { 0 };
            let draw = below(mix(7, step), 10);
            let dies_after =
                if draw < 3 { Duration::from_millis(u64::from(draw) * 60) } else { Duration::from_secs(30) };
            tokio::join!(
                workers.batch(batch, ahead, dies_after),
                workers.batch(batch, 30 - ahead, Duration::from_secs(30)),
                tokio::time::sleep(Duration::from_secs(5)),
            );
        }
        let fullest = workers.third_party.fullest_window(WINDOW_SECONDS);
        let calls = workers.third_party.calls.borrow().len();
        let outcomes = workers.outcomes.0.borrow();
        let polls = outcomes.iter().flat_map(|message| &message.polls);
        let deferred = polls.filter(|poll| poll.outcome.deferred_seconds().is_some()).count();
        eprintln!("fullest window {fullest} of {CALLS}, {calls} calls in an hour, {deferred} polls put off");
        assert!(fullest <= CALLS, "{fullest}");
        assert!(fullest >= CALLS * 6 / 10, "what is not lost is used: {fullest}");
        assert!(deferred > 0);
    });
}
