//! The queues behave as SQS standard queues do.

use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::activity::Price;
use pollwheel_core::id::JobTypeId;
use pollwheel_core::message::{Message, PollMessage};
use pollwheel_core::ports::{Outgoing, QueueName, Queues};
use pollwheel_core::time::EpochMinute;
use pollwheel_local::queue::{Delivery, Depth, LocalQueues, QueueConfig, QueueId, Receipted};

use crate::fixture::{HandClock, NOW, job_type, place, row, wait};

const LIVE: QueueId = QueueId::Live(QueueName::Completed);
const DEAD: QueueId = QueueId::DeadLetters(QueueName::Completed);
const CONFIG: QueueConfig =
    QueueConfig { visibility_seconds: 30, max_receive_count: Some(3), retention_seconds: 3600 };

struct Bench {
    clock: Rc<HandClock>,
    queues: LocalQueues,
}

impl Bench {
    fn new(config: QueueConfig) -> Self {
        let clock = HandClock::new();
        let queues = LocalQueues::new(clock.clone(), 42);
        queues.create(QueueName::Completed, config);
        Self { clock, queues }
    }

    fn send(&self, body: &str, delay_seconds: u16) {
        self.send_to(&QueueName::Completed, body, delay_seconds);
    }

    fn send_to(&self, queue: &QueueName, body: &str, delay_seconds: u16) {
        let answers = wait(self.queues.send(queue, vec![Outgoing { body: body.to_owned(), delay_seconds }]));
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }

    fn receive(&self) -> Vec<Delivery> {
        self.queues.receive(&LIVE, 10)
    }

    fn one(&self) -> Delivery {
        let mut received = self.receive();
        assert_eq!(received.len(), 1);
        received.remove(0)
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    fn depth(&self) -> (u64, u64, u64) {
        let Depth { visible, delayed, in_flight } = self.queues.depth(&LIVE);
        (visible, delayed, in_flight)
    }
}

fn bodies(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.body.as_str()).collect()
}

#[test]
fn a_delayed_message_appears_when_its_delay_is_over() {
    let bench = Bench::new(CONFIG);
    bench.send("late", 50);
    bench.send("soon", 7);
    bench.send("now", 0);
    assert_eq!(bench.depth(), (1, 2, 0));
    assert_eq!(wait(bench.queues.backlog(&QueueName::Completed)).unwrap(), 3);
    assert_eq!(bodies(&bench.receive()), ["now"]);
    assert_eq!(bench.queues.next_visible(&LIVE), Some(NOW.start().plus(Duration::from_secs(7))));
    bench.pass(6);
    assert!(bench.receive().is_empty());
    bench.pass(1);
    assert_eq!(bodies(&bench.receive()), ["soon"]);
    assert_eq!(bench.depth(), (0, 1, 2));
    assert_eq!(wait(bench.queues.backlog(&QueueName::Completed)).unwrap(), 1, "in flight is not waiting");
}

#[test]
fn a_received_message_returns_after_its_visibility_timeout() {
    let bench = Bench::new(CONFIG);
    bench.send("a", 0);
    let first = bench.one();
    assert_eq!((first.receive_count, first.sent), (1, NOW.start()));
    bench.pass(29);
    assert!(bench.receive().is_empty());
    bench.pass(1);
    let second = bench.one();
    assert_eq!((second.receive_count, &second.message_id), (2, &first.message_id));
    assert!(Rc::ptr_eq(&second.body, &first.body), "bodies are shared");
}

#[test]
fn a_receipt_is_good_until_its_message_is_received_again() {
    let bench = Bench::new(CONFIG);
    bench.send("a", 0);
    let stale = bench.one();
    bench.pass(30);
    let fresh = bench.one();
    assert_eq!(bench.queues.delete(&LIVE, stale.receipt), Receipted::Stale);
    assert_eq!(bench.queues.change_visibility(&LIVE, stale.receipt, 0), Receipted::Stale);
    assert_eq!(bench.depth(), (0, 0, 1), "the message is still with its second receiver");
    assert_eq!(bench.queues.delete(&LIVE, fresh.receipt), Receipted::Done);
    assert_eq!(bench.queues.delete(&LIVE, fresh.receipt), Receipted::Stale);

    bench.send("b", 0);
    let late = bench.one();
    bench.pass(31);
    assert_eq!(bench.queues.delete(&LIVE, late.receipt), Receipted::Done, "nobody received it in between");
    assert!(bench.receive().is_empty());
    bench.send("c", 0);
    assert_eq!(bench.queues.delete(&LIVE, late.receipt), Receipted::Stale, "another message took its place");
    assert_eq!(bodies(&bench.receive()), ["c"]);
}

#[test]
fn visibility_can_be_shortened_and_lengthened() {
    let bench = Bench::new(CONFIG);
    bench.send("a", 0);
    assert_eq!(bench.queues.change_visibility(&LIVE, bench.one().receipt, 0), Receipted::Done);
    assert_eq!(bench.queues.change_visibility(&LIVE, bench.one().receipt, 90), Receipted::Done);
    bench.pass(89);
    assert!(bench.receive().is_empty());
    bench.pass(1);
    assert_eq!(bench.one().receive_count, 3);
}

