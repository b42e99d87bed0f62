//! The way down a timeline: from its top, or from a gap, page by page towards the low-water mark.
//!
//! Pages are taken to follow one another from newest to oldest. Within a page nothing is taken from its order. Items that
//! appear meanwhile push older ones down onto the next page, where they are met again and dropped; items that are deleted
//! meanwhile pull older ones up. So a walk that goes on where an earlier poll ended asks for that poll's last page again,
//! and begins anew at the first page when that page has lost touch with what was published.

use std::borrow::Cow;

use http::Uri;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::channel::{Follow, Pages};
use crate::cursor::Ledger;
use crate::exchange::Outbound;
use crate::items::{Page, Reach};

/// Longest place that is kept in the context, in bytes. From a longer one the walk begins anew.
const MAX_KEPT_BYTES: usize = 2048;

/// A page of fewer elements proves nothing by coming twice: as many may have been posted on top meanwhile.
const LEAST_REPEATED: usize = 3;

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At the top.
    First,
    /// Below an id.
    Below(String),
    /// At a URL, without the credentials that belong into it.
    At(Uri),
    /// Where a cursor of the body leads.
    Cursor(String),
    /// At a number.
    Number(u64),
    /// After so many elements.
    Offset(u64),
    /// After the cursor's own token.
    Token,
}

impl Place {
    /// Reads what [`Self::kept`] wrote. What cannot be read is the first page.
    pub(super) fn read(kept: Option<&str>, follow: &Follow) -> Self {
        let Some(kept) = kept else { return Self::First };
        let place = match follow {
            Follow::LinkHeader | Follow::Url(_) => kept.parse().ok().map(Self::At),
            Follow::MaxId(_) => Some(Self::Below(kept.to_owned())),
            Follow::Cursor { .. } => Some(Self::Cursor(kept.to_owned())),
            Follow::Page { .. } => kept.parse().ok().map(Self::Number),
            Follow::Offset { .. } => kept.parse().ok().map(Self::Offset),
            Follow::Token => None,
        };
        place.unwrap_or(Self::First)
    }

    /// The place as it stands in the context; none for the first page.
    pub(super) fn kept(&self) -> Option<String> {
        let kept = match self {
            Self::First | Self::Token => None,
            Self::Below(id) => Some(id.clone()),
            Self::At(uri) => Some(uri.to_string()),
            Self::Cursor(cursor) => Some(cursor.clone()),
            Self::Number(number) | Self::Offset(number) => Some(number.to_string()),
        };
        kept.filter(|kept| kept.len() <= MAX_KEPT_BYTES)
    }

    /// The value of `{{ page }}`.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::First | Self::Token | Self::At(_) => None,
            Self::Below(text) | Self::Cursor(text) => Some(text.into()),
            Self::Number(number) | Self::Offset(number) => Some(number.to_string().into()),
        }
    }
}

/// Where a walk started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the newest item.
    Top,
    /// Within a gap.
    Gap,
}

/// Whether a walk still has to find its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Footing {
    /// The page under way was kept by an earlier poll: it may have moved, or be no more.
    Kept,
    /// The walk stands where it should.
    Sure,
}

/// One way down.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) start: Start,
    pub(super) footing: Footing,
    /// The page under way.
    pub(super) next: Place,
    /// The last page that was read.
    pub(super) here: Option<Place>,
    /// The requests for its pages.
    visited: Vec<u64>,
    fingerprint: Option<u64>,
}

/// What comes after a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The low-water mark, or the end.
    Reached,
    /// Another page.
    Onwards,
    /// Another page, on which only what came late can be.
    Lookback,
    /// The page is not where it was: the walk begins anew.
    Astray,
    /// The same page again.
    Circle(&'static str),
}

impl Walk {
    pub(super) const fn from_top() -> Self {
        Self::new(Start::Top, Footing::Sure, Place::First)
    }

