//! The sizes that the core's meter takes items to have are those of the items that are written here.

use aws_sdk_dynamodb::types::AttributeValue;
use pollwheel_core::cadence::Cadence;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::meter::items::{registration_bytes, row_bytes, wake_bytes};
use pollwheel_core::row::{
    Hold, HoldCause, JobRow, ParkReason, Parked, Place, Registration, Revision, Subject, WakeUp,
};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

use super::item::{self, Item};

/// As DynamoDB counts: the bytes of names and values; of a number one for two significant digits, and one more.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(item: &Item) -> usize {
    let of_number = |number: &String| number.trim_end_matches('0').len().max(1).div_ceil(2) + 1;
    let of_value = |value: &AttributeValue| {
        let of_text = value.as_s().map(String::len);
        of_text.or_else(|_| value.as_n().map(of_number)).expect("a text or a number")
    };
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

fn rows() -> Vec<JobRow> {
    let job_type = JobTypeId::new("mastodon/statuses").unwrap();
    let job = JobId { job_type, account: AccountId::new("a#1").unwrap(), target: None };
    let place = Place::Cohort(Cohort { cadence: Cadence::new(15).unwrap(), phase: 12, shard: 3 });
    let subject = Subject { external_id: "42".to_owned(), base_url: None };
    let level = ServiceLevel::new("free").unwrap();
    let now = EpochMinute::new(29_397_841);
    let plain = JobRow::new(job, place, subject, level, Revision(1_763_870_400_000), now);
    let mut full = plain.clone();
    full.subject.base_url = Some("https://mastodon.example".to_owned());
    full.context = Context::new(&ContextMap::from_iter([("since".to_owned(), "1155".into())])).unwrap();
    full.context_rev = Revision(1_763_870_400_007);
    full.hold = Some(Hold { until: now.plus(100), cause: HoldCause::RateLimit });
    (full.failures, full.gone, full.crashes, full.backoff_minutes) = (1, 20, 300, 240);
    full.error = Some("timeout".into());
    full.applied = Some(now);
    full.place = Place::Parked { shard: 12 };
    full.parked = Some(Parked { reason: ParkReason::Gone, since: now });
    vec![plain, full]
}

#[test]
fn items_are_as_large_as_the_meter_takes_them_to_be() {
    for row in rows() {
        assert_eq!(row_bytes(&row), size(&item::of_row(&row)), "{row:?}");
        let registration = Registration::from(&row);
        assert_eq!(registration_bytes(&registration), size(&item::of_registration(&registration)));
        let wake = WakeUp { minute: row.last_active, job: row.job.clone(), place: row.place };
        assert!(wake_bytes(&wake).abs_diff(size(&item::of_wake(&wake))) <= 1, "a shard of two digits");
    }
}
