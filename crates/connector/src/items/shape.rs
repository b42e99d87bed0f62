//! The shape of a page: where its elements stand, in which order, and whether what is below the mark begins on it.
//!
//! A page proves its order or is not trusted: only when its elements come newest first, apart from old ones at its very
//! top (pinned ones), does an old element at its end mean that all further pages are old.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::cursor::{Element, Ledger, Standing};

/// How far down a page reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// There is more above the mark on further pages, as far as can be told.
    Above,
    /// Nothing on it is new, but something new may still turn up further down.
    Known,
    /// What is below the mark begins on it.
    Mark,
}

/// Elements, one after the other.
#[derive(Debug, Default)]
pub(super) struct Shape {
    run: Run,
    is_mixed: bool,
    touches: bool,
    has_fresh: bool,
    newest: Option<End>,
    lowest: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Run {
    /// Nothing, or only what is below the mark.
    #[default]
    Top,
    /// Above the mark.
    Upper,
    /// Below it again.
    Lower,
}

#[derive(Debug)]
struct End {
    id: String,
    time: Option<Timestamp>,
}

impl End {
    fn element(&self) -> Element<'_> {
        Element { id: &self.id, time: self.time }
    }

    fn set(place: &mut Option<Self>, element: Element<'_>) {
        match place {
            Some(end) => {
                // Keeps the memory: on a page from new to old every element is a new end.
                element.id.clone_into(&mut end.id);
                end.time = element.time;
            }
            None => *place = Some(Self { id: element.id.to_owned(), time: element.time }),
        }
    }
}

impl Shape {
    pub(super) fn add(&mut self, ledger: &Ledger, element: Element<'_>, standing: Standing) {
        let is_below = standing == Standing::Below;
        self.has_fresh |= matches!(standing, Standing::New | Standing::Above);
        self.touches |= standing == Standing::Above;
        match (self.run, is_below) {
            (Run::Top, true) | (Run::Lower, true) | (Run::Upper, false) => {}
            (Run::Top, false) => self.run = Run::Upper,
            (Run::Upper, true) => self.run = Run::Lower,
            (Run::Lower, false) => self.is_mixed = true,
        }
        if !ledger.is_ordered() {
            return;
        }
        let compared = |end: &Option<End>| end.as_ref().map(|end| ledger.compare(element, end.element()));
        if compared(&self.newest).is_none_or(Ordering::is_gt) {
            End::set(&mut self.newest, element);
        }
        if !is_below {
            match compared(&self.lowest) {
                Some(Ordering::Greater) => self.is_mixed = true,
                // Of several at the same time the last, so that the page below it is another one.
                Some(Ordering::Equal | Ordering::Less) | None => End::set(&mut self.lowest, element),
            }
        }
    }

    pub(super) fn reach(&self) -> Reach {
        match self.run {
            Run::Top => Reach::Mark,
            Run::Lower if !self.is_mixed => Reach::Mark,
            Run::Upper | Run::Lower if !self.has_fresh => Reach::Known,
            Run::Upper | Run::Lower => Reach::Above,
        }
    }

    pub(super) const fn touches(&self) -> bool {
        self.touches
    }

    pub(super) fn into_ends(self) -> (Option<String>, Option<String>) {
        (self.newest.map(|end| end.id), self.lowest.map(|end| end.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Order;
    use crate::cursor::Kind;
    use crate::state::State;

    fn shape(ids: &[&str]) -> Shape {
        let state = State { cursor: Some("10".to_owned()), ..State::default() };
        let ledger = Ledger::read(Kind::Greatest(Order::Numeric), &state, Timestamp::UNIX_EPOCH).unwrap();
        let mut shape = Shape::default();
        for id in ids {
            let element = Element { id, time: None };
            shape.add(&ledger, element, ledger.standing(element));
        }
        shape
    }

    #[test]
    fn only_a_page_that_proves_its_order_ends_the_walk_with_an_old_element() {
        for (ids, reach) in [
            (&["30", "20", "9", "8"][..], Reach::Mark),
            (&["9", "8"], Reach::Mark),
            (&["30", "20", "11"], Reach::Above),
            // A pinned one says nothing.
            (&["3", "30", "20"], Reach::Above),
            (&["3", "30", "20", "9"], Reach::Mark),
            // No order, or the other one.
            (&["20", "30", "9"], Reach::Above),
            (&["30", "9", "20", "8"], Reach::Above),
            (&["8", "9", "20", "30"], Reach::Above),
            (&["20", "20", "9"], Reach::Mark),
        ] {
            assert_eq!(shape(ids).reach(), reach, "{ids:?}");
        }
    }

    #[test]
    fn the_ends_are_found_whatever_the_order() {
        let (newest, lowest) = shape(&["20", "100", "9", "30"]).into_ends();
        assert_eq!((newest.as_deref(), lowest.as_deref()), (Some("100"), Some("20")));
        assert_eq!(shape(&["9"]).into_ends(), (Some("9".to_owned()), None));
    }
}
