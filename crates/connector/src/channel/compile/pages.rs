//! `pages`.

use super::{absent, body_filter, within};
use crate::channel::file::{FollowFile, PagesFile, Text};
use crate::channel::pages::{Follow, Pages};
use crate::channel::problem::Problems;
use crate::template::percent_encode;

/// Pages in one poll, unless the channel says otherwise.
const DEFAULT_PAGE_LIMIT: u32 = 5;
/// Most pages in one poll that a channel may ask for.
const MAX_PAGE_LIMIT: u32 = 50;
/// Largest page.
const MAX_PAGE_SIZE: u32 = 10_000;

pub(super) fn pages(file: &PagesFile, field: &str, problems: &mut Problems) -> Option<Pages> {
    let follow = follow(&file.follow.value, &format!("{field}.follow"), problems);
    let more = match &file.more {
        Some(code) => body_filter(code, format!("{field}.more"), problems).map(Some),
        None => absent(),
    };
    let size = within(file.size.as_ref(), format!("{field}.size"), 1..=MAX_PAGE_SIZE, problems);
    let limit = within(file.limit.as_ref(), format!("{field}.limit"), 1..=MAX_PAGE_LIMIT, problems);
    Some(Pages {
        follow: follow?,
        more: more?,
        size: size.and_then(|size| usize::try_from(size).ok()),
        limit: limit.unwrap_or(DEFAULT_PAGE_LIMIT),
    })
}

fn follow(file: &FollowFile, field: &str, problems: &mut Problems) -> Option<Follow> {
    Some(match file {
        FollowFile::LinkHeader => Follow::LinkHeader,
        FollowFile::Token => Follow::Token,
        FollowFile::MaxId(name) => Follow::MaxId(parameter(name, &format!("{field}.max_id"), problems)),
        FollowFile::Cursor(cursor) => Follow::Cursor {
            from: body_filter(&cursor.from, format!("{field}.cursor.from"), problems)?,
            parameter: cursor
                .parameter
                .as_ref()
                .map(|name| parameter(name, &format!("{field}.cursor.parameter"), problems)),
        },
        FollowFile::Url(code) => Follow::Url(body_filter(code, format!("{field}.url"), problems)?),
        FollowFile::Page(page) => Follow::Page {
            parameter: parameter(&page.parameter, &format!("{field}.page.parameter"), problems),
            first: page.first,
        },
        FollowFile::Offset(offset) => Follow::Offset {
            parameter: parameter(&offset.parameter, &format!("{field}.offset.parameter"), problems),
        },
    })
}

fn parameter(name: &Text, field: &str, problems: &mut Problems) -> String {
    if name.value.is_empty() {
        problems.with(name, field, "is empty: name the query parameter");
    }
    let mut encoded = String::new();
    percent_encode(&name.value, &mut encoded);
    encoded
}
