//! X: `GET /2/users/{id}/tweets`.
//!
//! As documented at <https://docs.x.com/x-api/users/get-posts>, <https://docs.x.com/x-api/posts/timelines/integrate>,
//! <https://docs.x.com/x-api/fundamentals/rate-limits> and <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>.
//! A user who is gone or protected is told with a 200 that has `errors` and no `data`.

mod post;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::dates;
use crate::digits::{self, BASE_36};
use crate::draw;
use crate::feed::{Feed, Slice};
use crate::timeline::first_id;
use crate::window::{Standing, Start};

/// A timeline goes back this far.
const MAX_POSTS: usize = 3_200;
/// Every page token begins like this.
const TOKEN: &str = "7140dibdnow9c7btw";
const PROBLEMS: &str = "https://api.twitter.com/2/problems";

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct X;

impl Api for X {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        let id = path.strip_prefix("/2/users/")?.strip_suffix("/tweets")?;
        Some(Subject::Account(id.into()))
    }

    fn needs_token(&self, _call: &Call<'_>) -> Need {
        Need::Always
    }

    fn window_start(&self) -> Start {
        Start::FirstRequest
    }

    /// By token and endpoint; there is one endpoint.
    fn counts_by(&self, call: &Call<'_>) -> u64 {
        draw::key(call.caller(), "tweets")
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let most = match call.query.number("max_results") {
            None => 10,
            Some(n @ 5..=100) => usize::try_from(n).unwrap_or(100),
            Some(_) => return Err(Problem::Invalid("max_results")),
        };
        let id =
            |name| call.query.get(name).map(|id| id.parse().map_err(|_| Problem::Invalid(name))).transpose();
        let time = |name| {
            let read =
                |time: std::borrow::Cow<'_, str>| dates::parse_iso(&time).ok_or(Problem::Invalid(name));
            Ok(call.query.get(name).map(read).transpose()?.map(first_id))
        };
        let page = |token: std::borrow::Cow<'_, str>| {
            let below = token.strip_prefix(TOKEN).and_then(|id| digits::read(id, BASE_36));
            below.ok_or(Problem::Invalid("pagination_token"))
        };
        // All are exclusive but `start_time`.
        let start = time("start_time")?.map(|first: u64| first.saturating_sub(1));
        let above = id("since_id")?.max(start).unwrap_or(0);
        let token = call.query.get("pagination_token").map(page).transpose()?;
        let bounds = [id("until_id")?, time("end_time")?, token];
        let below = bounds.into_iter().flatten().min().unwrap_or(u64::MAX);
        let slice = feed.slice(above, below, most, MAX_POSTS);
        Ok(Content::json(slice.ids.len(), move || body(call, &slice).to_string()))
    }

    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer {
        let blank = |status: StatusCode, title: &str| {
            let body =
                json!({"title": title, "type": "about:blank", "status": status.as_u16(), "detail": title});
            api::json(status, body.to_string())
        };
        match problem {
            Problem::Limited => blank(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Problem::Unauthorized | Problem::Expired => blank(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Problem::ServerError => blank(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Problem::Throttled => usage_capped(),
            Problem::Missing | Problem::Gone => {
                about_user(call, "Not Found Error", "resource-not-found", "Could not find user with id")
            }
            Problem::Forbidden => about_user(
                call,
                "Authorization Error",
                "not-authorized-for-resource",
                "Sorry, you are not authorized to see the user with id",
            ),
            Problem::Invalid(name) => invalid(name, call.query.get(name).as_deref().unwrap_or_default()),
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Code(_) => invalid("id", &call.account),
        }
    }

    fn add_headers(&self, headers: &mut HeaderMap, _call: &Call<'_>, standing: &Standing) {
        headers.insert("x-rate-limit-limit", standing.limit.into());
        headers.insert("x-rate-limit-remaining", standing.remaining().into());
        headers.insert("x-rate-limit-reset", standing.resets_at_ms.div_ceil(1_000).into());
        api::set(headers, "cache-control", "no-cache, no-store, max-age=0");
    }
}

fn body(call: &Call<'_>, slice: &Slice) -> Value {
    let mut meta = json!({"result_count": slice.ids.len()});
    let (Some(newest), Some(oldest)) = (slice.ids.first(), slice.ids.last()) else {
        // No `data` at all when there is nothing.
        return json!({ "meta": meta });
    };
    meta["newest_id"] = newest.to_string().into();
    meta["oldest_id"] = oldest.to_string().into();
    if let Some(last) = slice.next() {
        meta["next_token"] = format!("{TOKEN}{}", digits::write(last, BASE_36, 12)).into();
    }
    let fields = call.query.get("tweet.fields").unwrap_or_default();
    json!({"data": post::all(&call.account, &slice.ids, &fields), "meta": meta})
}

/// A partial error: the request was in order, the user is not to be had.
fn about_user(call: &Call<'_>, title: &str, kind: &str, detail: &str) -> Answer {
    let id = &call.account;
    let error = json!({
        "value": id,
        "detail": format!("{detail}: [{id}]."),
        "title": title,
        "resource_type": "user",
        "parameter": "id",
        "resource_id": id,
        "type": format!("{PROBLEMS}/{kind}"),
    });
    api::json(StatusCode::OK, json!({ "errors": [error] }).to_string())
}

/// The month's posts are read, whoever asks.
fn usage_capped() -> Answer {
    let body = json!({
        "title": "UsageCapExceeded",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": format!("{PROBLEMS}/usage-capped"),
        "period": "Monthly",
        "scope": "Product",
    });
    api::json(StatusCode::TOO_MANY_REQUESTS, body.to_string())
}

fn invalid(name: &str, value: &str) -> Answer {
    let body = json!({
        "errors": [{
            "parameters": {name: [value]},
            "message": format!("The `{name}` query parameter value [{value}] is not valid"),
        }],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": format!("{PROBLEMS}/invalid-request"),
    });
    api::json(StatusCode::BAD_REQUEST, body.to_string())
}
