//! DynamoDB at the wire: lost answers, throttling, cancelled transactions, items of another build.

use pollwheel_aws::{ControlTable, Meter, Store};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::ports::{Applied, Change, ControlStore, JobStore, PortError, Retry};
use pollwheel_core::row::{JobRow, Place, Revision};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;
use serde_json::json;

use crate::fixture::{Answer, Aws, job_type, row, store, wait};

const NOW: EpochMinute = EpochMinute::new(29_397_840);

fn apply(store: &Store, change: Change) -> Result<Applied, PortError> {
    wait(store.apply(vec![change])).remove(0)
}

/// A store with a row in it.
fn with_row(aws: &Aws) -> (Store, JobRow) {
    let store = store(&aws.connection(), &Meter::default());
    let row = row("a1", Cadence::new(15).unwrap(), NOW);
    assert_eq!(apply(&store, Change::Insert(Box::new(row.clone()))).unwrap(), Applied::Done);
    aws.take_calls();
    (store, row)
}

/// The first answer of an operation is lost on its way.
fn losing_the_first(operation: &'static str) -> impl FnMut(&str, &serde_json::Value) -> Answer + Send {
    let mut lost = false;
    move |target, _| {
        if !lost && target.ends_with(operation) {
            lost = true;
            return Answer::Lost;
        }
        Answer::Own
    }
}

#[test]
fn r06_the_retry_of_an_update_whose_answer_was_lost_meets_its_own_write() {
    let aws = Aws::new();
    let (store, old) = with_row(&aws);
    let mut new = old.clone();
    new.rev = old.rev.next();
    new.applied = Some(NOW);
    aws.script(losing_the_first("PutItem"));
    let change = Change::Update { row: Box::new(new.clone()), expected: old.rev };
    assert_eq!(
        apply(&store, change).unwrap(),
        Applied::Conflict(Some(Box::new(new))),
        "the row is the one written"
    );
    assert_eq!(aws.take_calls().len(), 2);
}

#[test]
fn r06_a_transaction_whose_answer_was_lost_is_not_done_twice() {
    let aws = Aws::new();
    let (store, old) = with_row(&aws);
    let mut new = old.clone();
    new.rev = old.rev.next();
    new.place = Place::Cohort(Cohort { cadence: Cadence::new(60).unwrap(), phase: 7, shard: 0 });
    aws.script(losing_the_first("TransactWriteItems"));
    let change = Change::Move { row: Box::new(new.clone()), from: old.place, expected: old.rev };
    let applied = apply(&store, change).unwrap();
    let calls = aws.take_calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        calls[0].request["ClientRequestToken"], calls[1].request["ClientRequestToken"],
        "DynamoDB knows the retry by its token"
    );
    // Without the token's help the retry is a conflict with what is gone from its old place.
    assert!(matches!(applied, Applied::Done | Applied::Conflict(None)), "{applied:?}");
    let (moved, left, registered) = wait(async {
        let moved = store.read_row(&new.job, new.place).await.unwrap();
        let left = store.read_row(&old.job, old.place).await.unwrap();
        (moved, left, store.locate(&old.job).await.unwrap().unwrap())
    });
    assert_eq!(
        (moved, left, registered.place),
        (Some(new.clone()), None, new.place),
        "one row, in one place"
    );
}

