//! The way down a timeline: from its top, or from a gap, page by page towards the low-water mark.
//!
//! Pages are taken to follow one another from newest to oldest. Within a page nothing is taken from its order. Items that
//! appear meanwhile push older ones down onto the next page, where they are met again and dropped.

use http::Uri;

use crate::channel::{Follow, Pages};
use crate::items::Page;
use crate::order::Order;

/// Where a walk goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The first page.
    First,
    /// The page below an id.
    Below(String),
    /// The page at a URL.
    At(Uri),
}

/// Where a walk started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the newest item.
    Top,
    /// Within a gap.
    Gap,
}

/// One way down.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) start: Start,
    /// Only what is older than this is new: the rest was published before the gap.
    pub(super) below: Option<String>,
    pub(super) next: Next,
    /// The ends of what the walk has found.
    pub(super) newest: Option<String>,
    pub(super) oldest: Option<String>,
    /// The URLs of its pages.
    visited: Vec<Uri>,
}

/// What comes after a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The low-water mark, or the end.
    Reached,
    /// Another page.
    Onwards,
    /// The same page again.
    Circle(&'static str),
}

impl Walk {
    pub(super) const fn from_top() -> Self {
        Self {
            start: Start::Top,
            below: None,
            next: Next::First,
            newest: None,
            oldest: None,
            visited: Vec::new(),
        }
    }

    /// On with a gap, below `oldest`.
    pub(super) const fn from_gap(oldest: String, next: Next) -> Self {
        Self { start: Start::Gap, below: Some(oldest), next, newest: None, oldest: None, visited: Vec::new() }
    }

    /// Whether a URL was asked before, and that it is asked now.
    pub(super) fn visit(&mut self, uri: &Uri) -> Verdict {
        if self.visited.contains(uri) {
            return Verdict::Circle("the link to the next page leads to a page already seen");
        }
        self.visited.push(uri.clone());
        Verdict::Onwards
    }

    /// Takes note of a page and says what comes after it. `link` is where it says that the next page is.
    pub(super) fn after(
        &mut self,
        page: &Page,
        pages: Option<&Pages>,
        link: Option<Uri>,
        order: Order,
    ) -> Verdict {
        for item in &page.items {
            if self.newest.as_ref().is_none_or(|newest| order.is_newer(&item.id, newest)) {
                self.newest = Some(item.id.clone());
            }
            if self.oldest.as_ref().is_none_or(|oldest| order.is_newer(oldest, &item.id)) {
                self.oldest = Some(item.id.clone());
            }
        }
        let Some(pages) = pages else { return Verdict::Reached };
        if let (Next::Below(bound), Some(newest)) = (&self.next, &page.newest)
            && order.is_newer(newest, bound)
        {
            return Verdict::Circle("the page below an id holds newer ids: its parameter has no effect");
        }
        let is_short = pages.size.is_some_and(|size| page.elements < size);
        if page.elements == 0 || page.all_old || page.last_is_old || is_short {
            return Verdict::Reached;
        }
        self.onwards(page, pages, link)
    }

    fn onwards(&mut self, page: &Page, pages: &Pages, link: Option<Uri>) -> Verdict {
        let next = match (&pages.follow, link, &page.oldest_above) {
            (Follow::LinkHeader, Some(uri), _) => Next::At(uri),
            (Follow::MaxId(_), _, Some(oldest)) => Next::Below(oldest.clone()),
            (
                Follow::LinkHeader
                | Follow::MaxId(_)
                | Follow::Cursor { .. }
                | Follow::Url(_)
                | Follow::Page { .. }
                | Follow::Offset { .. }
                | Follow::Token,
                _,
                _,
            ) => return Verdict::Reached,
        };
        // A server whose pages include their bound ends with a page of nothing else.
        if matches!(next, Next::Below(_)) && next == self.next {
            return Verdict::Reached;
        }
        self.next = next;
        Verdict::Onwards
    }
}
