//! Which cursors, pages and requests go together: what would compile, and lose items or never end.

use crate::channel::cursor::Cursor;
use crate::channel::file::{At, CursorFile, JobTypeFile};
use crate::channel::pages::{Follow, Pages};
use crate::channel::problem::Problems;
use crate::request::Endpoint;

/// Checks a job type whose parts are sound.
pub(super) fn check(
    file: &JobTypeFile,
    (cursor, pages, endpoint): (&Cursor, Option<&Pages>, &Endpoint),
    field: &str,
    problems: &mut Problems,
) {
    cursor_fits(&file.cursor, cursor, endpoint, &format!("{field}.cursor"), problems);
    let (Some(pages), Some(file)) = (pages, &file.pages) else { return };
    if let Some(message) = unfit(cursor, &pages.follow, endpoint) {
        problems.with(&file.follow, format!("{field}.pages.follow"), message);
    }
}

fn cursor_fits(
    file: &At<CursorFile>,
    cursor: &Cursor,
    endpoint: &Endpoint,
    field: &str,
    problems: &mut Problems,
) {
    match cursor {
        Cursor::Token(_) if !endpoint.follows_cursor() => {
            problems.with(file, field, "is never sent: name `{{ cursor }}` in the request");
        }
        Cursor::Seen { .. } if endpoint.follows_cursor() => {
            problems.with(file, field, "has no value that `{{ cursor }}` in the request could stand for");
        }
        Cursor::GreatestId(_) | Cursor::Time { .. } | Cursor::Seen { .. } | Cursor::Token(_) => {}
    }
}

/// Why pages cannot be followed with this cursor and this request.
fn unfit(cursor: &Cursor, follow: &Follow, endpoint: &Endpoint) -> Option<&'static str> {
    match (cursor, follow) {
        (Cursor::Token(_), Follow::Token) => None,
        (Cursor::Token(_), _) => Some("is `token` where the cursor is: such pages go forward"),
        (Cursor::GreatestId(_) | Cursor::Time { .. } | Cursor::Seen { .. }, Follow::Token) => {
            Some("is `token` only where the cursor is: write `cursor: {token: ...}`")
        }
        (Cursor::Seen { .. }, Follow::MaxId(_)) => Some(
            "cannot be `max_id` with `cursor.seen`, which does not know the oldest id: use `cursor.greatest_id` or `cursor.time`",
        ),
        (_, Follow::LinkHeader | Follow::Url(_)) if endpoint.body.is_some() => {
            Some("cannot be a URL for a request with a body: use `cursor`, `page` or `offset`")
        }
        (_, Follow::Cursor { parameter: None, .. }) if !endpoint.names_page() => {
            Some("has no `parameter`, and no template of the request says `{{ page }}`: give one")
        }
        (
            Cursor::GreatestId(_) | Cursor::Time { .. } | Cursor::Seen { .. },
            Follow::LinkHeader
            | Follow::MaxId(_)
            | Follow::Cursor { .. }
            | Follow::Url(_)
            | Follow::Page { .. }
            | Follow::Offset { .. },
        ) => None,
    }
}
