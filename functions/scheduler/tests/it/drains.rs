//! Messages of the drains queue: partitions of a large minute.

use pollwheel_core::ports::QueueName;

use crate::fixture::{Deployment, TICK, jobs_queue, queue_event};

/// A minute that was fanned out, and the bodies of its partitions.
async fn fanned_out(jobs: u32) -> (Deployment, Vec<String>) {
    let mut deployment = Deployment::whole(jobs).await;
    deployment.function.fan_out_above = 0;
    deployment.invoke(TICK).await.unwrap();
    assert_eq!(deployment.sent(jobs_queue("statuses")), 0);
    let bodies = deployment.receive(QueueName::Drains);
    let bodies = bodies.into_iter().map(|delivery| delivery.body.to_string()).collect();
    (deployment, bodies)
}

#[tokio::test]
async fn a_large_minute_is_dispatched_by_its_partitions() {
    let (deployment, bodies) = fanned_out(5).await;
    let messages: Vec<(&str, &str)> = bodies.iter().map(|body| ("m", body.as_str())).collect();
    let answer = deployment.invoke(&queue_event("drains", &messages)).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[]}"#));
    assert_eq!(deployment.sent(jobs_queue("statuses")), 5);
    assert_eq!(deployment.metric("Dispatched", ("JobType", "mastodon/statuses")), 5.0);
}

#[tokio::test]
async fn r12_r30_records_that_cannot_be_read_come_back_and_their_neighbours_are_dispatched() {
    let (deployment, bodies) = fanned_out(2).await;
    let newer = bodies[0].replacen("\"v\":1", "\"v\":2", 1);
    let alien = bodies[0].replacen("mastodon/", "gone/", 1);
    let mut messages = vec![("m-1", "not JSON"), ("m-2", newer.as_str()), ("m-3", alien.as_str())];
    messages.extend(bodies.iter().map(|body| ("good", body.as_str())));
    let answer = deployment.invoke(&queue_event("drains", &messages)).await.unwrap();
    let failed: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let mut ids: Vec<&str> = failed["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["m-1", "m-2", "m-3"]);
    assert_eq!(deployment.sent(jobs_queue("statuses")), 2);
}

#[tokio::test]
async fn messages_of_another_queue_come_back() {
    let deployment = Deployment::whole(0).await;
    let error = deployment.invoke(&queue_event("completed", &[("m-1", "{}")])).await.unwrap_err();
    assert_eq!(error, "queue `pollwheel-test-completed` is not the drains queue: its messages come back");
}
