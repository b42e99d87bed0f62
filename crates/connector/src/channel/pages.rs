//! How to get from a page to the next one.

use crate::body_filter::BodyFilter;

/// How to get from a page to the next, older one.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) follow: Follow,
    /// False or null means that there are no more pages.
    pub(crate) more: Option<BodyFilter>,
    /// A page with fewer elements is the last.
    pub(crate) size: Option<usize>,
    /// Most pages in one poll.
    pub(crate) limit: u32,
}

/// What names the next page. Parameters are percent-encoded.
#[derive(Debug)]
pub(crate) enum Follow {
    /// `Link: <...>; rel="next"`.
    LinkHeader,
    /// A parameter that asks for what is older than an id.
    MaxId(String),
    /// A cursor in the body, for a parameter or for `{{ page }}`.
    Cursor { from: BodyFilter, parameter: Option<String> },
    /// A URL in the body.
    Url(BodyFilter),
    /// A parameter with the number of the page.
    Page { parameter: String, first: u32 },
    /// A parameter with the number of elements before the page.
    Offset { parameter: String },
    /// The cursor's own token.
    Token,
}
