//! Bluesky: `GET /xrpc/app.bsky.feed.getAuthorFeed`.
//!
//! As documented at <https://docs.bsky.app/docs/api/app-bsky-feed-get-author-feed> and
//! <https://docs.bsky.app/docs/advanced-guides/rate-limits>: by address, with a token or without.

mod post;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::json;

use crate::accounts::NOBODY;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::dates;
use crate::feed::Feed;
use crate::timeline::time_ms;
use crate::window::{Standing, Start};

const PATH: &str = "/xrpc/app.bsky.feed.getAuthorFeed";
const FILTERS: [&str; 5] = [
    "posts_with_replies",
    "posts_no_replies",
    "posts_with_media",
    "posts_and_author_threads",
    "posts_with_video",
];

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct Bluesky;

impl Api for Bluesky {
    fn find<'a>(&self, path: &'a str, query: Query<'a>) -> Option<Subject<'a>> {
        // Without an actor the answer is an error, and an error has no account.
        (path == PATH).then(|| Subject::Account(query.get("actor").unwrap_or(NOBODY.into())))
    }

    fn needs_token(&self, _call: &Call<'_>) -> Need {
        Need::Never
    }

    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    fn counts_by(&self, call: &Call<'_>) -> u64 {
        call.address()
    }

    fn item_id(&self, account: &str, id: u64) -> String {
        post::uri(account, id)
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        call.query.get("actor").ok_or(Problem::Invalid("actor"))?;
        let limit = call.query.number("limit").unwrap_or(50);
        if !(1..=100).contains(&limit) {
            return Err(Problem::Invalid("limit"));
        }
        if call.query.get("filter").is_some_and(|filter| !FILTERS.contains(&&*filter)) {
            return Err(Problem::Invalid("filter"));
        }
        let below = match call.query.get("cursor") {
            Some(cursor) => read_cursor(&cursor).ok_or(Problem::Invalid("cursor"))?,
            None => u64::MAX,
        };
        let slice = feed.slice(0, below, usize::try_from(limit).unwrap_or(0), usize::MAX);
        let (etag, items) = (api::fingerprint(call, slice.ids.iter().copied()), slice.ids.len());
        let body = move || {
            let cursor = slice.next().map(|id| format!("{}::{}", dates::iso_ms(time_ms(id)), post::key(id)));
            let mut body = json!({"feed": post::all(&call.account, &slice.ids)});
            if let Some(cursor) = cursor {
                body["cursor"] = cursor.into();
            }
            body.to_string()
        };
        Ok(Content::json(items, body).with_etag(format!("W/\"{etag:x}\"")))
    }

    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer {
        let invalid = StatusCode::BAD_REQUEST;
        let (status, error, message) = match problem {
            Problem::Limited | Problem::Throttled => {
                (StatusCode::TOO_MANY_REQUESTS, "RateLimitExceeded", "Rate Limit Exceeded".to_owned())
            }
            Problem::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "AuthMissing", "Authentication Required".to_owned())
            }
            Problem::Expired => (invalid, "ExpiredToken", "Token has expired".to_owned()),
            Problem::Forbidden => (invalid, "BlockedByActor", "Requester is blocked by the actor".to_owned()),
            Problem::Missing => (invalid, "InvalidRequest", "Profile not found".to_owned()),
            Problem::Gone => (invalid, "AccountTakedown", "Account has been suspended".to_owned()),
            Problem::Invalid("actor") => {
                (invalid, "InvalidRequest", "Error: Params must have the property \"actor\"".to_owned())
            }
            Problem::Invalid(name) => (invalid, "InvalidRequest", format!("Error: {name} is not valid")),
            Problem::ServerError => {
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal Server Error".to_owned())
            }
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Code(_) => {
                (invalid, "InvalidRequest", format!("Error: no such page of {}", call.account))
            }
        };
        api::json(status, json!({"error": error, "message": message}).to_string())
    }

    fn add_headers(&self, headers: &mut HeaderMap, _call: &Call<'_>, standing: &Standing) {
        headers.insert("ratelimit-limit", standing.limit.into());
        headers.insert("ratelimit-remaining", standing.remaining().into());
        headers.insert("ratelimit-reset", standing.resets_at_ms.div_ceil(1_000).into());
        let window = standing.length_ms.div_ceil(1_000);
        api::set(headers, "ratelimit-policy", &format!("{};w={window}", standing.limit));
        api::set(headers, "vary", "Accept-Encoding");
    }
}

/// A cursor is a time and the key of the last post that was seen.
fn read_cursor(cursor: &str) -> Option<u64> {
    post::read_key(cursor.split_once("::")?.1)
}
