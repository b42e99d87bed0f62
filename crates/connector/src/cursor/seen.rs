//! The cursor for ids without any order: the set of those seen.
//!
//! Everything on the current page stays in the set, whatever its bound: what fell out would come back as new. Beyond the
//! bound, ids leave only as new ones come, so that a list which comes back after an outage is no news.

use std::collections::HashSet;

use super::known::{self, IdHash};
use super::{CursorError, Standing};
use crate::state::{Gap, State};

/// Most ids that are remembered: 8 characters each, so 10 KB of the context's 16, and a gap has room beside them.
pub(super) const MAX_KNOWN: usize = 1_200;
/// Of what is published above a gap, the first and the last so many: those that a walk meets again.
const MAX_UPPER_END: usize = 250;

/// What is known by its id.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    keep: usize,
    /// The most recent first.
    known: Vec<IdHash>,
    set: HashSet<IdHash>,
    /// Published above a gap, in the order of the walk.
    upper: Vec<IdHash>,
    /// New, in the order of the walk.
    met: Vec<IdHash>,
    /// All elements of the first page that came, known or not, and how many pages came.
    first_page: Vec<IdHash>,
    pages: usize,
}

impl Seen {
    pub(super) fn read(keep: usize, state: &State) -> Result<Self, CursorError> {
        let read = |text: &Option<String>, field| match text {
            None => Ok(Vec::new()),
            Some(text) => known::read(text).ok_or(CursorError::Unreadable(field)),
        };
        let known = read(&state.known, "known")?;
        let upper = match &state.gap {
            Some(gap) => read(&gap.known, "gap.known")?,
            None => Vec::new(),
        };
        let set = known.iter().copied().collect();
        Ok(Self { keep, known, set, upper, met: Vec::new(), first_page: Vec::new(), pages: 0 })
    }

    pub(super) fn standing(&self, id: &str) -> Standing {
        let hash = IdHash::of(id);
        if self.set.contains(&hash) {
            Standing::Below
        } else if self.upper.contains(&hash) {
            Standing::Above
        } else {
            Standing::New
        }
    }

    pub(super) fn note(&mut self, id: &str, standing: Standing) {
        let hash = IdHash::of(id);
        if self.pages == 0 {
            self.first_page.push(hash);
        }
        if standing == Standing::New {
            self.met.push(hash);
        }
    }

    pub(super) fn end_page(&mut self) {
        self.pages += 1;
    }

    pub(super) fn forget_walk(&mut self) {
        self.met.clear();
        self.first_page.clear();
        self.pages = 0;
    }

    pub(super) fn raise(&mut self) -> Result<(), CursorError> {
        let first_page = std::mem::take(&mut self.first_page);
        let (upper, met) = (std::mem::take(&mut self.upper), std::mem::take(&mut self.met));
        self.pages = 0;
        if upper.is_empty() && met.is_empty() {
            return Ok(());
        }
        if first_page.len() > MAX_KNOWN {
            return Err(CursorError::LongList(first_page.len()));
        }
        // One old id leaves for each new one.
        let rest = self.known.len().saturating_sub(met.len());
        let bound = self.keep.max(first_page.len()).max(rest).min(MAX_KNOWN);
        let before = std::mem::take(&mut self.known);
        let mut set = HashSet::with_capacity(bound);
        // Above a gap is what the next walk meets first.
        let all = upper.into_iter().chain(first_page).chain(met).chain(before);
        self.known = all.filter(|hash| set.len() < bound && set.insert(*hash)).collect();
        self.set = set;
        Ok(())
    }

    pub(super) fn gap(&self, next: Option<String>) -> Gap {
        let mut upper: Vec<_> = self.upper.iter().chain(&self.met).copied().collect();
        if upper.len() > 2 * MAX_UPPER_END {
            upper.drain(MAX_UPPER_END..upper.len() - MAX_UPPER_END);
        }
        Gap { known: (!upper.is_empty()).then(|| known::write(upper)), next, ..Gap::default() }
    }

    pub(super) fn written(&self) -> String {
        known::write(self.known.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(seen: &mut Seen, ids: std::ops::Range<usize>) -> usize {
        let mut new = 0;
        for id in ids.rev() {
            let id = format!("i{id}");
            let standing = seen.standing(&id);
            new += usize::from(standing == Standing::New);
            seen.note(&id, standing);
        }
        seen.end_page();
        new
    }

    fn again(seen: &Seen, keep: usize, gap: Option<Gap>) -> Seen {
        let state = State { known: Some(seen.written()), gap, ..State::default() };
        Seen::read(keep, &state).unwrap()
    }

    #[test]
    fn everything_on_the_page_stays_whatever_the_bound() {
        let mut seen = Seen::read(10, &State::default()).unwrap();
        assert_eq!(meet(&mut seen, 0..40), 40);
        seen.raise().unwrap();
        let mut seen = again(&seen, 10, None);
        assert_eq!(meet(&mut seen, 1..41), 1);
        seen.raise().unwrap();
        assert_eq!(seen.known.len(), 40);
        assert_eq!(meet(&mut again(&seen, 10, None), 1..41), 0);
    }

    #[test]
    fn r27_a_list_that_comes_back_after_an_outage_is_no_news() {
        let mut seen = Seen::read(10, &State::default()).unwrap();
        meet(&mut seen, 0..40);
        seen.raise().unwrap();
        let mut seen = again(&seen, 10, None);
        assert_eq!(meet(&mut seen, 0..0), 0);
        seen.raise().unwrap();
        // Cut short, with one new item in it.
        let mut seen = again(&seen, 10, None);
        assert_eq!(meet(&mut seen, 38..41), 1);
        seen.raise().unwrap();
        assert_eq!(meet(&mut again(&seen, 10, None), 2..41), 0);
    }

    #[test]
    fn what_is_published_above_a_gap_is_known_apart_from_what_is_below() {
        let mut seen = Seen::read(500, &State::default()).unwrap();
        meet(&mut seen, 0..5);
        seen.raise().unwrap();
        let mut seen = again(&seen, 500, None);
        assert_eq!(meet(&mut seen, 50..60), 10);
        let gap = seen.gap(Some("p1".to_owned()));
        let mut seen = again(&seen, 500, Some(gap));
        assert_eq!((seen.standing("i55"), seen.standing("i3")), (Standing::Above, Standing::Below));
        assert_eq!(meet(&mut seen, 0..52), 45);
        seen.raise().unwrap();
        assert_eq!(meet(&mut again(&seen, 500, None), 0..60), 0);
    }

    #[test]
    fn the_context_has_room_for_the_longest_set_and_gap() {
        let mut seen = Seen::read(1_000, &State::default()).unwrap();
        meet(&mut seen, 0..MAX_KNOWN);
        seen.raise().unwrap();
        for page in 1..9 {
            meet(&mut seen, page * 10_000..page * 10_000 + 200);
        }
        let gap = seen.gap(Some("x".repeat(1_024)));
        let state = State { known: Some(seen.written()), gap: Some(gap), ..State::default() };
        let context = state.into_context(&pollwheel_core::context::Context::empty());
        assert!(context.unwrap().as_json().len() < 15_000);
        let mut seen = Seen::read(10, &State::default()).unwrap();
        meet(&mut seen, 0..MAX_KNOWN + 1);
        assert_eq!(seen.raise(), Err(CursorError::LongList(MAX_KNOWN + 1)));
    }
}
