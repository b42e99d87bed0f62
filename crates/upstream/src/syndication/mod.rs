//! Syndication of no vendor: `GET /feeds/{id}.rss`, `.atom` and `.json`, with both validators and a time to live.
//!
//! RSS 2.0 is <https://www.rssboard.org/rss-specification>, Atom RFC 4287, JSON Feed
//! <https://www.jsonfeed.org/version/1.1/>; validators and freshness are RFC 9110 and RFC 9111.

mod format;

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use self::format::Format;
use crate::api::{self, Answer, Api, Content, Need, Problem, Subject, seconds_left};
use crate::call::{Call, Query};
use crate::feed::Feed;
use crate::timeline::time_ms;
use crate::window::{Standing, Start, Verdict};

/// A feed has its newest items.
const MAX_ITEMS: usize = 20;

/// The feeds.
#[derive(Debug)]
pub(crate) struct Syndication {
    /// `max-age`, and rounded up to minutes `ttl`.
    pub(crate) poll_interval: Duration,
}

impl Api for Syndication {
    fn find<'a>(&self, path: &'a str, _query: Query<'a>) -> Option<Subject<'a>> {
        let (id, _) = Format::of(path)?;
        Some(Subject::Account(id.into()))
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

    fn poll_interval(&self, _call: &Call<'_>) -> Option<Duration> {
        Some(self.poll_interval)
    }

    fn item_id(&self, account: &str, id: u64) -> String {
        format::guid(account, id)
    }

    fn content<'a>(&'a self, call: &'a Call<'a>, feed: &'a Feed) -> Result<Content<'a>, Problem> {
        let (_, format) = Format::of(call.path).ok_or(Problem::Missing)?;
        let ids = feed.latest(MAX_ITEMS);
        let etag = api::fingerprint(call, ids.iter().copied().chain([format as u64]));
        let items = ids.len();
        let (modified, seconds) = (ids.first().map(|&id| time_ms(id)), self.poll_interval.as_secs());
        let body = move || format.write(call, &ids, seconds.div_ceil(60).max(1));
        Ok(Content::json(items, body)
            .of_type(format.content_type())
            .with_etag(format!("\"{etag:x}\""))
            .modified(modified)
            .with_header("cache-control", Some(format!("public, max-age={seconds}"))))
    }

    fn refusal(&self, problem: Problem, _call: &Call<'_>) -> Answer {
        let status = match problem {
            Problem::Limited | Problem::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unauthorized | Problem::Expired => StatusCode::UNAUTHORIZED,
            Problem::Forbidden => StatusCode::FORBIDDEN,
            Problem::Missing => StatusCode::NOT_FOUND,
            Problem::Gone => StatusCode::GONE,
            Problem::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::NoUserAgent | Problem::TooFarBack | Problem::Invalid(_) | Problem::Code(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
        let mut answer = api::with_body(status, "text/html", page);
        if problem == Problem::Throttled {
            api::set(answer.headers_mut(), "retry-after", "120");
        }
        answer
    }

    fn add_headers(&self, headers: &mut HeaderMap, call: &Call<'_>, standing: &Standing) {
        if standing.verdict == Verdict::Exhausted {
            headers.insert("retry-after", seconds_left(standing, call.now_ms).into());
        }
    }
}
