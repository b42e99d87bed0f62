//! The messages of one queue.
//!
//! A message is in one of three states: ready, delayed until an instant, or in flight until an instant. Ready messages stand
//! in a line; hidden ones lie in buckets, one an instant, so that a million messages with fifty different delays cost
//! fifty tree entries. Keys in the line and in the buckets are not searched for when a message goes: they are passed
//! over when it is their turn.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use pollwheel_core::ports::Outgoing;
use pollwheel_core::time::Timestamp;

use super::unconfirmed::Due;

/// Received and not deleted messages that a queue holds at most; past it, it delivers nothing.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_IN_FLIGHT: u64 = 120_000;

/// How a queue treats its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// Seconds that a received message stays hidden, unless it is deleted.
    pub visibility_seconds: u32,
    /// Deliveries of a message before it goes to the queue's dead-letter queue; without a number there is none.
    pub max_receive_count: Option<u32>,
    /// Seconds after which a message is dropped, counted from its sending. Noticed when it would be delivered.
    pub retention_seconds: u32,
}

impl Default for QueueConfig {
    /// As SQS: 30 seconds, no dead-letter queue, four days.
    fn default() -> Self {
        Self { visibility_seconds: 30, max_receive_count: None, retention_seconds: 4 * 24 * 3600 }
    }
}

/// The right to delete a received message, until it is received again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    key: Key,
    receive: u32,
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id, the same at every delivery.
    pub message_id: String,
    /// Its text.
    pub body: Rc<String>,
    /// How to delete it.
    pub receipt: Receipt,
    /// Which delivery this is, from 1. A dead-letter queue counts its own.
    pub receive_count: u32,
    /// When it was sent. A redrive does not change it.
    pub sent: Timestamp,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// To be received now.
    pub visible: u64,
    /// Waiting for their delay to end.
    pub delayed: u64,
    /// Received, not deleted, not visible again yet.
    pub in_flight: u64,
}

/// What a queue has seen since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages accepted, or taken in by redrive.
    pub sent: u64,
    /// Deliveries.
    pub received: u64,
    /// Messages deleted by a receipt.
    pub deleted: u64,
    /// Messages moved to the dead-letter queue.
    pub redriven: u64,
    /// Messages dropped for their age.
    pub expired: u64,
    /// Messages dropped by purges.
    pub purged: u64,
}

/// What became of a receipt's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipted {
    /// It was done.
    Done,
    /// The message is gone, or was received again since: nothing was done.
    Stale,
}

/// A message's place and id: the id tells a message from the next one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    slot: usize,
    id: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Delayed(Timestamp),
    InFlight(Timestamp),
}

#[derive(Debug)]
pub(super) struct Message {
    id: u64,
    body: Rc<String>,
    sent: Timestamp,
    receives: u32,
    state: State,
    pub(super) due: Due,
}

/// Hidden messages that become visible at the same instant.
#[derive(Debug, Default)]
struct Bucket {
    keys: Vec<Key>,
    /// How many of the keys still stand for a message: without any the bucket goes, so that nobody wakes for nothing.
    live: usize,
}

/// What one receive brought.
pub(super) struct Received {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) dead: Vec<Message>,
    pub(super) expired: Vec<Due>,
}

#[derive(Debug, Default)]
pub(super) struct Messages {
    config: QueueConfig,
    slots: Vec<Option<Message>>,
    free: Vec<usize>,
    ready: VecDeque<Key>,
    hidden: BTreeMap<Timestamp, Bucket>,
    depth: Depth,
    totals: Totals,
    /// Set whenever a message comes, goes or changes its state.
    touched: Rc<Cell<bool>>,
}

