//! Mastodon: `GET /api/v1/accounts/{id}/statuses`.
//!
//! Parameters, paging and headers as documented at <https://docs.joinmastodon.org/methods/accounts/#statuses>,
//! <https://docs.joinmastodon.org/api/guidelines/#pagination> and <https://docs.joinmastodon.org/api/rate-limits/>.

mod status;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::api::{self, Answer, Api, Page, Problem};
use crate::call::Call;
use crate::dates;
use crate::feed::Feed;
use crate::window::{Standing, Start};

const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 40;

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct Mastodon;

impl Api for Mastodon {
    fn window_start(&self) -> Start {
        Start::Aligned
    }

    fn turns_away(&self, _call: &Call<'_>) -> Option<Problem> {
        None
    }

    fn is_poll(&self, _call: &Call<'_>) -> bool {
        false
    }

    fn gives_304_for_free(&self, _call: &Call<'_>) -> bool {
        false
    }

    fn page(&self, call: &Call<'_>, feed: &Feed) -> Result<Page, Problem> {
        let limit =
            usize::try_from(call.query.number("limit").unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT)).unwrap_or(0);
        let below = call.query.number("max_id").unwrap_or(u64::MAX);
        let ids = match call.query.number("min_id") {
            // Immediately newer than `min_id`, and it goes before `since_id`.
            Some(min_id) => feed.oldest_between(min_id, below, limit),
            None => feed.newest_between(call.query.number("since_id").unwrap_or(0), below, limit),
        };
        let link = link(call, &ids, limit);
        Ok(Page { ids, newest: feed.newest(), link })
    }

    fn body(&self, call: &Call<'_>, page: &Page) -> String {
        status::write_all(call.account, page)
    }

    fn etag(&self, call: &Call<'_>, page: &Page) -> String {
        // Rails digests the body into a weak tag.
        format!("W/\"{:032x}\"", api::fingerprint(call, page))
    }

    fn refusal(&self, problem: Problem, _call: &Call<'_>) -> Answer {
        let (status, error) = match problem {
            Problem::Limited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Problem::Unauthorized => (StatusCode::UNAUTHORIZED, "The access token is invalid"),
            Problem::Forbidden => (StatusCode::FORBIDDEN, "This action is not allowed"),
            Problem::Missing => (StatusCode::NOT_FOUND, "Record not found"),
            Problem::Gone => (StatusCode::GONE, "Gone"),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
            Problem::NoUserAgent | Problem::TooFarBack => (StatusCode::BAD_REQUEST, "Bad request"),
        };
        api::json(status, format!(r#"{{"error":"{error}"}}"#))
    }

    fn add_headers(&self, headers: &mut HeaderMap, standing: &Standing) {
        headers.insert("x-ratelimit-limit", standing.limit.into());
        headers.insert("x-ratelimit-remaining", standing.remaining().into());
        api::set(headers, "x-ratelimit-reset", &dates::iso_us(standing.resets_at_ms));
        api::set(headers, "cache-control", "private, no-store");
        api::set(headers, "vary", "Authorization, Origin");
    }

    fn add_page_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, page: &Page) {
        api::set(headers, "etag", &self.etag(call, page));
        if let Some(link) = &page.link {
            api::set(headers, "link", link);
        }
    }
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
