//! Where items are in a response.

pub(crate) use crate::format::Format;
use crate::pick::Names;
use crate::select::{List, Selector};

/// Where items are in a response, and what becomes of them.
#[derive(Debug)]
pub(crate) struct ItemRules {
    pub(crate) format: Format,
    pub(crate) list: List,
    pub(crate) keep: Option<Selector>,
    pub(crate) id: Selector,
    pub(crate) time: Option<Selector>,
    pub(crate) kind: Kind,
    pub(crate) subject: Option<Selector>,
    pub(crate) data: Selector,
    pub(crate) dedupe_version: u32,
    /// The members that the selectors pick.
    pub(crate) names: Names,
}

/// The events' type.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The same for all.
    Fixed(String),
    /// A function of the element.
    Selected(Selector),
}

impl ItemRules {
    /// Whether the picked members are all that is needed of an element.
    pub(crate) fn is_picked(&self) -> bool {
        let kind = match &self.kind {
            Kind::Fixed(_) => None,
            Kind::Selected(selector) => Some(selector),
        };
        let optional = [self.keep.as_ref(), self.time.as_ref(), self.subject.as_ref(), kind];
        optional.into_iter().flatten().chain([&self.id, &self.data]).all(Selector::is_pick)
    }
}
