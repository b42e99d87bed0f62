//! Recorded responses, run through the code that polls with, and compared with what they should come to.
//!
//! `channels/<name>/recorded/<case>.json` holds a job, its context and the exchanges of one poll;
//! `channels/<name>/expected/<case>.json` what the poll comes to. With `POLLWHEEL_BLESS=1` the expected files are written
//! instead of compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::http::HeaderValue;
use bytes::Bytes;
use pollwheel_core::context::Context;
use pollwheel_core::id::JobTypeId;
use pollwheel_core::ports::{Credentials, Polled, Request, Secret};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::channel::{Channel, ChannelSet};
use crate::replay::replay;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[expect(dead_code, reason = "for the reader of the file")]
    about: String,
    job_type: String,
    account: Account,
    context: Context,
    now: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    external_id: String,
    base_url: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// Path and query.
    request: String,
    /// Headers that the request must have.
    #[serde(default)]
    sent: BTreeMap<String, String>,
    response: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
    text: Option<String>,
}

fn channels_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../channels")
}

fn run(channels: &ChannelSet, channel: &Channel, case: &Case) -> Polled {
    let mut row = crate::sample::row(&case.account.external_id, case.context.as_json());
    row.job.job_type = JobTypeId::of(channel.name(), &case.job_type).unwrap();
    row.subject.base_url.clone_from(&case.account.base_url);
    let credentials = case.account.token.as_deref().map(|token| Credentials { token: Secret::new(token) });
    let request = Request { row: &row, credentials: credentials.as_ref(), budget: Duration::from_secs(30) };
    let now = case.now.parse::<jiff::Timestamp>().unwrap().into();
    let mut exchanges = case.exchanges.iter();
    let polled = replay(channels, request, now, |asked| {
        let path = asked.uri().path_and_query().unwrap().as_str();
        let exchange = exchanges.next().unwrap_or_else(|| panic!("the recording has no answer to {path}"));
        assert_eq!(path, exchange.request);
        for (name, value) in &exchange.sent {
            let sent = asked.headers().get(name.as_str()).map(HeaderValue::as_bytes);
            assert_eq!(sent, Some(value.as_bytes()), "header {name}");
        }
        exchange.response.recorded()
    });
    assert_eq!(exchanges.len(), 0, "exchanges were left over");
    polled
}

impl Answer {
    fn recorded(&self) -> ::http::Response<Bytes> {
        let mut response = ::http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match (&self.body, &self.text) {
            (Some(json), None) => json.get().to_owned(),
            (None, Some(text)) => text.clone(),
            (Some(_), Some(_)) | (None, None) => panic!("a response has either `body` or `text`"),
        };
        response.body(body.into()).unwrap()
    }
}

fn shown(polled: &Polled) -> Value {
    let items = polled.items.iter().map(|item| {
        let data: Value = serde_json::from_str(item.data.get()).unwrap();
        json!({ "id": item.id, "type": item.kind, "time": item.time, "dedupe_version": item.dedupe_version, "data": data })
    });
    json!({ "outcome": polled.outcome, "hints": polled.hints, "items": items.collect::<Vec<_>>() })
}

fn compare(channels: &ChannelSet, channel: &Channel, file: &Path) {
    let case: Case = serde_json::from_str(&std::fs::read_to_string(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let polled = shown(&run(channels, channel, &case));
    let expected = file.parent().unwrap().with_file_name("expected").join(file.file_name().unwrap());
    if std::env::var_os("POLLWHEEL_BLESS").is_some() {
        std::fs::write(&expected, format!("{polled:#}\n")).unwrap();
        return;
    }
    let expected_text = std::fs::read_to_string(&expected).unwrap_or_default();
    let expected_value: Value = serde_json::from_str(&expected_text).unwrap_or_default();
    assert_eq!(polled, expected_value, "{} differs; got\n{polled:#}", expected.display());
}

#[test]
fn every_recorded_response_comes_to_what_is_expected() {
    let channels = ChannelSet::load(&channels_folder()).unwrap_or_else(|errors| panic!("{errors}"));
    for channel in channels.iter() {
        let folder = channels_folder().join(channel.name().as_str());
        let recorded = std::fs::read_dir(folder.join("recorded")).unwrap();
        let files: Vec<_> = recorded.map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 3, "{} has few recordings", channel.name());
        for file in &files {
            compare(&channels, channel, file);
        }
        let expected = std::fs::read_dir(folder.join("expected")).unwrap().count();
        assert_eq!(expected, files.len(), "{}: an expected file has no recording", channel.name());
    }
}
