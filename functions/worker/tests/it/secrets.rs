//! Nothing that the function writes holds a token.

use crate::fixture::{Deployment, TOKEN, dispatched, queue_event};
use crate::log;

#[tokio::test(start_paused = true)]
async fn r28_a_token_is_in_no_log_no_metric_no_answer_and_no_message() {
    let deployment = Deployment::new();
    let event = queue_event(&[
        ("m-1", dispatched("panic")),
        ("m-2", dispatched("good")),
        ("m-3", format!("{{\"v\":1,\"m\":\"{TOKEN}\"}}")),
    ]);
    let answer = deployment.invoke(&event).await.unwrap();
    let log = log::text();
    assert!(log.contains("the poll panicked"), "the log was taken: {log}");
    let written =
        [log, answer, deployment.lines.borrow().join("\n"), format!("{:?}", deployment.completed())];
    for text in written {
        assert!(!text.contains(TOKEN), "{text}");
    }
}
