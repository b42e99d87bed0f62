//! What a job knows of its source: the low-water mark, below which everything is published or was there before the first
//! poll; after a burst the region above a gap, which is published too; and what the walk under way has met between the two.
//!
//! Every kind of cursor answers the same questions: where an element stands, what to keep in the context, and where the
//! mark is once a walk has reached it. The mark only rises. None of them trusts the order of elements within a page.

mod greatest;
mod known;
mod seen;
mod time;

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;

pub(crate) use self::greatest::Greatest;
pub(crate) use self::known::IdHash;
pub(crate) use self::seen::Seen;
pub(crate) use self::time::Times;
use crate::order::Order;
use crate::state::{Gap, State};

/// How a job type knows what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The greatest id is the newest.
    Greatest(Order),
    /// The newest instant, and the ids from so many seconds below it.
    Time { overlap_seconds: u32 },
    /// The ids seen, at least so many.
    Seen { keep: usize },
    /// A token of the API's own: whatever comes with it is new.
    Token,
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Below the mark: so is what follows it.
    Below,
    /// Known, at a place where something new may still turn up.
    Known,
    /// Published above the gap, or come since: it waits until the gap is closed.
    Above,
    /// Wanted.
    New,
}

/// An element as cursors see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'e> {
    pub(crate) id: &'e str,
    /// Always there for [`Kind::Time`].
    pub(crate) time: Option<Timestamp>,
}

/// What cannot be known. The messages say what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    #[error("the job's context has a `poll.{0}` that the channel's cursor cannot read")]
    Unreadable(&'static str),
    #[error(
        "more than {most} elements have the same time, and `cursor.time` cannot remember their ids: use another cursor",
        most = time::MAX_KNOWN
    )]
    Ties,
    #[error("the list has {0} elements, and `cursor.seen` remembers at most {most}: use another cursor", most = seen::MAX_KNOWN)]
    LongList(usize),
}

/// What a job knows.
#[derive(Debug, Clone)]
pub(crate) enum Ledger {
    Greatest(Greatest),
    Time(Times),
    Seen(Seen),
    Token(Option<String>),
}

impl Ledger {
    /// What a state tells. `now` is our clock.
    pub(crate) fn read(kind: Kind, state: &State, now: Timestamp) -> Result<Self, CursorError> {
        Ok(match kind {
            Kind::Greatest(order) => Self::Greatest(Greatest::read(order, state)?),
            Kind::Time { overlap_seconds } => Self::Time(Times::read(overlap_seconds, now, state)?),
            Kind::Seen { keep } => Self::Seen(Seen::read(keep, state)?),
            Kind::Token => Self::Token(state.cursor.clone()),
        })
    }

    /// The value of `{{ cursor }}`.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Greatest(greatest) => greatest.low().map(Cow::from),
            Self::Time(times) => times.from().map(|from| from.to_string().into()),
            Self::Seen(_) => None,
            Self::Token(token) => token.as_deref().map(Cow::from),
        }
    }

    /// How ids are ordered, where the cursor is one of ids.
    pub(crate) const fn order(&self) -> Option<Order> {
        match self {
            Self::Greatest(greatest) => Some(greatest.order()),
            Self::Time(_) | Self::Seen(_) | Self::Token(_) => None,
        }
    }

    /// Where an element stands.
    pub(crate) fn standing(&self, element: Element<'_>) -> Standing {
        match self {
            Self::Greatest(greatest) => greatest.standing(element.id),
            Self::Time(times) => times.standing(element),
            Self::Seen(seen) => seen.standing(element.id),
            Self::Token(_) => Standing::New,
        }
    }

    /// Which of two elements is newer, as far as that can be told without trusting their order.
    pub(crate) fn compare(&self, a: Element<'_>, b: Element<'_>) -> Ordering {
        match self {
            Self::Greatest(greatest) => greatest.order().compare(a.id, b.id),
            Self::Time(_) => a.time.cmp(&b.time),
            Self::Seen(_) | Self::Token(_) => Ordering::Equal,
        }
    }

    /// Whether elements can be placed in time or order at all.
    pub(crate) const fn is_ordered(&self) -> bool {
        match self {
            Self::Greatest(_) | Self::Time(_) => true,
            Self::Seen(_) | Self::Token(_) => false,
        }
    }

    /// Takes note of an element of a page, and where it stands.
    pub(crate) fn note(&mut self, element: Element<'_>, standing: Standing) {
        match self {
            Self::Greatest(greatest) => greatest.note(element.id, standing),
            Self::Time(times) => times.note(element, standing),
            Self::Seen(seen) => seen.note(element.id, standing),
            Self::Token(_) => {}
        }
    }

    /// A page of the walk ends here.
    pub(crate) fn end_page(&mut self) {
        if let Self::Seen(seen) = self {
            seen.end_page();
        }
    }

    /// Forgets what the walk has met: it begins anew.
    pub(crate) fn forget_walk(&mut self) {
        match self {
            Self::Greatest(greatest) => greatest.forget_walk(),
            Self::Time(times) => times.forget_walk(),
            Self::Seen(seen) => seen.forget_walk(),
            Self::Token(_) => {}
        }
    }

    /// The walk has reached the mark: it moves up to the newest that was met, and the gap is no more.
    pub(crate) fn raise(&mut self) -> Result<(), CursorError> {
        match self {
            Self::Greatest(greatest) => greatest.raise(),
            Self::Time(times) => times.raise()?,
            Self::Seen(seen) => seen.raise()?,
            Self::Token(_) => {}
        }
        Ok(())
    }

    /// What to keep of a walk that ends above the mark; `next` is where it goes on.
    pub(crate) fn gap(&self, next: Option<String>) -> Gap {
        match self {
            Self::Greatest(greatest) => greatest.gap(next),
            Self::Time(times) => times.gap(next),
            Self::Seen(seen) => seen.gap(next),
            Self::Token(_) => Gap { next, ..Gap::default() },
        }
    }

    /// Writes the mark.
    pub(crate) fn write(&self, state: &mut State) {
        match self {
            Self::Greatest(greatest) => state.cursor = greatest.low().map(str::to_owned),
            Self::Time(times) => times.write(state),
            Self::Seen(seen) => state.known = Some(seen.written()),
            Self::Token(token) => state.cursor.clone_from(token),
        }
    }
}
