//! Where a page leads: the place of the next, older one.

use std::fmt::Display;

use http::header;

use super::walk::Place;
use crate::auth::Sending;
use crate::base_url::{self, Origin};
use crate::body_filter::{BodyFilter, JsonBody};
use crate::channel::{Follow, Pages};
use crate::exchange::Response;
use crate::items::Page;

/// Longest cursor in a body, in bytes.
const MAX_CURSOR_BYTES: usize = 4096;

/// What a page is followed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail<'a> {
    pub(super) response: &'a Response,
    pub(super) body: &'a JsonBody<'a>,
    pub(super) page: &'a Page,
    /// Where the page is.
    pub(super) here: &'a Place,
    /// Credentials do not leave it.
    pub(super) origin: &'a Origin,
    /// Takes credentials out of URLs.
    pub(super) sending: &'a Sending,
}

/// The place of the next page; none at the end.
///
/// # Errors
/// When what should lead to it cannot, with the field and without content.
pub(super) fn next(pages: &Pages, trail: Trail<'_>) -> Result<Option<Place>, String> {
    let more = pages.more.as_ref().map(|more| is_more(more, trail.body)).transpose()?;
    if more == Some(false) {
        return Ok(None);
    }
    let place = match &pages.follow {
        Follow::LinkHeader => trail.link()?,
        Follow::Url(filter) => trail.url(filter)?,
        Follow::Cursor { from, .. } => trail.cursor(from)?,
        Follow::MaxId(_) => return Ok(trail.page.lowest.clone().map(Place::Below)),
        Follow::Page { first, .. } => {
            return Ok(Some(match trail.here {
                Place::Number(number) => Place::Number(number.saturating_add(1)),
                Place::First
                | Place::Below(_)
                | Place::At(_)
                | Place::Cursor(_)
                | Place::Offset(_)
                | Place::Token => Place::Number(u64::from(*first) + 1),
            }));
        }
        Follow::Offset { .. } => {
            let before = match trail.here {
                Place::Offset(before) => *before,
                Place::First
                | Place::Below(_)
                | Place::At(_)
                | Place::Cursor(_)
                | Place::Number(_)
                | Place::Token => 0,
            };
            return Ok(Some(Place::Offset(before.saturating_add(trail.page.elements as u64))));
        }
        // Without `more` an empty page is the end.
        Follow::Token => return Ok((more == Some(true) || trail.page.elements > 0).then_some(Place::Token)),
    };
    if place.is_none() && more == Some(true) {
        return Err("`pages.more` says that there is more, but nothing leads there".to_owned());
    }
    Ok(place)
}

fn is_more(more: &BodyFilter, body: &JsonBody<'_>) -> Result<bool, String> {
    let value = more.value(body).map_err(|error| failed("more", &error))?;
    Ok(value.is_some_and(|value| value.get() != "false"))
}

fn failed(field: &str, error: &dyn Display) -> String {
    format!("`pages.{field}`: {error}")
}

impl Trail<'_> {
    fn link(&self) -> Result<Option<Place>, String> {
        let links = self.response.headers.get_all(header::LINK).iter();
        base_url::next_link(links).map(|link| self.at(link, "the link to the next page")).transpose()
    }

    fn url(&self, filter: &BodyFilter) -> Result<Option<Place>, String> {
        let url = filter.scalar(self.body).map_err(|error| failed("follow.url", &error))?;
        let url = url.filter(|url| !url.is_empty());
        url.map(|url| self.at(&url, "the URL of the next page")).transpose()
    }

    fn cursor(&self, from: &BodyFilter) -> Result<Option<Place>, String> {
        let cursor = from.scalar(self.body).map_err(|error| failed("follow.cursor.from", &error))?;
        match cursor.filter(|cursor| !cursor.is_empty()) {
            Some(cursor) if cursor.len() > MAX_CURSOR_BYTES => {
                Err(failed("follow.cursor.from", &format!("it is longer than {MAX_CURSOR_BYTES} bytes")))
            }
            cursor => Ok(cursor.map(Place::Cursor)),
        }
    }

    /// A URL that a response gave. It must not lead the credentials elsewhere, not even after a redirect, which left them
    /// behind; and those that the server wrote into it are not kept.
    fn at(&self, reference: &str, what: &str) -> Result<Place, String> {
        let uri = base_url::join(&self.response.uri, reference);
        let uri = self.sending.unsigned(uri.map_err(|error| format!("{what} cannot be followed: {error}"))?);
        if self.origin.holds(&uri) {
            Ok(Place::At(uri))
        } else {
            Err(format!("{what} leads to another origin"))
        }
    }
}
