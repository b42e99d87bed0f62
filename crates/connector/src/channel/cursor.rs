//! How a poll knows what is new.

use http::HeaderName;

pub(crate) use super::file::Order;
use crate::body_filter::BodyFilter;
use crate::cursor::Kind;

/// How a poll knows what is new.
#[derive(Debug)]
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
pub(crate) enum TokenSource {
    Body(BodyFilter),
    Header(HeaderName),
}

impl Cursor {
    /// What kind of cursor it is.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::GreatestId(order) => Kind::Greatest(*order),
            Self::Time { overlap_seconds } => Kind::Time { overlap_seconds: *overlap_seconds },
            Self::Seen { keep } => Kind::Seen { keep: *keep },
            Self::Token(_) => Kind::Token,
        }
    }
}
