//! Functions that are killed: drawn when one is invoked, and done at one edge of its operations.
//!
//! A rate of every edge would hardly touch a small invocation and never let a large one end. So an invocation is drawn, and
//! with it a kind of operation and which of its edges of that kind is its last.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::engine::{Function, Invocation};

/// Where an invocation can be killed: just before or just after such an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Reading the store.
    Read,
    /// Writing to it: rows, cursors, throttles.
    Write,
    /// Sending to a queue.
    Send,
    /// Publishing events.
    Publish,
    /// Calling the third party.
    Call,
}

impl Edge {
    /// What a function has to do with.
    pub(super) const fn of(function: Function) -> &'static [Self] {
        match function {
            Function::Scheduler => &[Self::Read, Self::Send, Self::Write],
            Function::Drain => &[Self::Read, Self::Send],
            Function::Worker => &[Self::Call, Self::Publish, Self::Send],
            Function::Completion | Function::Burial => &[Self::Write, Self::Publish],
        }
    }
}

/// An invocation's end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doom {
    pub(super) edge: Edge,
    /// How many edges of this kind it gets past.
    pub(super) spared: u32,
}

/// The invocations of a run, as far as they are to be killed.
#[derive(Debug, Default)]
pub(super) struct Kills {
    next: Cell<u64>,
    running: Cell<Option<Invocation>>,
    doomed: RefCell<HashMap<u64, Doom>>,
}

impl Kills {
    /// The number of a new invocation.
    pub(super) fn invoked(&self, doom: Option<Doom>) -> u64 {
        let number = self.next.replace(self.next.get() + 1);
        if let Some(doom) = doom {
            self.doomed.borrow_mut().insert(number, doom);
        }
        number
    }

    /// Which invocation goes on.
    pub(super) fn runs(&self, invocation: Invocation) {
        self.running.set(Some(invocation));
    }

    /// Which invocation goes on.
    pub(super) const fn running(&self) -> Option<Invocation> {
        self.running.get()
    }

    /// Whether the invocation that goes on ends at this edge.
    pub(super) fn ends_at(&self, edge: Edge) -> bool {
        let Some(invocation) = self.running.get() else { return false };
        let mut doomed = self.doomed.borrow_mut();
        let Some(doom) = doomed.get_mut(&invocation.number).filter(|doom| doom.edge == edge) else {
            return false;
        };
        if doom.spared > 0 {
            doom.spared -= 1;
            return false;
        }
        doomed.remove(&invocation.number);
        true
    }
}