    /// On with a gap.
    pub(super) fn from_gap(next: Place) -> Self {
        let footing = match next {
            // An id is a bound, wherever its page is.
            Place::First | Place::Below(_) | Place::Token => Footing::Sure,
            Place::At(_) | Place::Cursor(_) | Place::Number(_) | Place::Offset(_) => Footing::Kept,
        };
        Self::new(Start::Gap, footing, next)
    }

    const fn new(start: Start, footing: Footing, next: Place) -> Self {
        Self { start, footing, next, here: None, visited: Vec::new(), fingerprint: None }
    }

    /// Whether a request was made before, and that it is made now.
    pub(super) fn visit(&mut self, outbound: &Outbound) -> Verdict {
        let key = key(outbound);
        if self.visited.contains(&key) {
            return Verdict::Circle("the next page is one already seen");
        }
        self.visited.push(key);
        Verdict::Onwards
    }

    /// Takes note of a page and says what comes after it. `next` is where it leads.
    pub(super) fn after(
        &mut self,
        page: &Page,
        ledger: &Ledger,
        pages: Option<&Pages>,
        next: Option<Place>,
    ) -> Verdict {
        let Some(pages) = pages else { return Verdict::Reached };
        if self.footing == Footing::Kept && !page.touches {
            return Verdict::Astray;
        }
        self.footing = Footing::Sure;
        if let Some(reason) = self.repeats(page, ledger) {
            return Verdict::Circle(reason);
        }
        self.here = Some(self.next.clone());
        let is_short = pages.size.is_some_and(|size| page.elements < size);
        let is_over = match &pages.follow {
            // A page may be empty because its items were filtered.
            Follow::LinkHeader | Follow::Url(_) | Follow::Cursor { .. } | Follow::Token => false,
            Follow::MaxId(_) | Follow::Page { .. } | Follow::Offset { .. } => page.elements == 0,
        };
        let at_mark = page.elements > 0 && page.reach == Reach::Mark;
        match next {
            Some(next) if !(is_short || is_over || at_mark) => self.onwards(page, next),
            Some(_) | None => Verdict::Reached,
        }
    }

    /// Why a page cannot be another one than before.
    fn repeats(&mut self, page: &Page, ledger: &Ledger) -> Option<&'static str> {
        let before = self.fingerprint.replace(page.fingerprint);
        match (&self.next, ledger.order(), &page.newest) {
            (Place::Below(bound), Some(order), Some(newest)) => order
                .is_newer(newest, bound)
                .then_some("the page below an id holds newer ids: its parameter has no effect"),
            (_, _, _) => (page.elements >= LEAST_REPEATED && before == Some(page.fingerprint))
                .then_some("the next page is the same as the one before"),
        }
    }

    fn onwards(&mut self, page: &Page, next: Place) -> Verdict {
        // A server whose pages include their bound ends with a page of nothing else.
        if matches!(next, Place::Below(_)) && next == self.next {
            return Verdict::Reached;
        }
        self.next = next;
        match page.reach {
            Reach::Known if page.elements > 0 => Verdict::Lookback,
            Reach::Known | Reach::Above | Reach::Mark => Verdict::Onwards,
        }
    }

    /// Begins anew at the first page.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.start, Footing::Sure, Place::First);
    }

    /// Where a later poll goes on. With an id as bound that is the next page; otherwise the last one that was read, which
    /// shows whether pages have moved meanwhile.
    pub(super) fn resumption(&self) -> &Place {
        match (&self.next, &self.here) {
            (Place::Below(_), _) | (_, None) => &self.next,
            (_, Some(here)) => here,
        }
    }
}

/// A short name for a request. Each part's hash is the seed of the next one's, so parts do not run together.
fn key(outbound: &Outbound) -> u64 {
    let (path, query) = (outbound.uri.path(), outbound.uri.query().unwrap_or_default());
    [path.as_bytes(), query.as_bytes(), &outbound.body]
        .into_iter()
        .fold(0, |seed, part| xxh3_64_with_seed(part, seed))
}
