//! Batches of finished polls and of dead letters.

use pollwheel_core::context::Context;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::row::ParkReason;

use crate::fixture::{Deployment, queue_event};

const DEAD: &str = "jobs-mastodon-statuses-dead";

fn new_items() -> Outcome {
    let members = [("since".to_owned(), "43".into())].into_iter().collect();
    Outcome::New { items: 2, more: false, context: Context::new(&members).unwrap() }
}

#[tokio::test]
async fn r07_a_finished_poll_is_applied_and_its_repetition_is_a_counted_no_op() {
    let deployment = Deployment::new().await;
    let body = deployment.completed(new_items()).await;
    for _ in 0..2 {
        let answer = deployment.invoke(&queue_event("completed", &[("m-1", &body)])).await;
        assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[]}"#));
    }
    assert_eq!(deployment.row().await.context.as_json(), r#"{"since":"43"}"#);
    for (name, value) in [("Completed", 2.0), ("Updated", 1.0), ("Stale", 1.0), ("New", 2.0)] {
        assert_eq!(deployment.metric(name), value, "{name}");
    }
}

#[tokio::test]
async fn r12_r30_records_that_cannot_be_read_come_back_and_their_neighbours_are_applied() {
    let deployment = Deployment::new().await;
    let body = deployment.completed(new_items()).await;
    let newer = body.replacen("\"v\":1", "\"v\":2", 1);
    let messages = [("m-1", "not JSON"), ("m-2", newer.as_str()), ("m-3", body.as_str()), ("m-4", "")];
    let answer = deployment.invoke(&queue_event("completed", &messages)).await;
    assert_eq!(
        answer.as_deref(),
        Ok(
            r#"{"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-4"}]}"#
        )
    );
    assert_eq!(deployment.row().await.context.as_json(), r#"{"since":"43"}"#);
    assert_eq!(deployment.metric("RecordsFailed"), 3.0);
}

#[tokio::test]
async fn r12_a_dead_letter_holds_its_job_and_the_fifth_in_a_row_quarantines_it() {
    let deployment = Deployment::new().await;
    for crashes in 1..=4 {
        let letter = deployment.dispatched().await;
        // Each is of a later dispatch than the one before.
        let letter = letter.replacen("\"due\":", &format!("\"due\":{crashes}"), 1);
        deployment.invoke(&queue_event(DEAD, &[("m-1", &letter)])).await.unwrap();
        let row = deployment.row().await;
        assert_eq!((row.crashes, row.hold.is_some(), row.parked), (crashes, true, None));
    }
    let letter = deployment.dispatched().await.replacen("\"due\":", "\"due\":5", 1);
    deployment.invoke(&queue_event(DEAD, &[("m-1", &letter)])).await.unwrap();
    assert_eq!(deployment.row().await.parked.map(|parked| parked.reason), Some(ParkReason::Quarantined));
    assert_eq!(deployment.metric("Crashed"), 5.0);
    let events = deployment.function.bus.0.borrow();
    assert_eq!(events.len(), 1, "the quarantine is announced");
}

#[tokio::test]
async fn r30_a_dead_letter_of_a_newer_build_stays_where_it_is() {
    let deployment = Deployment::new().await;
    let newer = deployment.dispatched().await.replacen("\"v\":1", "\"v\":7", 1);
    let answer = deployment.invoke(&queue_event(DEAD, &[("m-1", &newer)])).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#));
    assert_eq!(deployment.row().await.crashes, 0);
}

#[tokio::test]
async fn messages_of_other_queues_come_back() {
    let deployment = Deployment::new().await;
    for queue in ["drains", "completed-dead", "drains-dead", "jobs-mastodon-statuses"] {
        let error = deployment.invoke(&queue_event(queue, &[("m-1", "{}")])).await.unwrap_err();
        assert!(error.starts_with(&format!("queue `pollwheel-test-{queue}` is neither")), "{error}");
    }
    assert!(deployment.invoke("{}").await.unwrap_err().contains("not of a queue"));
}
