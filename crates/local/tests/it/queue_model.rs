//! Random sends, receives, deletions and time against a list of messages: none is lost, each is delivered as often as it
//! should be, and goes to the dead letters when it should.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::ports::{Clock, Outgoing, QueueName, Queues};
use pollwheel_core::time::Timestamp;
use pollwheel_local::queue::{Delivery, LocalQueues, QueueConfig, QueueId, Receipted};
use proptest::prelude::*;

use crate::fixture::{HandClock, wait};

const LIVE: QueueId = QueueId::Live(QueueName::Drains);
const DEAD: QueueId = QueueId::DeadLetters(QueueName::Drains);
const VISIBILITY: u64 = 30;
const MOST: u32 = 3;

#[derive(Debug, Clone)]
enum Step {
    Send {
        delay: u16,
    },
    Receive {
        max: usize,
    },
    /// One of the deliveries so far, good or stale.
    Delete {
        delivery: prop::sample::Index,
    },
    Hide {
        delivery: prop::sample::Index,
        seconds: u32,
    },
    Pass {
        seconds: u64,
    },
    Purge,
}

fn any_step() -> impl Strategy<Value = Step> {
    let delivery = any::<prop::sample::Index>;
    prop_oneof![
        8 => (0_u16..3).prop_map(|delay| Step::Send { delay: delay * 20 }),
        8 => (0_usize..5).prop_map(|max| Step::Receive { max }),
        5 => delivery().prop_map(|delivery| Step::Delete { delivery }),
        2 => (delivery(), 0_u32..100).prop_map(|(delivery, seconds)| Step::Hide { delivery, seconds }),
        6 => (0_u64..40).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Purge),
    ]
}

/// A message as it should be.
#[derive(Debug)]
struct Expected {
    visible_at: Timestamp,
    receives: u32,
}

struct Model {
    clock: Rc<HandClock>,
    queues: LocalQueues,
    /// Those in the queue, by body.
    live: BTreeMap<String, Expected>,
    dead: BTreeSet<String>,
    deliveries: Vec<Delivery>,
    sent: usize,
}

impl Model {
    fn new() -> Self {
        let clock = HandClock::new();
        let queues = LocalQueues::new(clock.clone(), 1);
        let config =
            QueueConfig { max_receive_count: Some(MOST), visibility_seconds: 30, ..QueueConfig::default() };
        queues.create(QueueName::Drains, config);
        Self { clock, queues, live: BTreeMap::new(), dead: BTreeSet::new(), deliveries: Vec::new(), sent: 0 }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn in_seconds(&self, seconds: u64) -> Timestamp {
        self.now().plus(Duration::from_secs(seconds))
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Send { delay } => self.send(delay),
            Step::Receive { max } => self.receive(max),
            Step::Delete { delivery } => self.delete(delivery),
            Step::Hide { delivery, seconds } => self.hide(delivery, seconds),
            Step::Pass { seconds } => self.clock.pass(Duration::from_secs(seconds)),
            Step::Purge => {
                assert_eq!(self.queues.purge(&LIVE), self.live.len() as u64);
                self.live.clear();
            }
        }
        self.check_counts();
    }

    fn send(&mut self, delay_seconds: u16) {
        let body = format!("message {}", self.sent);
        self.sent += 1;
        let visible_at = self.in_seconds(u64::from(delay_seconds));
        let answers =
            wait(self.queues.send(&QueueName::Drains, vec![Outgoing { body: body.clone(), delay_seconds }]));
        assert!(answers.iter().all(Result::is_ok));
        self.live.insert(body, Expected { visible_at, receives: 0 });
    }

    fn receive(&mut self, max: usize) {
        let before = self.queues.depth(&DEAD).visible;
        let deliveries = self.queues.receive(&LIVE, max);
        let deliverable =
            self.live.values().filter(|message| self.is_visible(message) && message.receives < MOST).count();
        assert_eq!(deliveries.len(), max.min(deliverable), "as many as asked for, or all there are");
        let hidden_until = self.in_seconds(VISIBILITY);
        for delivery in deliveries {
            let now = self.now();
            let message =
                self.live.get_mut(&*delivery.body).expect("nothing is delivered that is not in the queue");
            assert!(message.visible_at <= now, "nothing is delivered while it is hidden");
            message.receives += 1;
            message.visible_at = hidden_until;
            assert_eq!(delivery.receive_count, message.receives);
            self.deliveries.push(delivery);
        }
        self.bury(before);
    }

