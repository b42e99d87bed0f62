//! How a poll knows what is new.

use http::HeaderName;

pub(crate) use super::file::Order;
use crate::body_filter::BodyFilter;

/// How a poll knows what is new.
#[derive(Debug)]
#[expect(dead_code, reason = "the other cursors follow")]
pub(crate) enum Cursor {
    /// What is greater than the greatest id so far.
    GreatestId(Order),
    /// What is newer than the newest time so far, and was not seen at it or within so many seconds below.
    Time { overlap_seconds: u32 },
    /// What is not among the ids that were seen: so many are kept.
    Seen { keep: usize },
    /// What comes after a token of the API's own.
    Token(TokenSource),
}

/// Where the API's own token is.
#[derive(Debug)]
#[expect(dead_code, reason = "the other cursors follow")]
pub(crate) enum TokenSource {
    Body(BodyFilter),
    Header(HeaderName),
}
