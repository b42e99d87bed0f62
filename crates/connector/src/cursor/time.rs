//! The cursor for items with a time: from an instant on, everything is new whose id is not known.
//!
//! The instant is the newest time seen less the overlap, and never later than our clock: an item from the future must not
//! hide all that comes before its time. The ids known from there on are few: those of the same instant (ties), of the
//! overlap, and of the future.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::known::{self, IdHash};
use super::{CursorError, Element, Standing};
use crate::state::{Gap, State};

/// Most ids that are remembered: 14 characters each, so 11 KB of the context's 16.
pub(super) const MAX_KNOWN: usize = 800;

/// What is known by time.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    overlap: SignedDuration,
    now: Timestamp,
    from: Option<Timestamp>,
    /// Of what lies at `from` or later. In whole seconds, rounded down.
    known: HashMap<IdHash, i64>,
    upper: Option<Upper>,
    met: Vec<(IdHash, Timestamp)>,
}

/// What is published above a gap.
#[derive(Debug, Clone)]
struct Upper {
    newest: Timestamp,
    oldest: Timestamp,
    /// Ids at the oldest time, and those that the mark will need.
    known: HashMap<IdHash, i64>,
}

impl Times {
    pub(super) fn read(overlap_seconds: u32, now: Timestamp, state: &State) -> Result<Self, CursorError> {
        let time = |text: &Option<String>, field| match text {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| CursorError::Unreadable(field)),
        };
        let known = |text: &Option<String>, base: Option<Timestamp>, field| match (text, base) {
            (Some(text), Some(base)) => known::read_timed(text, base.as_second())
                .map(|entries| {
                    let mut known = HashMap::new();
                    learn(&mut known, entries);
                    known
                })
                .ok_or(CursorError::Unreadable(field)),
            (Some(_), None) | (None, _) => Ok(HashMap::new()),
        };
        let from = time(&state.cursor, "cursor")?;
        let mut upper = None;
        if let Some(gap) = &state.gap {
            let (newest, oldest) = (time(&gap.newest, "gap.newest")?, time(&gap.oldest, "gap.oldest")?);
            let known = known(&gap.known, oldest, "gap.known")?;
            upper = newest.zip(oldest).map(|(newest, oldest)| Upper { newest, oldest, known });
        }
        let known = known(&state.known, from, "known")?;
        let overlap = SignedDuration::from_secs(overlap_seconds.into());
        Ok(Self { overlap, now, from, known, upper, met: Vec::new() })
    }

    pub(super) const fn from(&self) -> Option<Timestamp> {
        self.from
    }

    pub(super) fn standing(&self, element: Element<'_>) -> Standing {
        let time = element.time.unwrap_or(Timestamp::MIN);
        if self.from.is_some_and(|from| time < from) {
            return Standing::Below;
        }
        let upper = self.upper.as_ref().filter(|upper| time >= upper.oldest);
        if upper.is_none() && self.known.is_empty() {
            return Standing::New;
        }
        let hash = IdHash::of(element.id);
        if self.known.contains_key(&hash) {
            return Standing::Known;
        }
        match upper {
            Some(upper) if time > upper.oldest || upper.known.contains_key(&hash) => Standing::Above,
            Some(_) | None => Standing::New,
        }
    }

    pub(super) fn note(&mut self, element: Element<'_>, standing: Standing) {
        if standing == Standing::New {
            self.met.push((IdHash::of(element.id), element.time.unwrap_or(Timestamp::MIN)));
        }
    }

    pub(super) fn forget_walk(&mut self) {
        self.met.clear();
    }

    /// From where on ids must be known when `newest` is the newest time.
    fn floor(&self, newest: Timestamp) -> Timestamp {
        newest.min(self.now).saturating_sub(self.overlap).unwrap_or(Timestamp::MIN)
    }

    /// The mark after a first page: above its oldest time, because of what lies further down nothing is known.
    fn first_mark(&self, newest: Timestamp) -> Timestamp {
        const NEXT: SignedDuration = SignedDuration::from_nanos(1);
        let oldest = self.met.iter().map(|(_, time)| *time).min().unwrap_or(newest);
        let above = oldest.saturating_add(NEXT).unwrap_or(oldest);
        self.floor(newest).max(above.min(newest))
    }

    fn newest(&self) -> Option<Timestamp> {
        let met = self.met.iter().map(|(_, time)| *time).max();
        met.max(self.upper.as_ref().map(|upper| upper.newest))
    }

    pub(super) fn raise(&mut self) -> Result<(), CursorError> {
        let Some(newest) = self.newest() else {
            self.upper = None;
            return Ok(());
        };
        let from = match self.from {
            Some(from) => from.max(self.floor(newest)),
            None => self.first_mark(newest),
        };
        let mut known = std::mem::take(&mut self.known);
        learn(&mut known, self.upper.take().into_iter().flat_map(|upper| upper.known));
        learn(&mut known, self.met.drain(..).map(|(hash, time)| (hash, floor_seconds(time))));
        let (from, known) = bounded(from, known)?;
        (self.from, self.known) = (Some(from), known);
        Ok(())
    }

    pub(super) fn gap(&self, next: Option<String>) -> Gap {
        let upper = self.upper.as_ref();
        let oldest = self.met.iter().map(|(_, time)| *time).min().or(upper.map(|upper| upper.oldest));
        let Some((newest, oldest)) = self.newest().zip(oldest) else {
            return Gap { next, ..Gap::default() };
        };
        let (ties, floor) = (floor_seconds(oldest), floor_seconds(self.floor(newest)));
        let met = self.met.iter().map(|(hash, time)| (*hash, floor_seconds(*time)));
        let before =
            upper.into_iter().flat_map(|upper| upper.known.iter().map(|(&hash, &time)| (hash, time)));
        let mut entries: Vec<_> =
            before.chain(met).filter(|(_, time)| *time == ties || *time >= floor).collect();
        entries.sort_unstable_by_key(|&(hash, time)| (std::cmp::Reverse(time), hash));
        entries.dedup();
        Gap {
            newest: Some(newest.to_string()),
            oldest: Some(oldest.to_string()),
            known: Some(known::write_timed(entries, floor_seconds(oldest))),
            next,
        }
    }

    pub(super) fn write(&self, state: &mut State) {
        state.cursor = self.from.map(|from| from.to_string());
        let mut entries: Vec<_> = self.known.iter().map(|(&hash, &time)| (hash, time)).collect();
        // The same knowledge is the same text.
        entries.sort_unstable_by_key(|&(hash, time)| (std::cmp::Reverse(time), hash));
        let base = self.from.map_or(0, floor_seconds);
        state.known = (!entries.is_empty()).then(|| known::write_timed(entries, base));
    }
}

