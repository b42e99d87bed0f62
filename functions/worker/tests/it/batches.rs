//! Batches of jobs: good ones, poison among good ones, and too little time.

use std::time::Duration;

use crate::fixture::{Deployment, dispatched, queue_event};

fn good() -> (&'static str, String) {
    ("m-good", dispatched("good"))
}

#[tokio::test(start_paused = true)]
async fn r14_a_batch_that_is_done_is_answered_exactly_so() {
    let deployment = Deployment::new();
    let answer = deployment.invoke(&queue_event(&[good(), ("m-2", dispatched("network"))])).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[]}"#));
    let mut completed = deployment.completed();
    completed.sort();
    assert_eq!(completed, [("good".to_owned(), "new"), ("network".to_owned(), "network")]);
    assert_eq!(deployment.function.bus.events.borrow().len(), 1);
    for (name, value) in [
        ("Polls", 2.0),
        ("Events", 1.0),
        ("Network", 1.0),
        ("New", 1.0),
        ("RecordsFailed", 0.0),
        ("LatenessSecondsMax", 20.0),
    ] {
        assert_eq!(deployment.metric(name), value, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r12_r30_poison_comes_back_alone() {
    let deployment = Deployment::new();
    let newer = dispatched("newer").replacen("\"v\":1", "\"v\":2", 1);
    let alien = dispatched("alien").replacen("mastodon/", "github/", 1);
    let messages = [
        ("m-1", "not JSON".to_owned()),
        ("m-2", newer),
        ("m-3", alien),
        ("m-4", dispatched("panic")),
        good(),
    ];
    let answer = deployment.invoke(&queue_event(&messages)).await.unwrap();
    assert_eq!(
        answer,
        concat!(
            r#"{"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},"#,
            r#"{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"}]}"#
        )
    );
    assert_eq!(deployment.completed(), [("good".to_owned(), "new")]);
    assert_eq!(deployment.metric("RecordsFailed"), 4.0);
}

#[tokio::test(start_paused = true)]
async fn r13_without_time_nothing_is_started_and_everything_comes_back() {
    let deployment = Deployment::new();
    let answer = deployment.invoke_for(&queue_event(&[good()]), Duration::ZERO).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[{"itemIdentifier":"m-good"}]}"#));
    assert_eq!(*deployment.function.poller.polled.borrow(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn r13_a_poll_that_hangs_comes_back_in_time_and_its_neighbours_are_done() {
    let deployment = Deployment::new();
    let started = tokio::time::Instant::now();
    let answer = deployment.invoke(&queue_event(&[("m-1", dispatched("hang")), good()])).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#));
    assert_eq!(deployment.completed(), [("good".to_owned(), "new")]);
    assert_eq!(started.elapsed(), Duration::from_secs(49), "eleven seconds are left to send the outcomes");
    assert_eq!(deployment.metric("CutOff"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn r15_a_poll_whose_events_were_refused_does_not_advance() {
    let mut deployment = Deployment::new();
    deployment.function.bus.is_down = true;
    let answer = deployment.invoke(&queue_event(&[good()])).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[]}"#));
    assert_eq!(deployment.completed(), [("good".to_owned(), "bus_refused")]);
    assert_eq!(deployment.metric("BusRefused"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_no_batch_fails_the_invocation() {
    let deployment = Deployment::new();
    let error = deployment.invoke(r#"{"time":"2026-11-23T07:45:00Z"}"#).await.unwrap_err();
    assert!(error.starts_with("the event is not of a queue"), "{error}");
}
