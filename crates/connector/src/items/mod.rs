//! From the document of a page to the items in it that are new.
//!
//! Every element must have an id; an element without one means that the channel no longer describes the API, and the
//! whole page is refused. Only new elements are mapped.

mod element;
mod mapping;
mod shape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use pollwheel_core::event::Item;

pub(crate) use self::shape::Reach;
use self::shape::Shape;
use crate::channel::ItemRules;
use crate::cursor::{Element, IdHash, Ledger, Standing};
use crate::select;

/// What a page held.
#[derive(Debug)]
pub(crate) struct Page {
    /// Elements on it, wanted or not.
    pub(crate) elements: usize,
    /// Wanted elements, also those that `items.keep` drops.
    pub(crate) fresh: usize,
    /// Whether what is below the mark begins on it.
    pub(crate) reach: Reach,
    /// Whether something on it lies above the gap: the walk goes on where an earlier one ended.
    pub(crate) touches: bool,
    /// The newest id on it, where ids or times have an order.
    pub(crate) newest: Option<String>,
    /// The oldest id on it that is above the mark, where ids or times have an order.
    pub(crate) lowest: Option<String>,
    /// Two pages with the same ids in the same order have the same.
    pub(crate) fingerprint: u64,
    /// The wanted items, oldest first.
    pub(crate) items: Vec<Found>,
}

/// An item, and its time for putting it in order.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) item: Item,
    pub(crate) time: Option<Timestamp>,
}

/// Which elements of a page are wanted.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Says where elements stand, and takes note of them.
    pub(crate) ledger: &'a mut Ledger,
    /// What earlier pages of the walk brought: none of these.
    pub(crate) met: &'a mut HashSet<IdHash>,
    /// At most so many, the newest.
    pub(crate) most: usize,
}

/// An element that is wanted.
struct Picked<'t> {
    id: Cow<'t, str>,
    time: Option<Timestamp>,
    element: select::Element<'t>,
}

/// Reads a page from its document.
///
/// # Errors
/// How it differs from what the channel declares, with the field and without content.
pub(crate) fn read(rules: &ItemRules, document: &str, wanted: Wanted<'_>) -> Result<Page, String> {
    let names = rules.is_picked().then_some(&rules.names);
    let page = rules.list.elements(document, names, |elements| page(rules, elements, wanted));
    page.map_err(|error| format!("`items.list`: {error}"))?
}

fn page<'t>(
    rules: &ItemRules,
    elements: Vec<select::Element<'t>>,
    wanted: Wanted<'_>,
) -> Result<Page, String> {
    let Wanted { ledger, met, most } = wanted;
    let count = elements.len();
    let mut shape = Shape::default();
    let mut fingerprint = 0_u64;
    let mut fresh: Vec<Picked<'t>> = Vec::new();
    for (index, mut element) in elements.into_iter().enumerate() {
        let id = element::id(rules, ledger, &mut element)
            .map_err(|error| format!("`items.id` of element {index}: {error}"))?;
        let time = element::placing_time(rules, ledger, &mut element)
            .map_err(|error| format!("`items.time` of element {index}: {error}"))?;
        let hash = IdHash::of(&id);
        fingerprint = fingerprint.rotate_left(7) ^ hash.number();
        let seen = Element { id: &id, time };
        let standing = ledger.standing(seen);
        ledger.note(seen, standing);
        shape.add(ledger, seen, standing);
        if standing == Standing::New && is_met_first(ledger, met, hash) {
            if fresh.is_empty() {
                // What is new comes together.
                fresh.reserve_exact(count - index);
            }
            fresh.push(Picked { id, time, element });
        }
    }
    ledger.end_page();
    let (reach, touches, fresh_count) = (shape.reach(), shape.touches(), fresh.len());
    let (newest, lowest) = shape.into_ends();
    let items = mapping::items(rules, ledger, fresh, most)?;
    Ok(Page { elements: count, fresh: fresh_count, reach, touches, newest, lowest, fingerprint, items })
}

/// Whether an element comes for the first time in this walk. Ids with an order are told apart when they are sorted, so that
/// a poll of one page, as most are, remembers none of them.
fn is_met_first(ledger: &Ledger, met: &mut HashSet<IdHash>, hash: IdHash) -> bool {
    match ledger {
        Ledger::Greatest(_) => met.is_empty() || !met.contains(&hash),
        Ledger::Time(_) | Ledger::Seen(_) | Ledger::Token(_) => met.insert(hash),
    }
}
