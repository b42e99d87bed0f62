use super::*;
use crate::activity::Activity;
use crate::context::{Context, ContextMap};
use crate::id::{AccountId, JobId, ServiceLevel};
use crate::row::{Place, Revision, Subject};

pub(super) fn message(external_id: &str) -> PollMessage {
    let job = JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new("a1").unwrap(),
        target: None,
    };
    let cohort = Cohort { cadence: crate::cadence::Cadence::FASTEST, phase: 0, shard: 0 };
    let subject = Subject { external_id: external_id.to_owned(), base_url: None };
    let level = ServiceLevel::new("free").unwrap();
    let mut row = JobRow::new(job, Place::Cohort(cohort), subject, level, Revision(1), EpochMinute::new(1));
    let members = ContextMap::from_iter([("since".to_owned(), serde_json::Value::from(external_id))]);
    row.context = Context::new(&members).unwrap();
    let price = Price::USUAL;
    PollMessage { due: EpochMinute::new(29_000_000), missed: 0, spread: 7, hop: 1, price, row }
}

#[test]
fn a_message_survives_the_queue() {
    let sent = message("42");
    let body = sent.encode();
    assert!(body.starts_with(r#"{"v":1,"m":{"#) && body.len() < 450, "{} bytes: {body}", body.len());
    assert_eq!(PollMessage::decode(&body), Ok(sent));
}

/// One of each kind of row.
pub(super) fn unusual_messages() -> [PollMessage; 3] {
    let plain = message("42");
    let mut full = message("4\u{1}\"\\2é\u{7F}");
    full.missed = 3;
    full.price = Price::of_thousandths(1500);
    full.row.activity = Some(Activity { items_thousandths: 1500, exposure_seconds: 90 });
    let cadence = crate::cadence::Cadence::FASTEST;
    full.row.range = crate::cadence::CadenceRange::new(cadence, cadence).ok();
    full.row.job.target = Some(crate::id::Target::new("a \"b\"").unwrap());
    full.row.subject.base_url = Some("https://mastodon.example".to_owned());
    full.row.hold = Some(crate::row::Hold { until: EpochMinute::new(9), cause: crate::row::HoldCause::Hint });
    (full.row.failures, full.row.gone, full.row.crashes, full.row.backoff_minutes) = (1, 2, 3, 4);
    full.row.error = Some("network: \"reset\"".into());
    full.row.applied = Some(EpochMinute::new(8));
    full.row.terms = Some(crate::decide::Terms {
        at: EpochMinute::new(7),
        activity: crate::cadence::Cadence::FASTEST,
        rate: 1200,
        price: Price::of_thousandths(1500),
        asked_seconds: 812,
        clamp: Some(crate::decide::Clamp::Level),
        floor_seconds: Some(60),
        hold: full.row.hold,
        jitter_minutes: 1,
        wake: Some(EpochMinute::new(10)),
    });
    let mut parked = message("42");
    parked.row.context = Context::empty();
    parked.row.place = Place::Parked { shard: 3 };
    let reason = crate::row::ParkReason::Gone;
    parked.row.parked = Some(crate::row::Parked { reason, since: EpochMinute::new(5) });
    [plain, full, parked]
}

#[test]
fn a_poll_message_is_written_as_serde_would_write_it() {
    for message in unusual_messages() {
        assert_eq!(message.encode(), super::to_json(&Envelope { v: VERSION, message: &message }));
    }
}

/// One of each kind.
pub(super) fn finished_polls() -> Vec<Completed> {
    let poll = |message: PollMessage, outcome, hints| {
        let PollMessage { due, price, row, .. } = message;
        Completed { due, at: Timestamp::from_millis(1_740_052_800_123), price, row, outcome, hints }
    };
    let limit = crate::outcome::LimitReading {
        scope: crate::outcome::Scope::Token("a \"b\"".into()),
        remaining: 1,
        cushion: 2,
        reset_seconds: Some(3),
    };
    let hints = Hints { floor_seconds: Some(9), limits: vec![limit] };
    let mut settled = message("7");
    settled.row.applied = Some(EpochMinute::new(8));
    let [_, full, _] = unusual_messages();
    settled.price = full.price;
    (settled.row.range, settled.row.activity) = (full.row.range, full.row.activity);
    settled.row.terms = full.row.terms;
    vec![
        poll(message("42"), Outcome::Unchanged { context: None }, Hints::default()),
        poll(settled, Outcome::Unchanged { context: None }, hints.clone()),
        poll(full, Outcome::Network { reason: "\u{FFFE}\n".to_owned() }, hints),
    ]
}

#[test]
fn finished_polls_are_written_as_serde_would_write_them() {
    let polls = finished_polls();
    let mut text = String::new();
    for poll in &polls {
        text.push_str(if text.is_empty() { "" } else { "," });
        let (due, price, row) = (poll.due, poll.price, poll.row.clone());
        let message = PollMessage { due, missed: 3, spread: 7, hop: 2, price, row };
        finished(&mut text, &message, poll.at, (&poll.outcome, &poll.hints)).unwrap();
    }
    let message = CompletedMessage { hop: 3, polls };
    assert_eq!(encode_completed(3, &text), message.encode());
}

#[test]
fn r26_every_text_satisfies_sqs_and_comes_back_the_same() {
    let sent = message("\u{FFFE}\u{FFFF}\u{0}\u{1F}\u{7F}\u{FEFF}\u{1F600}\"\\");
    let body = sent.encode();
    let allowed = |c: char| matches!(u32::from(c), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF);
    assert!(body.chars().all(allowed), "{body:?}");
    let received = PollMessage::decode(&body).unwrap();
    assert_eq!(received.row.subject, sent.row.subject);
    assert_eq!(received.row.context.members(), sent.row.context.members());
}

#[test]
fn r30_an_unknown_version_is_told_from_a_broken_message() {
    let newer = message("42").encode().replacen("\"v\":1", "\"v\":2", 1);
    assert_eq!(PollMessage::decode(&newer), Err(MessageError::UnknownVersion { found: 2 }));
    let alien = r#"{"v":9,"jobs":[1,2]}"#;
    assert_eq!(PollMessage::decode(alien), Err(MessageError::UnknownVersion { found: 9 }));
    for broken in ["", "not json", "{}", r#"{"v":1}"#, r#"{"v":1,"m":{"due":-1}}"#, "[]", r#"{"v":"1"}"#] {
        assert!(matches!(PollMessage::decode(broken), Err(MessageError::Malformed { .. })), "{broken}");
    }
}

#[test]
fn r30_a_member_added_by_a_newer_build_of_the_same_version_is_ignored() {
    let newer = message("42").encode().replacen("\"hop\":1", "\"hop\":1,\"colour\":\"blue\"", 1);
    assert_eq!(PollMessage::decode(&newer), Ok(message("42")));
}

#[test]
fn an_error_does_not_repeat_the_message() {
    let error = PollMessage::decode(r#"{"v":1,"m":{"due":"s3cret-t0ken"}}"#).unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "{error}");
}
