//! `cursor`.

use super::headers::header_name;
use super::{body_filter, within};
use crate::channel::cursor::{Cursor, TokenSource};
use crate::channel::file::{At, CursorFile, TextOr, TokenFile};
use crate::channel::problem::Problems;

/// Ids that are remembered, unless the channel says otherwise.
const DEFAULT_KEEP: u32 = 500;
/// Longest overlap below the newest time: a week, in seconds.
const MAX_OVERLAP_SECONDS: u32 = 7 * 86_400;

pub(super) fn cursor(
    file: &At<CursorFile>,
    has_time: HasTime,
    field: &str,
    problems: &mut Problems,
) -> Option<Cursor> {
    Some(match &file.value {
        CursorFile::GreatestId(order) => Cursor::GreatestId(*order),
        CursorFile::Time(time) => {
            if has_time == HasTime::No {
                problems.with(file, format!("{field}.time"), "needs `items.time`");
            }
            let at = format!("{field}.time.overlap_seconds");
            let overlap = within(time.overlap_seconds.as_ref(), at, 0..=MAX_OVERLAP_SECONDS, problems);
            Cursor::Time { overlap_seconds: overlap.unwrap_or(0) }
        }
        CursorFile::Seen(seen) => {
            let keep = within(seen.keep.as_ref(), format!("{field}.seen.keep"), 10..=1_000, problems);
            Cursor::Seen { keep: usize::try_from(keep.unwrap_or(DEFAULT_KEEP)).unwrap_or(usize::MAX) }
        }
        CursorFile::Token(token) => Cursor::Token(source(token, &format!("{field}.token.from"), problems)?),
    })
}

/// Whether items have a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HasTime {
    Yes,
    No,
}

fn source(file: &TokenFile, field: &str, problems: &mut Problems) -> Option<TokenSource> {
    match &file.from.value {
        TextOr::Text(code) => {
            let code = At { value: code.clone(), place: file.from.place };
            body_filter(&code, field, problems).map(TokenSource::Body)
        }
        TextOr::Map(fields) => {
            let name = &fields.header;
            header_name(name, &format!("{field}.header"), &name.value, problems).map(TokenSource::Header)
        }
    }
}
