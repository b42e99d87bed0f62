//! The contract suite of the ports: every adapter passes it in its own tests.
//!
//! Each function takes an adapter and panics at the first clause that it breaks. What it needs of the adapter's
//! storage is said at the function. Nothing here waits, so an adapter that answers late must wait inside its calls.
//!
//! Not here: durability and delivery over time, which no call can show. Adapters test those on their own.

mod control;
mod credentials;
mod jobs;
mod queues;
mod wakes;

use crate::activity::{Activity, Price};
use crate::cadence::{Cadence, CadenceRange};
use crate::context::{Context, ContextMap};
use crate::decide::{Clamp, Terms};
use crate::id::{AccountId, JobId, JobTypeId, ServiceLevel, Target};
use crate::ports::{Applied, Change, JobStore};
use crate::row::{Hold, HoldCause, JobRow, ParkReason, Parked, Place, Revision, Subject};
use crate::time::EpochMinute;
use crate::wheel::Cohort;

pub use control::control_store_contract;
pub use credentials::credential_store_contract;
pub use jobs::job_store_contract;
pub use queues::queues_contract;

/// The minute that the suite takes for now.
const NOW: EpochMinute = EpochMinute::new(29_000_000);

#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn job_type(text: &str) -> JobTypeId {
    JobTypeId::new(text.to_owned()).expect("a job type id")
}

#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn job(job_type: &JobTypeId, account: &str, target: Option<&str>) -> JobId {
    JobId {
        job_type: job_type.clone(),
        account: AccountId::new(account.to_owned()).expect("an account id"),
        target: target.map(|text| Target::new(text.to_owned()).expect("a target")),
    }
}

const fn cohort(cadence: Cadence, phase: u16, shard: u16) -> Cohort {
    Cohort { cadence, phase, shard }
}

const HOME: Place = Place::Cohort(cohort(Cadence::FASTEST, 0, 0));

#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn row(job: &JobId, place: Place, rev: u64) -> JobRow {
    let subject = Subject { external_id: "42".to_owned(), base_url: None };
    let level = ServiceLevel::new("free").expect("a service level");
    JobRow::new(job.clone(), place, subject, level, Revision(rev), NOW)
}

/// A row that uses everything that a row can hold.
#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn full_row(job: &JobId, place: Place, rev: u64) -> JobRow {
    let hold = Hold { until: NOW.plus(7), cause: HoldCause::Backoff };
    let members = ContextMap::from_iter([
        ("since".to_owned(), serde_json::Value::from("quote \" backslash \\ \u{0}\u{FFFF}\u{1F600}")),
        ("big".to_owned(), serde_json::Value::from("x".repeat(15_000))),
    ]);
    JobRow {
        context_rev: Revision(rev - 1),
        subject: Subject {
            external_id: "é \"42\" \u{1F600}".to_owned(),
            base_url: Some("https://example.social/a?b=c".to_owned()),
        },
        level: ServiceLevel::new("enterprise").expect("a service level"),
        context: Context::new(&members).expect("a context within the limit"),
        range: CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).ok(),
        hold: Some(hold),
        failures: 1,
        gone: 2,
        crashes: 3,
        backoff_minutes: 4,
        activity: Some(Activity { items_thousandths: 1500, exposure_seconds: 90_000 }),
        applied: Some(NOW.plus(5)),
        terms: Some(Terms {
            at: NOW,
            activity: Cadence::SLOWEST,
            rate: 1_234_567,
            price: Price::of_thousandths(1500),
            asked_seconds: 812,
            clamp: Some(Clamp::Staleness),
            floor_seconds: Some(60),
            hold: Some(hold),
            jitter_minutes: 1,
            wake: Some(NOW.plus(1)),
        }),
        parked: Some(Parked { reason: ParkReason::Gone, since: NOW }),
        ..row(job, place, rev)
    }
}

/// Applies one change.
#[expect(clippy::expect_used, reason = "the contract: one answer a change, and no error without a cause")]
async fn apply(store: &impl JobStore, change: Change) -> Applied {
    let mut answers = store.apply(vec![change]).await;
    assert_eq!(answers.len(), 1, "one answer a change");
    answers.remove(0).expect("a change that can be judged is no error")
}

async fn insert(store: &impl JobStore, row: &JobRow) {
    let applied = apply(store, Change::Insert(Box::new(row.clone()))).await;
    assert_eq!(applied, Applied::Done, "inserting `{}`", row.job);
}

fn conflict(row: Option<&JobRow>) -> Applied {
    Applied::Conflict(row.cloned().map(Box::new))
}