#[test]
fn r05_throttled_and_conflicting_writes_are_classed_and_change_nothing() {
    for (body, retry) in [
        (
            json!({"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}),
            Retry::Throttled,
        ),
        (
            json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException"}),
            Retry::Transient,
        ),
        (json!({"__type": "com.amazon.coral.availability#ThrottlingException"}), Retry::Throttled),
        (json!({"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}), Retry::Transient),
    ] {
        let aws = Aws::new();
        let (store, old) = with_row(&aws);
        let answer = body.clone();
        aws.script(move |_, _| Answer::Instead(400, answer.clone()));
        let change = Change::Update { row: Box::new(old.clone()), expected: old.rev };
        assert_eq!(apply(&store, change).unwrap_err().retry, retry, "{body}");
        assert!(aws.take_calls().len() <= 3, "attempts are bounded");
    }
}

#[test]
fn r05_one_throttled_partition_does_not_stop_the_others() {
    let aws = Aws::new();
    let (store, row) = with_row(&aws);
    aws.script(|_, request| {
        if request["ExpressionAttributeValues"][":pk"]["S"].as_str().is_some_and(|pk| pk.ends_with("#1")) {
            let kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
            return Answer::Instead(400, json!({"__type": kind, "message": "slow down"}));
        }
        Answer::Own
    });
    let cohort = row.place.cohort().unwrap();
    let sibling = Cohort { shard: 1, ..cohort };
    let (throttled, served) = wait(async {
        let throttled = store.read_cohort(&job_type(), sibling, None, 10).await.map(|page| page.items.len());
        let served = store.read_cohort(&job_type(), cohort, None, 10).await.map(|page| page.items.len());
        (throttled, served)
    });
    assert_eq!(throttled.unwrap_err().retry, Retry::Throttled);
    assert_eq!(served.unwrap(), 1);
}

#[test]
fn r20_a_missing_table_is_named_and_nothing_is_repeated() {
    let aws = Aws::new();
    let (store, row) = with_row(&aws);
    aws.script(|_, _| {
        let kind = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
        Answer::Instead(400, json!({"__type": kind, "message": "Requested resource not found"}))
    });
    let error = wait(store.read_row(&row.job, row.place)).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    assert!(
        error.chain().contains("table `jobs`") && error.chain().contains("its variable"),
        "{}",
        error.chain()
    );
    assert_eq!(aws.take_calls().len(), 1);
}

#[test]
fn r21_a_table_that_never_answers_ends_in_a_time_out_well_before_a_function_does() {
    let aws = Aws::new();
    let (store, row) = with_row(&aws);
    aws.script(|_, _| Answer::Silence);
    let (result, took) = wait(async {
        let start = tokio::time::Instant::now();
        (store.read_row(&row.job, row.place).await, start.elapsed())
    });
    assert_eq!(result.unwrap_err().retry, Retry::Transient);
    assert!(took <= std::time::Duration::from_secs(11), "{took:?}");
}

#[test]
fn r30_an_item_of_another_build_is_passed_over_and_counted_and_stays() {
    let aws = Aws::new();
    let (store, row) = with_row(&aws);
    let pk = pollwheel_core::keys::place_key(&row.job.job_type, row.place);
    let broken = [
        json!({"pk": {"S": pk}, "sk": {"S": "z1"}}),
        json!({"pk": {"S": pk}, "sk": {"S": "z2"}, "rev": {"S": "7"}}),
        json!({"pk": {"S": pk}, "sk": {"S": "z3"}, "rev": {"N": "99999999999999999999999"}}),
        json!({"pk": {"S": pk}, "sk": {"S": "z4%zz"}, "rev": {"N": "1"}}),
    ];
    for item in &broken {
        aws.put_item("jobs", item);
    }
    let page = wait(store.read_cohort(&job_type(), row.place.cohort().unwrap(), None, 100)).unwrap();
    assert_eq!((page.items, page.unreadable), (vec![row], 4));
    for item in &broken {
        assert_eq!(aws.item("jobs", &json!({"pk": item["pk"], "sk": item["sk"]})).as_ref(), Some(item));
    }
}

#[test]
fn r30_an_attribute_that_a_newer_build_added_is_ignored() {
    let aws = Aws::new();
    let (store, row) = with_row(&aws);
    let pk = pollwheel_core::keys::place_key(&row.job.job_type, row.place);
    let mut item = aws.item("jobs", &json!({"pk": {"S": pk}, "sk": {"S": "a1"}})).unwrap();
    item["colour"] = json!({"S": "blue"});
    aws.put_item("jobs", &item);
    assert_eq!(wait(store.read_row(&row.job, row.place)).unwrap(), Some(row));
}

#[test]
fn an_ordinary_row_is_near_400_bytes() {
    let aws = Aws::new();
    let (_, row) = with_row(&aws);
    let pk = pollwheel_core::keys::place_key(&row.job.job_type, row.place);
    let item = aws.item("jobs", &json!({"pk": {"S": pk}, "sk": {"S": "a1"}})).unwrap();
    // As DynamoDB counts: names and strings by their bytes, a number by half its digits and one.
    let value = |value: &serde_json::Value| match (value["S"].as_str(), value["N"].as_str()) {
        (Some(text), _) => text.len(),
        (None, Some(digits)) => digits.len().div_ceil(2) + 1,
        (None, None) => panic!("{value}"),
    };
    let bytes: usize = item.as_object().unwrap().iter().map(|(name, it)| name.len() + value(it)).sum();
    assert!(bytes <= 420, "{bytes} bytes: {item}");
}

#[test]
fn a_revision_of_any_size_survives() {
    let aws = Aws::new();
    let (store, mut row) = with_row(&aws);
    let expected = row.rev;
    row.rev = Revision(u64::MAX);
    row.context_rev = Revision(0);
    assert_eq!(
        apply(&store, Change::Update { row: Box::new(row.clone()), expected }).unwrap(),
        Applied::Done
    );
    assert_eq!(wait(store.read_row(&row.job, row.place)).unwrap(), Some(row));
}

#[test]
fn r06_a_cursor_whose_answer_was_lost_is_there_once() {
    let aws = Aws::new();
    let control = ControlTable::new(&aws.connection(), "control", &Meter::default());
    aws.script(losing_the_first("UpdateItem"));
    // The retry meets its own write and cannot tell it from another tick's: the minute is done either way.
    assert!(!wait(control.move_cursor(&job_type(), None, NOW)).unwrap());
    assert_eq!(wait(control.gate(&job_type())).unwrap().cursor, Some(NOW));
}

#[test]
fn r05_a_gate_with_unprocessed_keys_is_no_open_gate() {
    let aws = Aws::new();
    let control = ControlTable::new(&aws.connection(), "control", &Meter::default());
    aws.script(|_, request| {
        let unprocessed = request["RequestItems"].clone();
        Answer::Instead(200, json!({"Responses": {}, "UnprocessedKeys": unprocessed}))
    });
    assert_eq!(wait(control.gate(&job_type())).unwrap_err().retry, Retry::Throttled);
}

#[test]
fn a_pause_of_a_channel_or_a_job_type_closes_the_gate_until_it_is_lifted() {
    use pollwheel_core::id::ChannelName;
    use pollwheel_core::ports::PauseScope;
    let aws = Aws::new();
    let control = ControlTable::new(&aws.connection(), "control", &Meter::default());
    let paused = || wait(control.gate(&job_type())).unwrap().paused;
    let channel = PauseScope::Channel(ChannelName::new("mastodon").unwrap());
    for scope in [channel, PauseScope::JobType(job_type())] {
        assert!(!paused());
        for _ in 0..2 {
            wait(control.pause(&scope)).unwrap();
            assert!(paused());
        }
        for _ in 0..2 {
            wait(control.resume(&scope)).unwrap();
            assert!(!paused());
        }
    }
    let other = PauseScope::Channel(ChannelName::new("github").unwrap());
    wait(control.pause(&other)).unwrap();
    assert!(!paused(), "another channel's pause is its own");
}
