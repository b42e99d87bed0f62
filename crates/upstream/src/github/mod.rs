//! GitHub: `GET /users/{username}/events` and `GET /notifications`.
//!
//! Parameters, paging and headers as documented at <https://docs.github.com/en/rest/activity/events>,
//! <https://docs.github.com/en/rest/activity/notifications>,
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> and
//! <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>.

mod event;
mod pages;
mod thread;

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use self::pages::Pages;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::feed::Feed;
use crate::timeline::{first_id, time_ms};
use crate::window::{Standing, Start};

/// A user's events are at most this many, and none older than 90 days.
const MAX_EVENTS: usize = 300;
const MAX_AGE_MS: u64 = 90 * 24 * 3_600_000;
const NOTIFICATIONS: &str = "/notifications";
const DOCS: &str = "https://docs.github.com/rest/activity";

/// The API.
#[derive(Debug)]
pub(crate) struct Github {
    /// `X-Poll-Interval`.
    pub(crate) poll_interval: Duration,
}

impl Api for Github {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        if path == NOTIFICATIONS {
            return Some(Subject::TokenOwner);
        }
        let rest = path.strip_prefix("/users/")?;
        // GitHub serves public events under a path of their own; here all events are public.
        let user = rest.strip_suffix("/events").or_else(|| rest.strip_suffix("/events/public"))?;
        (!user.contains('/')).then(|| Subject::Account(user.into()))
    }

    fn needs_token(&self, call: &Call<'_>) -> Need {
        if call.path == NOTIFICATIONS { Need::Always } else { Need::Optional }
    }

    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    fn turns_away(&self, call: &Call<'_>) -> Option<Problem> {
        (!call.has_user_agent()).then_some(Problem::NoUserAgent)
    }

    fn poll_interval(&self, call: &Call<'_>) -> Option<Duration> {
        (call.query.number("page").unwrap_or(1) <= 1).then_some(self.poll_interval)
    }

    fn gives_304_for_free(&self, call: &Call<'_>) -> bool {
        // Documented: only when the request was authorized.
        call.token().is_some()
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let (content, modified, link) = if call.path == NOTIFICATIONS {
            let pages = Pages::of(call.query, 50, 50);
            let threads = thread::all(feed, call.query);
            let seen = threads.iter().flat_map(|thread| [thread.id, thread.updated]);
            let etag = api::fingerprint(call, seen);
            let (modified, link) = (threads.first().map(|one| one.updated), pages.link(call, threads.len()));
            let page = pages.cut(threads);
            let content = Content::json(page.len(), move || thread::write_all(&call.account, &page));
            (content.with_etag(format!("W/\"{etag:032x}\"")), modified, link)
        } else {
            let pages = Pages::of(call.query, 30, 100);
            if pages.skipped() >= MAX_EVENTS {
                return Err(Problem::TooFarBack);
            }
            let oldest = first_id(feed.now_ms.saturating_sub(MAX_AGE_MS));
            let ids = feed.newest_between(oldest, u64::MAX, MAX_EVENTS, |_| true);
            let (newest, link) = (ids.first().copied(), pages.link(call, ids.len()));
            let page = pages.cut(ids);
            let etag = api::fingerprint(call, page.iter().copied().chain(newest));
            let modified = page.first().copied();
            let content = Content::json(page.len(), move || event::write_all(&call.account, &page));
            (content.with_etag(format!("\"{etag:032x}\"")), modified, link)
        };
        let seconds = self.poll_interval.as_secs();
        Ok(content
            .modified(modified.map(time_ms))
            .with_header("link", link)
            .with_header("x-poll-interval", Some(seconds.to_string()))
            .with_header("cache-control", Some(format!("private, max-age={seconds}, s-maxage={seconds}"))))
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
            Problem::Throttled => (
                StatusCode::FORBIDDEN,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
                    .to_owned(),
            ),
            Problem::Unauthorized if call.path == NOTIFICATIONS && call.token().is_none() => {
                (StatusCode::UNAUTHORIZED, "Requires authentication".to_owned())
            }
            Problem::Unauthorized | Problem::Expired => {
                (StatusCode::UNAUTHORIZED, "Bad credentials".to_owned())
            }
            Problem::Forbidden => {
                (StatusCode::FORBIDDEN, "Resource not accessible by personal access token".to_owned())
            }
            // GitHub does not tell a deleted user from one that never was.
            Problem::Missing | Problem::Gone => (StatusCode::NOT_FOUND, "Not Found".to_owned()),
            Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "In order to keep the API fast for everyone, pagination is limited for this resource."
                    .to_owned(),
            ),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Server Error".to_owned()),
        };
        let code = status.as_u16();
        let mut answer = api::json(
            status,
            format!(r#"{{"message":"{message}","documentation_url":"{DOCS}","status":"{code}"}}"#),
        );
        if problem == Problem::Throttled {
            api::set(answer.headers_mut(), "retry-after", "60");
        }
        answer
    }

    fn add_headers(&self, headers: &mut HeaderMap, _call: &Call<'_>, standing: &Standing) {
        headers.insert("x-ratelimit-limit", standing.limit.into());
        headers.insert("x-ratelimit-remaining", standing.remaining().into());
        headers.insert("x-ratelimit-used", standing.used.into());
        // Whole seconds, rounded up: a client that waits until then is never early.
        headers.insert("x-ratelimit-reset", standing.resets_at_ms.div_ceil(1_000).into());
        api::set(headers, "x-ratelimit-resource", "core");
        api::set(headers, "x-github-media-type", "github.v3; format=json");
        api::set(headers, "vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding");
    }
}