/// Adds ids. One that stands in a page twice, under two times, is known for as long as the later of them counts.
fn learn(known: &mut HashMap<IdHash, i64>, entries: impl IntoIterator<Item = (IdHash, i64)>) {
    for (hash, time) in entries {
        known.entry(hash).and_modify(|known| *known = time.max(*known)).or_insert(time);
    }
}

/// The ids that are known from an instant on, and the instant: later when there are too many.
fn bounded(
    from: Timestamp,
    known: HashMap<IdHash, i64>,
) -> Result<(Timestamp, HashMap<IdHash, i64>), CursorError> {
    let least = floor_seconds(from);
    let mut entries: Vec<_> = known.into_iter().filter(|(_, time)| *time >= least).collect();
    if entries.len() <= MAX_KNOWN {
        return Ok((from, entries.into_iter().collect()));
    }
    entries.sort_unstable_by_key(|&(hash, time)| (std::cmp::Reverse(time), hash));
    let (newest, surplus) =
        (entries.first().map(|entry| entry.1), entries.get(MAX_KNOWN).map(|entry| entry.1));
    if newest == surplus {
        return Err(CursorError::Ties);
    }
    let least = surplus.unwrap_or(least).saturating_add(1);
    let from = Timestamp::from_second(least).unwrap_or(from);
    Ok((from, entries.into_iter().filter(|(_, time)| *time >= least).collect()))
}

