//! The cursor for ids that grow: the greatest id seen.

use super::{CursorError, Standing};
use crate::order::Order;
use crate::state::{Gap, State};

/// The greatest id, and the ends of what is known above it.
#[derive(Debug, Clone)]
pub(crate) struct Greatest {
    order: Order,
    low: Option<String>,
    /// The newest and oldest id published above the gap.
    upper: Option<(String, String)>,
    /// The newest and oldest id that the walk has met.
    met: Option<(String, String)>,
}

impl Greatest {
    pub(super) fn read(order: Order, state: &State) -> Result<Self, CursorError> {
        let check = |id: &Option<String>, field| match id {
            Some(id) if !order.accepts(id) => Err(CursorError::Unreadable(field)),
            Some(_) | None => Ok(()),
        };
        check(&state.cursor, "cursor")?;
        let mut upper = None;
        if let Some(gap) = &state.gap {
            check(&gap.newest, "gap.newest")?;
            check(&gap.oldest, "gap.oldest")?;
            upper = gap.newest.clone().zip(gap.oldest.clone());
        }
        Ok(Self { order, low: state.cursor.clone(), upper, met: None })
    }

    pub(super) fn low(&self) -> Option<&str> {
        self.low.as_deref()
    }

    pub(super) const fn order(&self) -> Order {
        self.order
    }

    pub(super) fn standing(&self, id: &str) -> Standing {
        if self.low.as_ref().is_some_and(|low| !self.order.is_newer(id, low)) {
            Standing::Below
        } else if self.upper.as_ref().is_some_and(|(_, oldest)| !self.order.is_newer(oldest, id)) {
            Standing::Above
        } else {
            Standing::New
        }
    }

    pub(super) fn note(&mut self, id: &str, standing: Standing) {
        if standing != Standing::New {
            return;
        }
        let order = self.order;
        let Some((newest, oldest)) = &mut self.met else {
            self.met = Some((id.to_owned(), id.to_owned()));
            return;
        };
        if order.is_newer(id, newest) {
            id.clone_into(newest);
        }
        if order.is_newer(oldest, id) {
            id.clone_into(oldest);
        }
    }

    pub(super) fn forget_walk(&mut self) {
        self.met = None;
    }

    pub(super) fn raise(&mut self) {
        let (upper, met) = (self.upper.take(), self.met.take());
        for (newest, _) in upper.into_iter().chain(met) {
            if self.low.as_ref().is_none_or(|low| self.order.is_newer(&newest, low)) {
                self.low = Some(newest);
            }
        }
    }

    pub(super) fn gap(&self, next: Option<String>) -> Gap {
        let newest = self.upper.as_ref().or(self.met.as_ref()).map(|(newest, _)| newest.clone());
        let oldest = self.met.as_ref().or(self.upper.as_ref()).map(|(_, oldest)| oldest.clone());
        // The page below the oldest id needs no other name.
        let next = next.filter(|next| oldest.as_ref() != Some(next));
        Gap { newest, oldest, known: None, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cursor: Option<&str>, gap: Option<(&str, &str)>) -> Greatest {
        let gap = gap.map(|(newest, oldest)| Gap {
            newest: Some(newest.to_owned()),
            oldest: Some(oldest.to_owned()),
            ..Gap::default()
        });
        let state = State { cursor: cursor.map(str::to_owned), gap, ..State::default() };
        Greatest::read(Order::Numeric, &state).unwrap()
    }

    #[test]
    fn a_gap_lies_between_the_mark_and_what_was_published_above_it() {
        let greatest = read(Some("10"), Some(("90", "50")));
        let standing = |id| greatest.standing(id);
        assert_eq!((standing("9"), standing("10")), (Standing::Below, Standing::Below));
        assert_eq!((standing("11"), standing("49")), (Standing::New, Standing::New));
        assert_eq!((standing("50"), standing("91")), (Standing::Above, Standing::Above));
    }

    #[test]
    fn the_mark_rises_over_the_gap_and_never_falls() {
        let mut greatest = read(Some("10"), Some(("90", "50")));
        for id in ["20", "49", "30"] {
            greatest.note(id, Standing::New);
        }
        let gap = greatest.gap(Some("p3".to_owned()));
        assert_eq!((gap.newest.as_deref(), gap.oldest.as_deref()), (Some("90"), Some("20")));
        greatest.raise();
        assert_eq!(greatest.low(), Some("90"));
        greatest.note("80", Standing::New);
        greatest.raise();
        assert_eq!(greatest.low(), Some("90"));
    }

    #[test]
    fn an_id_of_another_order_is_refused() {
        let state = State { cursor: Some("at://x".to_owned()), ..State::default() };
        assert_eq!(Greatest::read(Order::Numeric, &state).unwrap_err(), CursorError::Unreadable("cursor"));
    }
}
