//! Reddit: `GET /user/{name}/submitted`, as the OAuth host serves it.
//!
//! As documented at <https://www.reddit.com/dev/api/#GET_user_{username}_{where}>,
//! <https://github.com/reddit-archive/reddit/wiki/API> and <https://github.com/reddit-archive/reddit/wiki/JSON>.

mod link;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

use crate::api::{self, Answer, Api, Content, Need, Problem, Subject, seconds_left};
use crate::call::{Call, Query};
use crate::draw;
use crate::feed::{Feed, Slice};
use crate::oauth;
use crate::window::{Standing, Start};

/// A listing goes back this far.
const MAX_LINKS: usize = 1_000;

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct Reddit;

impl Api for Reddit {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        let rest = path.strip_prefix("/user/")?;
        let name = rest.strip_suffix("/submitted").or_else(|| rest.strip_suffix("/submitted.json"))?;
        Some(Subject::Account(name.into()))
    }

    fn needs_token(&self, _call: &Call<'_>) -> Need {
        Need::Always
    }

    fn window_start(&self) -> Start {
        Start::Aligned
    }

    /// By OAuth client, for tokens that were issued here; else by token.
    fn counts_by(&self, call: &Call<'_>) -> u64 {
        let client = call.token().and_then(oauth::client);
        client.map_or_else(|| call.caller(), |client| draw::key(client, "client"))
    }

    fn turns_away(&self, call: &Call<'_>) -> Option<Problem> {
        (!call.has_user_agent()).then_some(Problem::NoUserAgent)
    }

    fn item_id(&self, _account: &str, id: u64) -> String {
        link::fullname(id)
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let limit = match call.query.count("limit", 25, 100) {
            0 => 25,
            n => n,
        };
        let id = |name| call.query.get(name).map(|fullname| link::read_fullname(&fullname));
        let slice = match (id("after"), id("before")) {
            (None, None) => feed.slice(0, u64::MAX, limit, MAX_LINKS),
            (Some(Some(after)), _) => feed.slice(0, after, limit, MAX_LINKS),
            (None, Some(Some(before))) => {
                let ids = feed.oldest_between(before, u64::MAX, limit, |_| true);
                Slice { more: !ids.is_empty(), ids }
            }
            // Nothing lies beyond what is not there.
            (Some(None), _) | (None, Some(None)) => Slice { ids: Vec::new(), more: false },
        };
        Ok(Content::json(slice.ids.len(), move || listing(call, &slice).to_string()))
    }

    fn refusal(&self, problem: Problem, _call: &Call<'_>) -> Answer {
        let (status, message) = match problem {
            Problem::NoUserAgent => return turn_away("Say who you are: send a User-Agent."),
            Problem::Throttled => return turn_away("Your network has been blocked."),
            Problem::Limited => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Problem::Unauthorized | Problem::Expired => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Problem::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Problem::Missing | Problem::Gone => (StatusCode::NOT_FOUND, "Not Found"),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => {
                (StatusCode::BAD_REQUEST, "Bad Request")
            }
        };
        let mut answer = api::json(status, json!({"message": message, "error": status.as_u16()}).to_string());
        if status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"reddit\", error=\"invalid_token\"";
            api::set(answer.headers_mut(), "www-authenticate", challenge);
        }
        answer
    }

    fn add_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, standing: &Standing) {
        headers.insert("x-ratelimit-used", standing.used.into());
        // Reddit counts in fractions: the number has a point.
        api::set(headers, "x-ratelimit-remaining", &format!("{}.0", standing.remaining()));
        headers.insert("x-ratelimit-reset", seconds_left(standing, call.now_ms).into());
        api::set(headers, "cache-control", "private, s-maxage=0, max-age=0, must-revalidate");
    }
}

/// Not JSON: said by what stands in front of the API.
fn turn_away(why: &str) -> Answer {
    let page = format!("<!doctype html><html><head><title>Blocked</title></head><body>{why}</body></html>");
    api::with_body(StatusCode::FORBIDDEN, "text/html; charset=utf-8", page)
}

fn listing(call: &Call<'_>, slice: &Slice) -> Value {
    let children = link::all(&call.account, &slice.ids);
    // `before` is there once somebody has paged: it is the caller's `count` that tells.
    let paged = call.query.number("count").is_some_and(|count| count > 0);
    let before = slice.ids.first().filter(|_| paged).map(|&id| link::fullname(id));
    json!({
        "kind": "Listing",
        "data": {
            "after": slice.next().map(link::fullname),
            "dist": slice.ids.len(),
            "modhash": null,
            "geo_filter": "",
            "children": children,
            "before": before,
        },
    })
}
