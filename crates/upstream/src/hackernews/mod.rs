//! Hacker News: `GET /api/v1/search_by_date`, for what one user submitted.
//!
//! As documented at <https://hn.algolia.com/api>: by address, 10,000 requests an hour, told by no header. A user who never
//! submitted anything and one who does not exist look the same: no hits.

mod filter;
mod hit;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::json;

use self::filter::Times;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject};
use crate::call::{Call, Query};
use crate::feed::Feed;
use crate::window::{Standing, Start};

/// No query gives more hits than this, however many pages are asked for.
const MAX_HITS: usize = 1_000;

/// The API. Stateless.
#[derive(Debug)]
pub(crate) struct HackerNews;

impl Api for HackerNews {
    fn find<'a>(&self, path: &'a str, query: Query<'a>) -> Option<Subject<'a>> {
        if path != "/api/v1/search_by_date" {
            return None;
        }
        let tags = query.get("tags")?;
        // All must hold, but for those in brackets, of which one must.
        let author = tags.split(',').find_map(|tag| tag.strip_prefix("author_"))?;
        Some(Subject::Account(author.to_owned().into()))
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

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let times = Times::read(&call.query.get("numericFilters").unwrap_or_default())
            .ok_or(Problem::Invalid("numericFilters"))?;
        let per_page = call.query.count("hitsPerPage", 20, MAX_HITS as u64);
        let page = call.query.count("page", 0, u64::MAX);
        let all = feed.newest_between(times.above(), times.below(), MAX_HITS, |_| true);
        let total = all.len();
        let skipped = page.saturating_mul(per_page);
        let ids: Vec<_> = all.into_iter().skip(skipped).take(per_page).collect();
        let body = move || {
            let hits = hit::all(&call.account, &ids);
            result(call, total, page, per_page, hits)
        };
        Ok(Content::json(total.saturating_sub(skipped).min(per_page), body))
    }

    fn refusal(&self, problem: Problem, call: &Call<'_>) -> Answer {
        let (status, message) = match problem {
            Problem::Limited | Problem::Throttled => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Problem::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
            // Anybody may search for anybody.
            Problem::Missing
            | Problem::Gone
            | Problem::Forbidden
            | Problem::Unauthorized
            | Problem::Expired => {
                return api::json(StatusCode::OK, result(call, 0, 0, 20, json!([])));
            }
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => {
                (StatusCode::BAD_REQUEST, "Invalid syntax for numeric condition")
            }
        };
        api::json(status, json!({"message": message, "status": status.as_u16()}).to_string())
    }

    fn add_headers(&self, headers: &mut HeaderMap, _call: &Call<'_>, _standing: &Standing) {
        api::set(headers, "access-control-allow-origin", "*");
    }
}

fn result(call: &Call<'_>, total: usize, page: usize, per_page: usize, hits: serde_json::Value) -> String {
    let pages = if per_page == 0 { 0 } else { total.div_ceil(per_page) };
    json!({
        "hits": hits,
        "nbHits": total,
        "page": page,
        "nbPages": pages,
        "hitsPerPage": per_page,
        "exhaustiveNbHits": true,
        "query": call.query.get("query").unwrap_or_default(),
        "processingTimeMS": 1,
    })
    .to_string()
}
