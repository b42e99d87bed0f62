//! Facebook: `GET /v{N}.{M}/{page-id}/posts`.
//!
//! As documented at <https://developers.facebook.com/docs/graph-api/reference/page/posts>,
//! <https://developers.facebook.com/docs/graph-api/results>, <https://developers.facebook.com/docs/graph-api/guides/error-handling>
//! and <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.

mod error;
mod post;
mod usage;

use std::borrow::Cow;

use hyper::header::HeaderMap;
use serde_json::{Value, json};

use self::usage::TokenKind;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query, bearer};
use crate::digits::{self, URL_64};
use crate::feed::{Feed, Slice};
use crate::timeline::{first_id, time_ms};
use crate::window::{Standing, Start};

/// Every cursor begins like this.
const CURSOR: &str = "QVFIU";

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct Facebook;

impl Api for Facebook {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        let (version, rest) = path.strip_prefix("/v")?.split_once('/')?;
        let (major, minor) = version.split_once('.')?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let page = rest.strip_suffix("/posts")?;
        (number(major) && number(minor)).then(|| Subject::Account(page.into()))
    }

    /// A parameter; the header is understood as well.
    fn token<'a>(&self, headers: &'a HeaderMap, query: Query<'a>) -> Option<Cow<'a, str>> {
        query.get("access_token").or_else(|| bearer(headers).map(Cow::Borrowed))
    }

    fn needs_token(&self, _call: &Call<'_>) -> Need {
        Need::Always
    }

    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    fn counts_by(&self, call: &Call<'_>) -> u64 {
        TokenKind::of(call).counts_by(call)
    }

    fn item_id(&self, account: &str, id: u64) -> String {
        post::id(account, id)
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        if let Some(code) = error::asked_for(&call.account) {
            return Err(Problem::Code(code));
        }
        let limit = call.query.number("limit").unwrap_or(25);
        if !(1..=100).contains(&limit) {
            return Err(Problem::Invalid("limit"));
        }
        // Seconds since 1970.
        let seconds = |name| call.query.number(name).map(|seconds| first_id(seconds.saturating_mul(1_000)));
        let above = seconds("since").map_or(0, |first| first.saturating_sub(1));
        let after = match call.query.get("after") {
            Some(cursor) => read_cursor(&cursor).ok_or(Problem::Invalid("after"))?,
            None => u64::MAX,
        };
        let below = seconds("until").unwrap_or(u64::MAX).min(after);
        let slice = feed.slice(above, below, usize::try_from(limit).unwrap_or(0), usize::MAX);
        let etag = api::fingerprint(call, slice.ids.iter().copied());
        let etag = format!("\"{etag:032x}\"");
        Ok(Content::json(slice.ids.len(), move || body(call, &slice).to_string()).with_etag(etag))
    }

    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer {
        error::answer(problem, call)
    }

    fn add_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, standing: &Standing) {
        usage::add_headers(headers, call, standing);
        api::set(headers, "facebook-api-version", call.path.split('/').nth(1).unwrap_or_default());
        api::set(headers, "cache-control", "private, no-cache, no-store, must-revalidate");
    }
}

fn body(call: &Call<'_>, slice: &Slice) -> Value {
    let fields = call.query.get("fields").unwrap_or("created_time,message".into());
    let mut body = json!({"data": post::all(&call.account, &slice.ids, &fields)});
    let (Some(&newest), Some(&oldest)) = (slice.ids.first(), slice.ids.last()) else { return body };
    let (before, after) = (cursor(newest), cursor(oldest));
    body["paging"] = json!({"cursors": {"before": before, "after": after}});
    let link = |changes: &[(&str, Option<&str>)]| {
        format!("{}{}?{}", call.base_url(), call.path, call.query.with(changes))
    };
    if slice.more {
        body["paging"]["next"] = link(&[("after", Some(&after)), ("before", None)]).into();
    }
    body
}

fn cursor(id: u64) -> String {
    format!("{CURSOR}{}", digits::write(id, URL_64, 11))
}

fn read_cursor(cursor: &str) -> Option<u64> {
    let id = digits::read(cursor.strip_prefix(CURSOR)?, URL_64)?;
    (time_ms(id) > 0).then_some(id)
}
