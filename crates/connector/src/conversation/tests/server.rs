//! A server in memory: a growing timeline, served newest first in pages.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Credentials, Polled, Request, Secret};
use pollwheel_core::row::JobRow;

use crate::channel::ChannelSet;
use crate::conversation::{Conversation, Moment, Step};
use crate::exchange::{FetchError, Outbound, Response};
use crate::sample;
use crate::wait::Scale;

pub(super) const BUDGET: Duration = Duration::from_secs(30);

/// A job of one channel file, with what it keeps from poll to poll.
pub(super) struct Job {
    channels: ChannelSet,
    pub(super) row: JobRow,
    pub(super) minute: u64,
    pub(super) scale: f64,
    pub(super) token: Option<&'static str>,
}

impl Job {
    /// A job of the channel `mastodon`, job type `statuses`, declared by `request`, `pages` and more YAML.
    pub(super) fn new(fields: &str, job_fields: &str) -> Self {
        let items = "items: {list: ., id: .id, type: test.item, data: .}\n    cursor: {greatest_id: numeric}";
        Self::declared("{bearer: optional}", fields, &format!("    {items}\n{job_fields}"))
    }

    /// A job whose type is declared by `job_fields` alone.
    pub(super) fn declared(auth: &str, fields: &str, job_fields: &str) -> Self {
        let text = format!(
            "channel: mastodon\nabout: A test.\nbase_url: https://api.example.com\nauth: {auth}\n{fields}\n\
             service_levels: {{professional: {{fastest: 1, slowest: 60}}}}\njob_types:\n  statuses:\n{job_fields}"
        );
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("mastodon");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("channel.yml"), text).unwrap();
        let channels = ChannelSet::load(&own).unwrap_or_else(|errors| panic!("{errors}"));
        let mut row = sample::row("42", "{}");
        row.subject.base_url = None;
        Self { channels, row, minute: 1_000_000, scale: 1.0, token: Some("s3cret") }
    }

    /// One poll. `answer` makes the server's answers.
    pub(super) fn poll(
        &mut self,
        mut answer: impl FnMut(&Outbound) -> Result<Response, FetchError>,
    ) -> Polled {
        let credentials = self.token.map(|token| Credentials::of_token(Secret::new(token)));
        let (channel, job_type) = self.channels.find(&self.row.job.job_type).unwrap();
        let moment =
            Moment { now: UNIX_EPOCH + Duration::from_secs(self.minute * 60), scale: Scale::new(self.scale) };
        let request = Request {
            row: &self.row,
            credentials: credentials.as_ref(),
            application: None,
            token: None,
            budget: BUDGET,
            permits: None,
        };
        let started = Conversation::start(channel, job_type, request, moment);
        let (mut conversation, mut outbound) = match started {
            Ok(started) => started,
            Err(polled) => return *polled,
        };
        let polled = loop {
            match conversation.answer(answer(&outbound), BUDGET) {
                Step::Ask(next) => outbound = next,
                Step::Done(polled) => break polled,
            }
        };
        self.advance(&polled.outcome);
        polled
    }

    /// As the completion does.
    fn advance(&mut self, outcome: &Outcome) {
        if let Outcome::Seeded { context }
        | Outcome::New { context, .. }
        | Outcome::Unchanged { context: Some(context) } = outcome
        {
            self.row.context = context.clone();
        }
    }
}

/// How a server pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// `max_id` and `since_id`.
    Ids,
    /// `page` and `Link`.
    Links,
}

/// A timeline.
pub(super) struct Timeline {
    pub(super) ids: Vec<u64>,
    pub(super) page_size: usize,
    pub(super) paging: Paging,
}

impl Timeline {
    pub(super) fn answer(&self, uri: &Uri) -> Response {
        let query: BTreeMap<&str, u64> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        let at = |name, default| query.get(name).copied().unwrap_or(default);
        let mut ids: Vec<u64> = self.ids.clone();
        ids.sort_unstable();
        ids.reverse();
        ids.retain(|&id| id < at("max_id", u64::MAX) && id > at("since_id", 0));
        let page = usize::try_from(at("page", 1)).unwrap();
        let rest: Vec<u64> = ids.iter().copied().skip((page - 1) * self.page_size).collect();
        let mut shown: Vec<u64> = rest.iter().copied().take(self.page_size).collect();
        // The order within a page is nothing to rely on.
        let middle = shown.len() / 2;
        shown.rotate_left(middle);
        let mut response = json(
            200,
            &format!("{:?}", shown).replace('[', "[{\"id\":").replace(", ", "},{\"id\":").replace(']', "}]"),
        );
        if shown.is_empty() {
            response.body = "[]".into();
        }
        if self.paging == Paging::Links && rest.len() > self.page_size {
            let next = format!("<{}?page={}>; rel=\"next\"", uri.path(), page + 1);
            response.headers.insert(http::header::LINK, next.parse().unwrap());
        }
        response.uri = uri.clone();
        response
    }
}

/// A response with this JSON.
pub(super) fn json(status: u16, body: &str) -> Response {
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
        uri: Uri::from_static("https://api.example.com/"),
        redirects: 0,
    }
}

impl Response {
    /// With a header more.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }
}
