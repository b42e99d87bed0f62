//! GitHub: `GET /users/{username}/events`.
//!
//! Parameters, paging and headers as documented at <https://docs.github.com/en/rest/activity/events>,
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> and
//! <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>.

mod event;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::api::{self, Answer, Api, Page, Problem};
use crate::call::Call;
use crate::dates;
use crate::feed::Feed;
use crate::timeline::{first_id, time_ms};
use crate::window::{Standing, Start};

const DEFAULT_PER_PAGE: u64 = 30;
const MAX_PER_PAGE: u64 = 100;
/// A timeline has at most this many events, and none older than 90 days.
const MAX_EVENTS: u64 = 300;
const MAX_AGE_MS: u64 = 90 * 24 * 3_600_000;
const DOCS: &str = "https://docs.github.com/rest/activity/events#list-events-for-the-authenticated-user";

/// The API.
#[derive(Debug)]
pub(crate) struct Github {
    /// `X-Poll-Interval`.
    pub(crate) poll_interval_seconds: u64,
}

impl Api for Github {
    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    fn turns_away(&self, call: &Call<'_>) -> Option<Problem> {
        (!call.has_user_agent()).then_some(Problem::NoUserAgent)
    }

    fn is_poll(&self, call: &Call<'_>) -> bool {
        page_number(call) == 1
    }

    fn gives_304_for_free(&self, call: &Call<'_>) -> bool {
        // Documented: only when the request was authorized.
        call.token().is_some()
    }

    fn page(&self, call: &Call<'_>, feed: &Feed) -> Result<Page, Problem> {
        let (page, per_page) = (page_number(call), per_page(call));
        let skip = (page - 1).saturating_mul(per_page);
        if skip >= MAX_EVENTS {
            return Err(Problem::TooFarBack);
        }
        let oldest = first_id(feed.now_ms.saturating_sub(MAX_AGE_MS));
        let whole = usize::try_from(MAX_EVENTS).unwrap_or(usize::MAX);
        let mut ids = feed.newest_between(oldest, u64::MAX, whole);
        let newest = ids.first().copied();
        let last_page = (ids.len() as u64).div_ceil(per_page).max(1);
        let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(ids.len());
        let range = at(skip)..at(skip + per_page);
        ids.truncate(range.end);
        ids.drain(..range.start);
        Ok(Page { ids, newest, link: link(call, page, last_page) })
    }

    fn body(&self, call: &Call<'_>, page: &Page) -> String {
        event::write_all(call.account, page)
    }

    fn etag(&self, call: &Call<'_>, page: &Page) -> String {
        format!("\"{:032x}\"", api::fingerprint(call, page))
    }

    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer {
        let limited = || match call.token() {
            Some(_) => "API rate limit exceeded for user ID 1.".to_owned(),
            None => format!(
                "API rate limit exceeded for {}. (But here's the good news: Authenticated requests get a higher rate \
                 limit. Check out the documentation for more details.)",
                call.peer
            ),
        };
        let (status, message) = match problem {
            Problem::NoUserAgent => {
                let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent \
                            header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). \
                            Check https://developer.github.com for other possible causes.\n";
                // Not JSON: said by a proxy in front of the API.
                return api::with_body(StatusCode::FORBIDDEN, "text/html; charset=utf-8", text.to_owned());
            }
            Problem::Limited => (StatusCode::FORBIDDEN, limited()),
            Problem::Unauthorized => (StatusCode::UNAUTHORIZED, "Bad credentials".to_owned()),
            Problem::Forbidden => {
                (StatusCode::FORBIDDEN, "Resource not accessible by personal access token".to_owned())
            }
            // GitHub does not tell a deleted user from one that never was.
            Problem::Missing | Problem::Gone => (StatusCode::NOT_FOUND, "Not Found".to_owned()),
            Problem::TooFarBack => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "In order to keep the API fast for everyone, pagination is limited for this resource."
                    .to_owned(),
            ),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Server Error".to_owned()),
        };
        let code = status.as_u16();
        api::json(
            status,
            format!(r#"{{"message":"{message}","documentation_url":"{DOCS}","status":"{code}"}}"#),
        )
    }

    fn add_headers(&self, headers: &mut HeaderMap, standing: &Standing) {
        headers.insert("x-ratelimit-limit", standing.limit.into());
        headers.insert("x-ratelimit-remaining", standing.remaining().into());
        headers.insert("x-ratelimit-used", standing.used.into());
        // Whole seconds, rounded up: a client that waits until then is never early.
        headers.insert("x-ratelimit-reset", standing.resets_at_ms.div_ceil(1_000).into());
        api::set(headers, "x-ratelimit-resource", "core");
        api::set(headers, "x-github-media-type", "github.v3; format=json");
        api::set(headers, "vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding");
    }

    fn add_page_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, page: &Page) {
        let seconds = self.poll_interval_seconds;
        headers.insert("x-poll-interval", seconds.into());
        api::set(headers, "cache-control", &format!("private, max-age={seconds}, s-maxage={seconds}"));
        api::set(headers, "etag", &self.etag(call, page));
        if let Some(&newest) = page.ids.first() {
            // Timeline time may run ahead of the clock, but RFC 9110 section 8.8.2.1 allows no date in the future.
            api::set(headers, "last-modified", &dates::http(time_ms(newest).min(call.now_ms)));
        }
        if let Some(link) = &page.link {
            api::set(headers, "link", link);
        }
    }
}

fn page_number(call: &Call<'_>) -> u64 {
    call.query.number("page").unwrap_or(1).max(1)
}

fn per_page(call: &Call<'_>) -> u64 {
    match call.query.number("per_page") {
        None | Some(0) => DEFAULT_PER_PAGE,
        Some(n) => n.min(MAX_PER_PAGE),
    }
}

/// `prev` and `first` except on the first page, `next` and `last` except on the last.
fn link(call: &Call<'_>, page: u64, last_page: u64) -> Option<String> {
    let base_url = call.base_url();
    let kept =
        call.query.get("per_page").map_or_else(String::new, |_| format!("per_page={}&", per_page(call)));
    let link = |page: u64, rel: &str| format!("<{base_url}{}?{kept}page={page}>; rel=\"{rel}\"", call.path);
    let mut links = Vec::new();
    if page > 1 {
        links.push(link((page - 1).min(last_page), "prev"));
    }
    if page < last_page {
        links.push(link(page + 1, "next"));
        links.push(link(last_page, "last"));
    }
    if page > 1 {
        links.push(link(1, "first"));
    }
    (!links.is_empty()).then(|| links.join(", "))
}
