//! EventBridge at the wire: no poll advances before every event of it is accepted.

use pollwheel_aws::{EventBridgeBus, Meter};
use pollwheel_core::event::{Event, Item};
use pollwheel_core::ports::{Bus, PortError, Retry};
use pollwheel_core::time::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::fixture::{Answer, Aws, row, wait};

fn events(count: usize, data_bytes: usize) -> Vec<Event> {
    let now = Timestamp::from_millis(1_763_870_400_000);
    let row = row("a1", pollwheel_core::cadence::Cadence::FASTEST, now.minute());
    let event = |number: usize| {
        let item = Item {
            id: number.to_string(),
            kind: "mastodon.status".to_owned(),
            time: None,
            subject: None,
            data: RawValue::from_string(format!("\"{}\"", "x".repeat(data_bytes))).unwrap(),
            dedupe_version: 1,
        };
        Event::of_item(&row.job, item, now)
    };
    (0..count).map(event).collect()
}

fn publish(aws: &Aws, events: Vec<Event>) -> Vec<Result<(), PortError>> {
    let bus = EventBridgeBus::new(&aws.connection(), "pollwheel-test", &Meter::default());
    wait(bus.publish(events))
}

fn retries(answers: &[Result<(), PortError>]) -> Vec<Option<Retry>> {
    answers.iter().map(|answer| answer.as_ref().err().map(|error| error.retry)).collect()
}

#[test]
fn an_event_is_the_cloud_event_under_its_source_and_type() {
    let aws = Aws::new();
    let sent = events(1, 10);
    assert_eq!(retries(&publish(&aws, sent.clone())), [None]);
    let there = aws.events().remove(0);
    assert_eq!(
        (there.bus.as_str(), there.source.as_str(), there.kind.as_str()),
        ("pollwheel-test", "/pollwheel/mastodon/statuses", "mastodon.status")
    );
    assert_eq!(there.detail, serde_json::to_string(&sent[0]).unwrap());
}

#[test]
fn calls_are_cut_by_count_and_by_bytes() {
    let aws = Aws::new();
    assert_eq!(retries(&publish(&aws, events(25, 10))), [None; 25]);
    let cut = |aws: &Aws| {
        let mut sizes: Vec<usize> =
            aws.take_calls().iter().map(|call| call.request["Entries"].as_array().unwrap().len()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(cut(&aws), [5, 10, 10]);
    assert_eq!(retries(&publish(&aws, events(5, 100_000))), [None; 5]);
    assert_eq!(cut(&aws), [1, 2, 2], "at most 256 KB a call");
    let largest = pollwheel_core::event::MAX_EVENT_BYTES - 100;
    assert_eq!(retries(&publish(&aws, events(2, largest))), [None; 2]);
    assert_eq!(cut(&aws), [1, 1], "the largest event fits");
    assert!(publish(&aws, Vec::new()).is_empty());
}

/// Refuses the entries at these positions.
fn refusing(positions: &'static [usize], code: &'static str) -> Answer {
    Answer::Changed(Box::new(move |mut answer| {
        for &position in positions {
            answer["Entries"][position] = json!({"ErrorCode": code, "ErrorMessage": "no"});
        }
        answer["FailedEntryCount"] = json!(positions.len());
        answer
    }))
}

#[test]
fn r15_entries_refused_for_a_moment_are_put_again_and_only_they() {
    let aws = Aws::new();
    let mut calls = 0;
    aws.script(move |_, _| {
        calls += 1;
        match calls {
            1 => refusing(&[1, 2], "ThrottlingException"),
            2 => refusing(&[0], "InternalFailure"),
            _ => Answer::Own,
        }
    });
    assert_eq!(retries(&publish(&aws, events(4, 10))), [None; 4]);
    let sizes: Vec<usize> =
        aws.take_calls().iter().map(|call| call.request["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [4, 2, 1]);
}

#[test]
fn r15_a_throttled_bus_is_a_failure_in_the_end() {
    let aws = Aws::new();
    aws.script(|_, _| refusing(&[0], "ThrottlingException"));
    assert_eq!(retries(&publish(&aws, events(2, 10))), [Some(Retry::Throttled), None]);
    assert_eq!(aws.take_calls().len(), 4, "attempts are bounded");
}

#[test]
fn r15_an_entry_without_an_id_is_no_success() {
    for broken in [json!([{}, {"EventId": "e"}]), json!([])] {
        let aws = Aws::new();
        let body = json!({"FailedEntryCount": 0, "Entries": broken});
        aws.script(move |_, _| Answer::Instead(200, body.clone()));
        let answers = publish(&aws, events(2, 10));
        assert_eq!(answers[0].as_ref().unwrap_err().retry, Retry::Transient);
    }
    let aws = Aws::new();
    aws.script(|_, _| Answer::Instead(200, Value::Object(serde_json::Map::new())));
    assert!(publish(&aws, events(2, 10)).iter().all(Result::is_err), "no list is no success");
}

#[test]
fn r15_an_entry_that_is_refused_for_good_is_not_put_again() {
    let aws = Aws::new();
    aws.script(|_, _| refusing(&[0], "NotAuthorizedForSourceException"));
    assert_eq!(retries(&publish(&aws, events(2, 10))), [Some(Retry::Never), None]);
    assert_eq!(aws.take_calls().len(), 1);
}

#[test]
fn r20_a_missing_bus_is_named() {
    let aws = Aws::new();
    let body = json!({"__type": "ResourceNotFoundException", "message": "Event bus does not exist"});
    aws.script(move |_, _| Answer::Instead(400, body.clone()));
    let error = publish(&aws, events(1, 10)).remove(0).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    assert!(error.chain().contains("bus `pollwheel-test`"), "{}", error.chain());
}
