//! Polls of the toy channel, and what must hold of every one of them.

use std::num::NonZeroU16;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use pollwheel_core::cadence::Cadence;
use pollwheel_core::context::{Context, MAX_CONTEXT_BYTES};
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Credentials, Polled, Request, Secret};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

use super::is_new;
use crate::channel::ChannelSet;
use crate::replay::replay;
use crate::state::MEMBER;

/// The token of every poll. Also the text that no outcome may have, whether the server sent it or got it.
const TOKEN: &str = "planted-t0ken";

fn channels() -> &'static ChannelSet {
    static CHANNELS: OnceLock<ChannelSet> = OnceLock::new();
    CHANNELS.get_or_init(|| {
        let channels = ChannelSet::of_text(Path::new("toy/channel.yml"), include_str!("toy.yml"));
        channels.unwrap_or_else(|problems| {
            assert!(problems.0.is_empty(), "{problems}");
            ChannelSet::default()
        })
    })
}

fn row(job_type: &str, context: Context) -> Option<JobRow> {
    let job_type = JobTypeId::new(format!("toy/{job_type}")).ok()?;
    let job = JobId { job_type, account: AccountId::new("a1").ok()?, target: None };
    let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
    let subject = Subject { external_id: "42".to_owned(), base_url: None };
    let level = ServiceLevel::new("free").ok()?;
    let mut row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(0));
    row.context = context;
    Some(row)
}

/// One poll in which every page is the same response.
pub(super) fn once(job_type: &str, context: &str, response: &::http::Response<Bytes>) -> Option<Polled> {
    let context: Context = serde_json::from_str(context).ok()?;
    let row = row(job_type, context)?;
    let credentials = Credentials::of_token(Secret::new(TOKEN));
    let request = Request {
        row: &row,
        credentials: Some(&credentials),
        application: None,
        token: None,
        budget: Duration::from_secs(30),
        permits: None,
    };
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut requests = 0;
    let polled = replay(channels(), request, now, |_| {
        requests += 1;
        assert!(requests <= 50, "the poll does not end");
        response.clone()
    });
    holds(&polled, &row.context);
    Some(polled)
}

/// The same poll again, from what the first one left: there is nothing new.
pub(super) fn twice(job_type: &str, context: &str, response: &::http::Response<Bytes>) {
    let Some(first) = once(job_type, context, response) else { return };
    let (Outcome::Seeded { context } | Outcome::New { context, more: false, .. }) = &first.outcome else {
        return;
    };
    let second = once(job_type, context.as_json(), response);
    let is_quiet = second.as_ref().is_some_and(|second| !is_new(&second.outcome) && second.items.is_empty());
    assert!(is_quiet, "the same answer is new twice: {:?}", second.map(|second| second.outcome));
}

/// What holds of every poll.
fn holds(polled: &Polled, before: &Context) {
    let outcome = &polled.outcome;
    assert!(polled.items.is_empty() || is_new(outcome), "items without news");
    let Some(after) = outcome.context() else {
        let shown = format!("{outcome:?}");
        assert!(!shown.contains(TOKEN), "{shown}");
        return;
    };
    assert!(after.as_json().len() <= MAX_CONTEXT_BYTES);
    let (mut old, mut new) = (before.members(), after.members());
    old.remove(MEMBER);
    new.remove(MEMBER);
    assert_eq!(old, new, "members that are not ours changed");
    for item in &polled.items {
        assert!((1..=512).contains(&item.id.len()) && !item.id.contains(char::is_control), "{:?}", item.id);
    }
}
