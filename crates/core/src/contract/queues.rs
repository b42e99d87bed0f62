//! The clauses of `Queues`.

use std::collections::BTreeMap;

use super::job_type;
use crate::ports::{Outgoing, PortError, QueueName, Queues, Retry};

/// A message that no queue may take: SQS refuses the character.
const FORBIDDEN: &str = "a\u{FFFF}";

/// Checks [`Queues`] whose queues `Jobs("contract/jobs")`, `Completed` and `Drains` exist and are empty.
///
/// `receive` gives the bodies of everything that can be received from a queue by now, and deletes it. Messages that are
/// delivered twice are allowed.
///
/// # Panics
/// At the first clause that it breaks.
pub async fn queues_contract(queues: &impl Queues, mut receive: impl AsyncFnMut(&QueueName) -> Vec<String>) {
    for queue in [QueueName::Jobs(job_type("contract/jobs")), QueueName::Completed, QueueName::Drains] {
        what_is_accepted_arrives(queues, &queue, &mut receive).await;
        every_message_has_its_own_answer(queues, &queue, &mut receive).await;
        a_delayed_message_is_not_there_yet(queues, &queue, &mut receive).await;
    }
    an_unknown_queue_is_an_error(queues).await;
}

fn now(body: impl Into<String>) -> Outgoing {
    Outgoing { body: body.into(), delay_seconds: 0 }
}

fn counted(bodies: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    bodies.into_iter().fold(BTreeMap::new(), |mut counts, body| {
        *counts.entry(body).or_default() += 1;
        counts
    })
}

async fn what_is_accepted_arrives(
    queues: &impl Queues,
    queue: &QueueName,
    receive: &mut impl AsyncFnMut(&QueueName) -> Vec<String>,
) {
    // More than ten messages, and more than 1 MiB: several batches, whatever way they are cut. One is of the largest size.
    let mut bodies: Vec<String> = (0..25).map(|number| format!("{number}{}", "x".repeat(100_000))).collect();
    bodies.push("y".repeat(1024 * 1024));
    bodies.push("\t\n\r é \u{FFFD}\u{10000}\u{10FFFF}".to_owned());
    let answers = queues.send(queue, bodies.iter().map(now).collect()).await;
    assert_eq!(answers.len(), bodies.len(), "one answer a message");
    assert!(answers.iter().all(Result::is_ok), "nothing here is refused: {answers:?}");
    let received = counted(receive(queue).await);
    assert_eq!(received.keys().cloned().collect::<Vec<_>>(), counted(bodies).into_keys().collect::<Vec<_>>());
    assert!(queues.send(queue, Vec::new()).await.is_empty());
}

async fn every_message_has_its_own_answer(
    queues: &impl Queues,
    queue: &QueueName,
    receive: &mut impl AsyncFnMut(&QueueName) -> Vec<String>,
) {
    let messages = vec![
        now("first"),
        now(FORBIDDEN),
        now("second"),
        now(""),
        now("z".repeat(1024 * 1024 + 1)),
        Outgoing { body: "late".to_owned(), delay_seconds: 901 },
        now("third"),
    ];
    let answers: Vec<Result<(), PortError>> = queues.send(queue, messages).await;
    let accepted: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(accepted, [true, false, true, false, false, false, true], "answers are in order");
    for error in answers.into_iter().filter_map(Result::err) {
        assert_eq!(error.retry, Retry::Never, "the same message is refused again: {}", error.chain());
    }
    let received = counted(receive(queue).await);
    assert_eq!(received.into_keys().collect::<Vec<_>>(), ["first", "second", "third"]);
}

#[expect(clippy::expect_used, reason = "the contract: the queue exists")]
async fn a_delayed_message_is_not_there_yet(
    queues: &impl Queues,
    queue: &QueueName,
    receive: &mut impl AsyncFnMut(&QueueName) -> Vec<String>,
) {
    let delayed = Outgoing { body: "delayed".to_owned(), delay_seconds: 900 };
    let answers = queues.send(queue, vec![delayed, now("prompt")]).await;
    assert!(answers.iter().all(Result::is_ok), "900 seconds are allowed: {answers:?}");
    assert_eq!(counted(receive(queue).await).into_keys().collect::<Vec<_>>(), ["prompt"]);
    // The count is approximate, so only the call is checked; the delayed message stays behind.
    queues.backlog(queue).await.expect("a queue that exists has a backlog");
}

async fn an_unknown_queue_is_an_error(queues: &impl Queues) {
    let unknown = QueueName::Jobs(job_type("contract/unknown"));
    let answers = queues.send(&unknown, vec![now("a"), now("b")]).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.is_err()).count(),
        2,
        "one answer a message, none of them `Ok`"
    );
    assert!(queues.backlog(&unknown).await.is_err());
}
