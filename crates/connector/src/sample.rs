//! Rows and channels for the unit tests.

use std::num::NonZeroU16;

use pollwheel_core::cadence::Cadence;
use pollwheel_core::context::Context;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

/// A job of `mastodon/statuses`.
pub(crate) fn row(external_id: &str, context: &str) -> JobRow {
    let job = JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: None,
    };
    let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
    let subject =
        Subject { external_id: external_id.to_owned(), base_url: Some("http://127.0.0.1".to_owned()) };
    let level = ServiceLevel::new("professional").unwrap();
    let mut row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(0));
    row.context = serde_json::from_str::<Context>(context).unwrap();
    row
}
