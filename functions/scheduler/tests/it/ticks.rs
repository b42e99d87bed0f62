//! Ticks: punctual, repeated, without a usable time, failing in part and altogether.

use std::time::Duration;

use pollwheel_core::ports::QueueName;

use crate::fixture::{Deployment, OF_FUNCTION, TICK, jobs_queue};

#[tokio::test]
async fn r01_a_tick_dispatches_what_is_due_and_its_repetition_nothing() {
    let deployment = Deployment::whole(3).await;
    let answer = r#"{"minute":"2026-11-23T07:45Z","dispatched":3}"#;
    assert_eq!(deployment.invoke(TICK).await.as_deref(), Ok(answer));
    assert_eq!(deployment.sent(jobs_queue("statuses")), 3);
    for (name, of, value) in [
        ("Dispatched", ("JobType", "mastodon/statuses"), 3.0),
        ("Dispatched", OF_FUNCTION, 3.0),
        ("TickLagSeconds", OF_FUNCTION, 20.0),
        ("TickTimeFallback", OF_FUNCTION, 0.0),
        ("SkippedJobTypes", OF_FUNCTION, 0.0),
        ("CursorsKept", OF_FUNCTION, 0.0),
    ] {
        assert_eq!(deployment.metric(name, of), value, "{name} of {of:?}");
    }

    let repeated = deployment.invoke(TICK).await.unwrap();
    assert!(repeated.contains(r#""dispatched":0"#), "{repeated}");
    assert_eq!(deployment.sent(jobs_queue("statuses")), 3);
    assert_eq!(deployment.metric("SkippedJobTypes", OF_FUNCTION), 0.0, "a repetition leaves nothing out");
}

#[tokio::test]
async fn r02_a_tick_makes_up_for_those_that_were_missed() {
    let deployment = Deployment::whole(2).await;
    deployment.invoke(TICK).await.unwrap();
    deployment.function.clock.pass(Duration::from_secs(300));
    deployment.invoke(r#"{"time":"2026-11-23T07:50:00Z"}"#).await.unwrap();
    assert_eq!(deployment.sent(jobs_queue("statuses")), 4, "each job once");
    assert_eq!(deployment.metric("MissedMinutes", OF_FUNCTION), 8.0);
}

#[tokio::test]
async fn a_classic_rule_ticks_too() {
    let deployment = Deployment::whole(1).await;
    let answer = deployment.invoke(include_str!("../events/classic_rule.json")).await.unwrap();
    assert!(answer.contains("2026-11-23T07:43Z"), "{answer}");
    assert_eq!(deployment.sent(jobs_queue("statuses")), 1);
}

#[tokio::test]
async fn a_tick_without_a_usable_time_is_for_the_minute_of_the_clock_and_counted() {
    let deployment = Deployment::whole(1).await;
    let answer = deployment.invoke(r#"{"time":"<aws.scheduler.scheduled-time>"}"#).await.unwrap();
    assert!(answer.contains("2026-11-23T07:45Z"), "{answer}");
    assert_eq!(deployment.metric("TickTimeFallback", OF_FUNCTION), 1.0);
    let repeated = deployment.invoke(TICK).await.unwrap();
    assert!(repeated.contains(r#""dispatched":0"#), "the minute is done: {repeated}");
}

#[tokio::test]
async fn r20_a_job_type_that_fails_is_counted_and_only_all_of_them_are_an_error() {
    let queues = [jobs_queue("statuses"), QueueName::Drains];
    let deployment = Deployment::with(1, &queues).await;
    assert!(deployment.invoke(TICK).await.is_ok());
    assert_eq!(deployment.sent(jobs_queue("statuses")), 1);
    assert_eq!(deployment.metric("CursorsKept", ("JobType", "mastodon/notifications")), 1.0);
    assert_eq!(deployment.metric("CursorsKept", ("JobType", "mastodon/statuses")), 0.0);

    let deployment = Deployment::with(1, &[]).await;
    let error = deployment.invoke(TICK).await.unwrap_err();
    assert!(error.starts_with("none of 2 job types was dispatched for 2026-11-23T07:45Z"), "{error}");
    assert!(error.contains("backlog"), "{error}");
    assert_eq!(deployment.metric("CursorsKept", OF_FUNCTION), 2.0);
}

#[tokio::test]
async fn r13_a_tick_without_time_hands_its_partitions_to_other_invocations() {
    let deployment = Deployment::whole(3).await;
    deployment.invoke_for(TICK, Duration::ZERO).await.unwrap();
    assert_eq!(deployment.sent(jobs_queue("statuses")), 0);
    assert!(deployment.sent(QueueName::Drains) > 0);
    assert_eq!(deployment.metric("CursorsKept", OF_FUNCTION), 0.0, "it is durably enqueued");
}

#[tokio::test]
async fn an_event_that_is_none_of_ours_is_an_error() {
    let deployment = Deployment::whole(1).await;
    let error = deployment.invoke(r#"{"hello":"world"}"#).await.unwrap_err();
    assert_eq!(error, r#"the event is no tick and not of a queue: send `{"time": "<RFC 3339>"}`"#);
}