    /// Takes over what the receive moved to the dead letters, and checks that it was time.
    fn bury(&mut self, before: u64) {
        let moved = self.queues.depth(&DEAD).visible - before;
        let due: Vec<String> = self
            .live
            .iter()
            .filter(|(_, message)| self.is_visible(message) && message.receives == MOST)
            .map(|(body, _)| body.clone())
            .collect();
        assert!(moved <= due.len() as u64, "only what was delivered often enough is moved");
        if moved == due.len() as u64 {
            for body in due {
                self.live.remove(&body);
                self.dead.insert(body);
            }
            return;
        }
        // Some are left, because the receive was full before it came to them. Which ones, the next receive tells.
        for delivery in self.queues.receive(&DEAD, usize::MAX) {
            self.queues.change_visibility(&DEAD, delivery.receipt, 0);
            let body = delivery.body.to_string();
            if self.live.remove(&body).is_some() {
                self.dead.insert(body);
            }
        }
    }

    fn is_visible(&self, message: &Expected) -> bool {
        message.visible_at <= self.now()
    }

    fn delivery(&self, index: prop::sample::Index) -> Option<Delivery> {
        (!self.deliveries.is_empty()).then(|| index.get(&self.deliveries).clone())
    }

    fn delete(&mut self, index: prop::sample::Index) {
        let Some(delivery) = self.delivery(index) else { return };
        let is_good =
            self.live.get(&*delivery.body).is_some_and(|message| message.receives == delivery.receive_count);
        let expected = if is_good { Receipted::Done } else { Receipted::Stale };
        assert_eq!(self.queues.delete(&LIVE, delivery.receipt), expected);
        if is_good {
            self.live.remove(&*delivery.body);
        }
    }

    fn hide(&mut self, index: prop::sample::Index, seconds: u32) {
        let Some(delivery) = self.delivery(index) else { return };
        let (now, until) = (self.now(), self.in_seconds(u64::from(seconds)));
        let message = self.live.get_mut(&*delivery.body);
        let good =
            message.filter(|message| message.receives == delivery.receive_count && message.visible_at > now);
        let expected = if good.is_some() { Receipted::Done } else { Receipted::Stale };
        if let Some(message) = good {
            message.visible_at = until;
        }
        assert_eq!(self.queues.change_visibility(&LIVE, delivery.receipt, seconds), expected);
    }

    fn check_counts(&self) {
        let depth = self.queues.depth(&LIVE);
        let visible = self.live.values().filter(|message| self.is_visible(message)).count() as u64;
        assert_eq!(depth.visible, visible);
        assert_eq!(
            depth.visible + depth.delayed + depth.in_flight,
            self.live.len() as u64,
            "none lost, none doubled"
        );
        let next = if visible > 0 {
            Some(self.now())
        } else {
            self.live.values().map(|message| message.visible_at).min()
        };
        assert_eq!(self.queues.next_visible(&LIVE), next);
    }

    /// Lets everything run its course.
    fn drain(&mut self) {
        while !self.live.is_empty() {
            self.take(Step::Pass { seconds: 100 });
            self.take(Step::Receive { max: usize::MAX });
        }
        let buried: BTreeSet<String> = self
            .queues
            .receive(&DEAD, usize::MAX)
            .into_iter()
            .map(|delivery| delivery.body.to_string())
            .collect();
        assert_eq!(buried, self.dead, "every message that nobody deleted is a dead letter");
    }
}

proptest! {
    #[test]
    fn r08_no_message_is_lost_and_each_is_delivered_as_often_as_it_should_be(steps in prop::collection::vec(any_step(), 0..120)) {
        let mut model = Model::new();
        for step in steps {
            model.take(step);
        }
        model.drain();
    }
}
