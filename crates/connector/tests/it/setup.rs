//! One channel, one job, one poll.

use std::num::NonZeroU16;
use std::time::Duration;

use pollwheel_connector::{ChannelSet, Connector, ConnectorOptions, PrivateAddresses};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::ports::{Credentials, Polled, Poller, Request, Secret};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

/// The token of every job here. No text that a poll gives may contain it.
pub(crate) const TOKEN: &str = "planted-t0ken";

const CHANNEL: &str = r#"
channel: toy
about: A toy.
base_url_per_account: required
auth: {bearer: optional}
limits:
  - scope: account
    headers: {remaining: X-RateLimit-Remaining, reset: {name: X-RateLimit-Reset, format: delta_seconds}}
service_levels: {professional: {fastest: 1, slowest: 60}}
job_types:
  posts:
    request: {path: "/posts/{{ account.external_id }}"}
    items: {list: ., id: .id, type: toy.post, data: "{id, x}"}
    cursor: {greatest_id: numeric}
    pages: {follow: link_header}
    floor: [Cache-Control, Expires, X-Poll-Interval]
"#;

/// The channel `toy` from its file.
pub(crate) fn channels(file: &str) -> ChannelSet {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("toy");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("channel.yml"), file).unwrap();
    ChannelSet::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A connector for the channel `toy`.
pub(crate) fn connector(private_addresses: PrivateAddresses) -> Connector {
    let channels = channels(CHANNEL);
    let options = ConnectorOptions { private_addresses, ..ConnectorOptions::default() };
    Connector::new(channels, &options).unwrap()
}

/// A job that has seen the item 1.
pub(crate) fn row(base_url: &str) -> JobRow {
    let job = JobId {
        job_type: JobTypeId::new("toy/posts").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: None,
    };
    let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
    let subject = Subject { external_id: "42".to_owned(), base_url: Some(base_url.to_owned()) };
    let level = ServiceLevel::new("professional").unwrap();
    let mut row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(0));
    row.context = serde_json::from_str(r#"{"poll":{"cursor":"1"}}"#).unwrap();
    row
}

/// One poll with a token; checks that nothing in its result gives the token or the URL away.
pub(crate) async fn poll_with(connector: &Connector, row: &JobRow, budget: Duration) -> Polled {
    let credentials = Credentials::of_token(Secret::new(TOKEN));
    let polled = connector
        .poll(Request {
            row,
            credentials: Some(&credentials),
            application: None,
            token: None,
            budget,
            permits: None,
        })
        .await;
    let shown = format!("{:?} {}", polled.outcome, serde_json::to_string(&polled.outcome).unwrap());
    assert!(!shown.contains(TOKEN), "r28: the token is in {shown}");
    assert!(!shown.contains("/posts/42") && !shown.contains("127.0.0.1:"), "r28: the URL is in {shown}");
    polled
}

/// One poll of a server, with time enough.
pub(crate) async fn poll(base_url: &str) -> Polled {
    let connector = connector(PrivateAddresses::Allowed);
    poll_with(&connector, &row(base_url), Duration::from_secs(20)).await
}