/// Whole seconds, rounded down also before 1970.
fn floor_seconds(time: Timestamp) -> i64 {
    time.as_second().saturating_sub(i64::from(time.subsec_nanosecond() < 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(seconds).unwrap())
    }

    fn read(state: &State, overlap: u32, now: i64) -> Times {
        Times::read(overlap, at(now).unwrap(), state).unwrap()
    }

    fn meet(times: &mut Times, elements: &[(&str, i64)]) {
        for &(id, seconds) in elements {
            let element = Element { id, time: at(seconds) };
            let standing = times.standing(element);
            times.note(element, standing);
        }
    }

    fn standing(times: &Times, id: &str, seconds: i64) -> Standing {
        times.standing(Element { id, time: at(seconds) })
    }

    fn kept(times: &Times) -> State {
        let mut state = State::default();
        times.write(&mut state);
        state
    }

    #[test]
    fn ties_at_the_newest_time_are_told_apart() {
        let mut times = read(&State::default(), 0, 1_000);
        meet(&mut times, &[("a", 10), ("c", 20), ("b", 20)]);
        times.raise().unwrap();
        let times = read(&kept(&times), 0, 1_000);
        assert_eq!(times.from(), at(20));
        assert_eq!(standing(&times, "a", 10), Standing::Below);
        assert_eq!(standing(&times, "b", 20), Standing::Known);
        assert_eq!(standing(&times, "d", 20), Standing::New);
        assert_eq!(standing(&times, "e", 21), Standing::New);
    }

    #[test]
    fn what_comes_late_within_the_overlap_is_new() {
        let state = State { cursor: Some("1970-01-01T00:00:00Z".to_owned()), ..State::default() };
        let mut times = read(&state, 60, 1_000);
        meet(&mut times, &[("a", 100), ("b", 150)]);
        times.raise().unwrap();
        let mut times = read(&kept(&times), 60, 1_000);
        assert_eq!(standing(&times, "late", 120), Standing::New);
        assert_eq!(standing(&times, "a", 100), Standing::Known);
        assert_eq!(standing(&times, "too late", 89), Standing::Below);
        meet(&mut times, &[("late", 120)]);
        times.raise().unwrap();
        assert_eq!(
            (times.from(), standing(&times, "late", 120)),
            (at(90), Standing::Known),
            "the mark stays"
        );
    }

    #[test]
    fn below_the_first_page_nothing_is_new() {
        let mut times = read(&State::default(), 60, 1_000);
        meet(&mut times, &[("b", 110), ("a", 100)]);
        times.raise().unwrap();
        assert_eq!(standing(&times, "on the second page", 100), Standing::Below);
        assert_eq!(standing(&times, "late", 105), Standing::New);
    }

    #[test]
    fn an_item_from_the_future_hides_nothing() {
        let mut times = read(&State::default(), 0, 1_000);
        meet(&mut times, &[("far", 9_999_999), ("a", 900)]);
        times.raise().unwrap();
        let mut times = read(&kept(&times), 0, 1_010);
        assert_eq!((times.from(), standing(&times, "far", 9_999_999)), (at(1_000), Standing::Known));
        assert_eq!(standing(&times, "b", 1_005), Standing::New);
        meet(&mut times, &[("b", 1_005)]);
        times.raise().unwrap();
        let times = read(&kept(&times), 0, 1_020);
        assert_eq!(
            (standing(&times, "far", 9_999_999), standing(&times, "b", 1_005)),
            (Standing::Known, Standing::Known)
        );
    }

    #[test]
    fn an_id_that_stands_in_a_page_twice_is_known_by_its_later_time() {
        let mut times = read(&State::default(), 0, 1_000);
        meet(&mut times, &[("a", 5_000), ("twice", 9_000), ("twice", 400)]);
        times.raise().unwrap();
        let times = read(&kept(&times), 0, 1_060);
        assert_eq!(standing(&times, "twice", 9_000), Standing::Known);
    }

    #[test]
    fn a_gap_keeps_its_ends_and_their_ties() {
        let mut times =
            read(&State { cursor: Some("1970-01-01T00:00:10Z".to_owned()), ..State::default() }, 0, 1_000);
        meet(&mut times, &[("z", 90), ("y", 50), ("x", 50)]);
        let state = State { gap: Some(times.gap(Some("p2".to_owned()))), ..kept(&times) };
        let mut times = read(&state, 0, 1_000);
        assert_eq!(standing(&times, "w", 50), Standing::New, "a tie on the next page");
        assert_eq!(
            (standing(&times, "x", 50), standing(&times, "new", 91)),
            (Standing::Above, Standing::Above)
        );
        assert_eq!(standing(&times, "v", 30), Standing::New);
        meet(&mut times, &[("w", 50), ("v", 30)]);
        times.raise().unwrap();
        assert_eq!((times.from(), standing(&times, "z", 90)), (at(90), Standing::Known));
    }

    #[test]
    fn too_many_ids_shorten_the_overlap_and_too_many_ties_are_an_error() {
        let mut times = read(&State::default(), 100_000, 1_000_000);
        for n in 0..2_000 {
            meet(&mut times, &[(&format!("i{n}"), n)]);
        }
        times.raise().unwrap();
        assert_eq!((times.known.len(), times.from()), (MAX_KNOWN, at(1_200)));
        assert!(kept(&times).known.unwrap().len() < 12_000);
        let mut times = read(&State::default(), 0, 1_000_000);
        for n in 0..=MAX_KNOWN {
            meet(&mut times, &[(&format!("i{n}"), 5)]);
        }
        assert_eq!(times.raise(), Err(CursorError::Ties));
    }
}
