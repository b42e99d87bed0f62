//! A bus that notes what it took: which events, how often, and how long after their items came to be.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use hdrhistogram::Histogram;
use pollwheel_core::event::Event;
use pollwheel_core::ports::{Bus, Clock, PortError};

use super::notebook::Notebook;
use super::planted::Planted;
use super::world::Source;
use crate::clock::WheelClock;

/// Significant digits of the freshness histogram.
const DIGITS: u8 = 3;

/// The bus of a simulation.
pub(super) struct SeenBus<'a, W> {
    pub(super) clock: WheelClock,
    pub(super) world: &'a W,
    pub(super) notebook: &'a Notebook,
    pub(super) planted: Option<Planted>,
    taken: RefCell<HashMap<u128, u32>>,
    freshness: RefCell<Option<Histogram<u64>>>,
    events: Cell<u64>,
    notices: Cell<u64>,
}

impl<'a, W> SeenBus<'a, W> {
    pub(super) fn new(
        clock: WheelClock,
        world: &'a W,
        notebook: &'a Notebook,
        planted: Option<Planted>,
    ) -> Self {
        Self {
            clock,
            world,
            notebook,
            planted,
            taken: RefCell::default(),
            freshness: RefCell::new(Histogram::new(DIGITS).ok()),
            events: Cell::new(0),
            notices: Cell::new(0),
        }
    }

    /// How often each event was taken, by its id.
    pub(super) fn taken(&self) -> std::cell::Ref<'_, HashMap<u128, u32>> {
        self.taken.borrow()
    }

    /// Events of items that were taken, repeats included.
    pub(super) const fn events(&self) -> u64 {
        self.events.get()
    }

    /// Notices that somebody must act.
    pub(super) const fn notices(&self) -> u64 {
        self.notices.get()
    }

    /// Milliseconds from an item's creation to its publication.
    pub(super) fn freshness(&self) -> Option<Histogram<u64>> {
        self.freshness.borrow().clone()
    }
}

/// An event's id as a number: 128 bits in hex.
pub(super) fn number(id: &str) -> u128 {
    u128::from_str_radix(id, 16).unwrap_or_default()
}

impl<W: Source> SeenBus<'_, W> {
    fn take(&self, event: &Event) {
        let now = self.clock.now();
        if event.kind.starts_with("pollwheel.") {
            self.notices.set(self.notices.get() + 1);
            self.notebook.log(now, 3, number(&event.id));
            return;
        }
        let id = number(&event.id);
        self.notebook.log(now, 2, id);
        self.events.set(self.events.get() + 1);
        let times = {
            let mut taken = self.taken.borrow_mut();
            let times = taken.entry(id).or_default();
            *times += 1;
            *times
        };
        if times > 1 && self.planted == Some(Planted::EventIdsVary) {
            self.taken.borrow_mut().insert(id.rotate_left(64) ^ u128::from(times), 1);
        }
        if times == 1
            && let Some(created) = self.world.created(event, now)
            && let Some(histogram) = self.freshness.borrow_mut().as_mut()
        {
            let millis = u64::try_from(now.since(created).as_millis()).unwrap_or(u64::MAX);
            let _grown = histogram.record(millis);
        }
    }
}

impl<W: Source> Bus for SeenBus<'_, W> {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        for event in &events {
            let dropped = self.planted == Some(Planted::EventsDropped) && event.id.starts_with(['0', '7']);
            if !dropped {
                self.take(event);
            }
        }
        events.iter().map(|_| Ok(())).collect()
    }
}