#[test]
fn r12_the_receive_past_the_limit_moves_the_message_to_the_dead_letters() {
    let bench = Bench::new(CONFIG);
    bench.send("poison", 0);
    for count in 1..=3 {
        assert_eq!(bench.one().receive_count, count);
        bench.pass(30);
    }
    assert_eq!(bench.queues.depth(&DEAD), Depth::default(), "it moves when it would be received, not before");
    assert!(bench.receive().is_empty());
    assert_eq!(bench.depth(), (0, 0, 0));
    let dead = bench.queues.receive(&DEAD, 10);
    assert_eq!((bodies(&dead), dead[0].sent), (vec!["poison"], NOW.start()));
    for _ in 0..9 {
        bench.pass(30);
        assert_eq!(bench.queues.receive(&DEAD, 10).len(), 1, "dead letters stay until they are deleted");
    }
    assert_eq!(bench.queues.totals(&LIVE).redriven, 1);
}

#[test]
fn a_dead_letter_does_not_hold_up_its_neighbours() {
    let bench = Bench::new(QueueConfig { max_receive_count: Some(1), ..CONFIG });
    bench.send("poison", 0);
    bench.one();
    bench.pass(30);
    bench.send("a", 0);
    bench.send("b", 0);
    assert_eq!(bodies(&bench.receive()), ["a", "b"], "one call both redrives and delivers");
}

#[test]
fn a_message_past_its_retention_is_dropped() {
    let bench = Bench::new(CONFIG);
    bench.send("old", 0);
    bench.pass(3599);
    bench.one();
    bench.pass(30);
    assert!(bench.receive().is_empty());
    assert_eq!((bench.depth(), bench.queues.totals(&LIVE).expired), ((0, 0, 0), 1));
}

#[test]
fn r10_a_purge_drops_everything_and_the_queue_works_on() {
    let bench = Bench::new(CONFIG);
    bench.send("delayed", 60);
    bench.send("received", 0);
    let receipt = bench.one().receipt;
    bench.send("ready", 0);
    assert_eq!(bench.queues.purge(&LIVE), 3);
    assert_eq!((bench.depth(), bench.queues.next_visible(&LIVE)), ((0, 0, 0), None));
    bench.send("new", 0);
    assert_eq!(bench.queues.delete(&LIVE, receipt), Receipted::Stale);
    bench.pass(120);
    assert_eq!(bodies(&bench.receive()), ["new"]);
}

#[test]
fn nobody_is_woken_for_a_message_that_is_gone() {
    let bench = Bench::new(CONFIG);
    bench.send("a", 0);
    let receipt = bench.one().receipt;
    assert_eq!(bench.queues.next_visible(&LIVE), Some(NOW.start().plus(Duration::from_secs(30))));
    bench.queues.delete(&LIVE, receipt);
    assert_eq!(bench.queues.next_visible(&LIVE), None);
}

#[test]
fn a_send_wakes_the_waiter_once() {
    let bench = Bench::new(CONFIG);
    let arrived = || futures_util::FutureExt::now_or_never(bench.queues.arrived()).is_some();
    assert!(!arrived());
    bench.send("a", 0);
    bench.send("b", 0);
    assert!(arrived(), "also when it was sent before anyone waited");
    assert!(!arrived());
}

#[test]
fn message_ids_repeat_with_their_seed_and_differ_within_a_run() {
    let ids = || {
        let bench = Bench::new(CONFIG);
        bench.send("a", 0);
        bench.send("b", 0);
        bench.receive().into_iter().map(|delivery| delivery.message_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ids());
    assert_ne!(ids()[0], ids()[1]);
}

#[test]
fn unconfirmed_is_what_is_sent_and_neither_deleted_nor_given_up() {
    let bench = Bench::new(QueueConfig { max_receive_count: Some(1), ..CONFIG });
    let jobs = QueueName::Jobs(job_type());
    let live = QueueId::Live(jobs.clone());
    bench.queues.create(jobs.clone(), QueueConfig { max_receive_count: Some(1), ..CONFIG });
    let poll = |due: EpochMinute| {
        PollMessage { due, missed: 0, spread: 0, hop: 1, price: Price::USUAL, row: row("a", place(0), 1) }
            .encode()
    };
    let oldest = || bench.queues.oldest_unconfirmed(&job_type());
    assert_eq!(oldest(), None);
    bench.send_to(&jobs, &poll(NOW.plus(1)), 0);
    bench.send_to(&jobs, &poll(NOW), 0);
    assert_eq!(oldest(), Some(NOW));
    assert_eq!(bench.queues.oldest_unconfirmed(&JobTypeId::new("github/events").unwrap()), None);

    let received = bench.queues.receive(&live, 10);
    assert_eq!(oldest(), Some(NOW), "received is not confirmed");
    bench.queues.delete(&live, received[1].receipt);
    assert_eq!(oldest(), Some(NOW.plus(1)));
    bench.pass(30);
    assert!(bench.queues.receive(&live, 10).is_empty());
    assert_eq!(oldest(), None, "a dead letter is given up");
    let dead = QueueId::DeadLetters(jobs.clone());
    let received = bench.queues.receive(&dead, 10);
    bench.queues.delete(&dead, received[0].receipt);
    assert_eq!(oldest(), None, "and it is not counted down twice");

    bench.send_to(&jobs, &poll(NOW.plus(5)), 0);
    bench.queues.purge(&live);
    assert_eq!(oldest(), None, "a purged message is polled again at its next phase");
}
