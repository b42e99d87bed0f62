//! Mastodon: `GET /api/v1/accounts/{id}/statuses` and `GET /api/v1/notifications`.
//!
//! Parameters, paging and headers as documented at <https://docs.joinmastodon.org/methods/accounts/#statuses>,
//! <https://docs.joinmastodon.org/methods/notifications/#get>, <https://docs.joinmastodon.org/api/guidelines/#pagination>
//! and <https://docs.joinmastodon.org/api/rate-limits/>.

mod notification;
mod status;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use self::notification::Wanted;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::dates;
use crate::feed::Feed;
use crate::window::{Standing, Start};

const NOTIFICATIONS: &str = "/api/v1/notifications";

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct Mastodon;

impl Api for Mastodon {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        if path == NOTIFICATIONS {
            return Some(Subject::TokenOwner);
        }
        let id = path.strip_prefix("/api/v1/accounts/")?.strip_suffix("/statuses")?;
        Some(Subject::Account(id.into()))
    }

    fn needs_token(&self, call: &Call<'_>) -> Need {
        if call.path == NOTIFICATIONS { Need::Always } else { Need::Optional }
    }

    fn window_start(&self) -> Start {
        Start::Aligned
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        if call.path == NOTIFICATIONS {
            let wanted = Wanted::of(call.query);
            let limit = call.query.count("limit", 40, 80);
            let ids = page(call, feed, limit, |id| wanted.holds(id));
            Ok(list(call, limit, ids, None, move |ids| notification::write_all(&call.account, ids)))
        } else {
            let limit = call.query.count("limit", 20, 40);
            let (ids, newest) = (page(call, feed, limit, |_| true), feed.newest());
            Ok(list(call, limit, ids, newest, move |ids| status::write_all(&call.account, ids, newest)))
        }
    }

    fn refusal(&self, problem: Problem, _call: &Call<'_>) -> Answer {
        let (status, error) = match problem {
            Problem::Limited | Problem::Throttled => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Problem::Unauthorized => (StatusCode::UNAUTHORIZED, "The access token is invalid"),
            Problem::Expired => (StatusCode::UNAUTHORIZED, "The access token expired"),
            Problem::Forbidden => (StatusCode::FORBIDDEN, "This action is not allowed"),
            Problem::Missing => (StatusCode::NOT_FOUND, "Record not found"),
            Problem::Gone => (StatusCode::GONE, "Gone"),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => {
                (StatusCode::BAD_REQUEST, "Bad request")
            }
        };
        api::json(status, format!(r#"{{"error":"{error}"}}"#))
    }

    fn add_headers(&self, headers: &mut HeaderMap, _call: &Call<'_>, standing: &Standing) {
        headers.insert("x-ratelimit-limit", standing.limit.into());
        headers.insert("x-ratelimit-remaining", standing.remaining().into());
        api::set(headers, "x-ratelimit-reset", &dates::iso_us(standing.resets_at_ms));
        api::set(headers, "cache-control", "private, no-store");
        api::set(headers, "vary", "Authorization, Origin");
    }
}

/// The ids of a page, newest first.
fn page(call: &Call<'_>, feed: &Feed, limit: usize, wanted: impl Fn(u64) -> bool) -> Vec<u64> {
    let below = call.query.number("max_id").unwrap_or(u64::MAX);
    match call.query.number("min_id") {
        // Immediately newer than `min_id`, and it goes before `since_id`.
        Some(min_id) => feed.oldest_between(min_id, below, limit, wanted),
        None => feed.newest_between(call.query.number("since_id").unwrap_or(0), below, limit, wanted),
    }
}

fn list<'a>(
    call: &'a Call<'a>,
    limit: usize,
    ids: Vec<u64>,
    newest: Option<u64>,
    write: impl FnOnce(&[u64]) -> String + 'a,
) -> Content<'a> {
    // Rails digests the body into a weak tag.
    let etag = format!("W/\"{:032x}\"", api::fingerprint(call, ids.iter().copied().chain(newest)));
    let link = link(call, &ids, limit);
    Content::json(ids.len(), move || write(&ids)).with_etag(etag).with_header("link", link)
}

/// `next` is older and only there when the page is full; `prev` is newer and there unless the page is empty.
fn link(call: &Call<'_>, ids: &[u64], limit: usize) -> Option<String> {
    let (newest, oldest) = (ids.first()?, ids.last()?);
    let kept = call.query.get("limit").map_or_else(String::new, |_| format!("limit={limit}&"));
    let url = format!("{}{}?{kept}", call.base_url(), call.path);
    let prev = format!("<{url}min_id={newest}>; rel=\"prev\"");
    let full = ids.len() == limit;
    Some(if full { format!("<{url}max_id={oldest}>; rel=\"next\", {prev}") } else { prev })
}