impl Messages {
    /// Tells whoever watches that something has changed since they last reset it.
    pub(super) fn touched(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.touched)
    }

    pub(super) fn configure(&mut self, config: QueueConfig) {
        self.config = config;
    }

    pub(super) fn send(&mut self, id: u64, message: Outgoing, due: Due, now: Timestamp) {
        let state = match message.delay_seconds {
            0 => State::Ready,
            seconds => State::Delayed(now.plus(Duration::from_secs(u64::from(seconds)))),
        };
        self.store(
            Message { id, body: Rc::new(message.body), sent: now, receives: 0, state: State::Ready, due },
            state,
        );
    }

    /// Takes in a dead letter.
    pub(super) fn take_in(&mut self, message: Message) {
        self.store(Message { receives: 0, due: Due::Nothing, ..message }, State::Ready);
    }

    pub(super) fn receive(&mut self, max: usize, now: Timestamp, seed: u64) -> Received {
        self.advance(now);
        let mut received = Received { deliveries: Vec::new(), dead: Vec::new(), expired: Vec::new() };
        while received.deliveries.len() < max && self.depth.in_flight < MAX_IN_FLIGHT {
            let Some(key) = self.ready.pop_front() else { break };
            let Some(message) = self.get(key).filter(|message| message.state == State::Ready) else {
                continue;
            };
            let age = now.since(message.sent);
            if age >= Duration::from_secs(u64::from(self.config.retention_seconds)) {
                self.totals.expired += 1;
                received.expired.extend(self.take(key).map(|message| message.due));
            } else if self.config.max_receive_count.is_some_and(|most| message.receives >= most) {
                self.totals.redriven += 1;
                received.dead.extend(self.take(key));
            } else {
                received.deliveries.extend(self.deliver(key, now, seed));
            }
        }
        received
    }

    fn deliver(&mut self, key: Key, now: Timestamp, seed: u64) -> Option<Delivery> {
        let until = now.plus(Duration::from_secs(u64::from(self.config.visibility_seconds)));
        self.set_state(key, State::InFlight(until));
        self.totals.received += 1;
        let message = self.get_mut(key)?;
        message.receives += 1;
        Some(Delivery {
            message_id: format!("{seed:016x}-{:08x}", message.id),
            body: Rc::clone(&message.body),
            receipt: Receipt { key, receive: message.receives },
            receive_count: message.receives,
            sent: message.sent,
        })
    }

    /// Deletes a message. As in SQS, that works past the visibility timeout too, until the message is received again.
    pub(super) fn delete(&mut self, receipt: Receipt) -> Option<Due> {
        self.received(receipt)?;
        self.totals.deleted += 1;
        self.take(receipt.key).map(|message| message.due)
    }

    pub(super) fn change_visibility(&mut self, receipt: Receipt, now: Timestamp, seconds: u32) -> Receipted {
        self.advance(now);
        match self.received(receipt) {
            Some(State::InFlight(_)) => {
                self.set_state(
                    receipt.key,
                    State::InFlight(now.plus(Duration::from_secs(u64::from(seconds)))),
                );
                Receipted::Done
            }
            Some(State::Ready | State::Delayed(_)) | None => Receipted::Stale,
        }
    }

    /// Drops everything; the due minutes of what was dropped.
    pub(super) fn purge(&mut self) -> Vec<Due> {
        let dues: Vec<Due> = self.slots.drain(..).flatten().map(|message| message.due).collect();
        self.totals.purged += dues.len() as u64;
        self.free.clear();
        self.ready.clear();
        self.hidden.clear();
        self.touched.set(true);
        self.depth = Depth::default();
        dues
    }

    pub(super) fn depth(&mut self, now: Timestamp) -> Depth {
        self.advance(now);
        self.depth
    }

    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn next_visible(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.advance(now);
        if self.depth.visible > 0 { Some(now) } else { self.hidden.keys().next().copied() }
    }

    /// Makes visible what has waited long enough.
    fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.hidden.first_entry().filter(|entry| *entry.key() <= now) {
            let (at, bucket) = entry.remove_entry();
            for key in bucket.keys {
                let hidden = self.get(key).is_some_and(|message| match message.state {
                    State::Delayed(until) | State::InFlight(until) => until == at,
                    State::Ready => false,
                });
                if hidden {
                    self.set_state(key, State::Ready);
                }
            }
        }
    }

    /// The state of a receipt's message, while the receipt is good.
    fn received(&self, receipt: Receipt) -> Option<State> {
        self.get(receipt.key)
            .filter(|message| message.receives == receipt.receive)
            .map(|message| message.state)
    }

    fn get(&self, key: Key) -> Option<&Message> {
        self.slots.get(key.slot)?.as_ref().filter(|message| message.id == key.id)
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Message> {
        self.slots.get_mut(key.slot)?.as_mut().filter(|message| message.id == key.id)
    }

    fn store(&mut self, message: Message, state: State) {
        self.totals.sent += 1;
        let id = message.id;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(message);
        }
        self.enter(Key { slot, id }, state);
    }

    fn take(&mut self, key: Key) -> Option<Message> {
        let state = self.get(key)?.state;
        self.leave(state);
        self.free.push(key.slot);
        self.slots.get_mut(key.slot)?.take()
    }

    fn set_state(&mut self, key: Key, state: State) {
        if let Some(message) = self.get(key) {
            self.leave(message.state);
            self.enter(key, state);
        }
    }

    /// Counts a message out of a state. Its key stays behind.
    fn leave(&mut self, state: State) {
        self.touched.set(true);
        let until = match state {
            State::Ready => {
                self.depth.visible -= 1;
                return;
            }
            State::Delayed(until) => {
                self.depth.delayed -= 1;
                until
            }
            State::InFlight(until) => {
                self.depth.in_flight -= 1;
                until
            }
        };
        if let Some(bucket) = self.hidden.get_mut(&until) {
            bucket.live -= 1;
            if bucket.live == 0 {
                self.hidden.remove(&until);
            }
        }
    }

    fn enter(&mut self, key: Key, state: State) {
        self.touched.set(true);
        if let Some(message) = self.get_mut(key) {
            message.state = state;
        }
        let until = match state {
            State::Ready => {
                self.depth.visible += 1;
                self.ready.push_back(key);
                return;
            }
            State::Delayed(until) => {
                self.depth.delayed += 1;
                until
            }
            State::InFlight(until) => {
                self.depth.in_flight += 1;
                until
            }
        };
        let bucket = self.hidden.entry(until).or_default();
        bucket.keys.push(key);
        bucket.live += 1;
    }
}
