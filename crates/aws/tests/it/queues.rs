//! SQS at the wire: partial answers, throttling, lost answers, silence.

use pollwheel_aws::{Meter, SqsQueues};
use pollwheel_core::ports::{Outgoing, PortError, QueueName, Queues, Retry};
use serde_json::{Value, json};

use crate::fixture::{Answer, Aws, QUEUES, wait};

fn messages(count: usize) -> Vec<Outgoing> {
    (0..count).map(|number| Outgoing { body: format!("m{number}"), delay_seconds: 0 }).collect()
}

fn send(aws: &Aws, count: usize) -> Vec<Result<(), PortError>> {
    let queues = SqsQueues::new(&aws.connection(), QUEUES, &Meter::default());
    wait(queues.send(&QueueName::Completed, messages(count)))
}

fn retries(answers: &[Result<(), PortError>]) -> Vec<Option<Retry>> {
    answers.iter().map(|answer| answer.as_ref().err().map(|error| error.retry)).collect()
}

fn accepted(aws: &Aws) -> Vec<String> {
    let mut bodies = aws.receive(&format!("{QUEUES}completed"));
    bodies.sort();
    bodies
}

/// Moves the entries that `fails` names from the accepted to the failed ones.
fn failing(fails: &'static [&'static str], code: &'static str, sender_fault: bool) -> Answer {
    Answer::Changed(Box::new(move |mut answer| {
        let accepted = answer["Successful"].as_array().unwrap().clone();
        let (failed, accepted): (Vec<Value>, Vec<Value>) =
            accepted.into_iter().partition(|entry| fails.contains(&entry["Id"].as_str().unwrap()));
        let entry = |entry: Value| json!({"Id": entry["Id"], "Code": code, "SenderFault": sender_fault});
        answer["Failed"] = failed.into_iter().map(entry).collect();
        answer["Successful"] = Value::Array(accepted);
        answer
    }))
}

#[test]
fn r04_entries_that_fail_for_a_moment_are_sent_again_and_only_they() {
    let aws = Aws::new();
    let mut calls = 0;
    aws.script(move |_, _| {
        calls += 1;
        if calls == 1 { failing(&["2", "7"], "InternalError", false) } else { Answer::Own }
    });
    assert_eq!(retries(&send(&aws, 10)), [None; 10]);
    let calls = aws.take_calls();
    assert_eq!(calls.len(), 2);
    let again: Vec<&str> = calls[1].request["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["MessageBody"].as_str())
        .collect();
    assert_eq!(again, ["m2", "m7"]);
}

#[test]
fn r04_an_entry_in_neither_list_is_a_failure_however_often_it_happens() {
    let aws = Aws::new();
    aws.script(|_, request| {
        let first = request["Entries"][0]["MessageBody"] == "m0";
        Answer::Changed(Box::new(move |mut answer| {
            if first {
                answer["Successful"].as_array_mut().unwrap().remove(0);
            }
            answer
        }))
    });
    let answers = send(&aws, 3);
    assert_eq!(retries(&answers), [Some(Retry::Transient), None, None]);
    let error = answers.into_iter().next().unwrap().unwrap_err().chain();
    assert!(error.contains("does not name the message") && error.contains("completed"), "{error}");
    assert_eq!(aws.take_calls().len(), 3, "attempts are bounded");
}

#[test]
fn r04_a_message_that_is_refused_for_good_is_not_sent_again() {
    let aws = Aws::new();
    aws.script(|_, _| failing(&["1"], "InvalidMessageContents", true));
    assert_eq!(retries(&send(&aws, 3)), [None, Some(Retry::Never), None]);
    assert_eq!(aws.take_calls().len(), 1);
}

#[test]
fn r04_throttled_entries_are_classed_apart() {
    let aws = Aws::new();
    aws.script(|_, _| failing(&["0", "1", "2"], "RequestThrottled", true));
    assert_eq!(retries(&send(&aws, 3)), [Some(Retry::Throttled); 3]);
}

#[test]
fn r05_a_throttled_call_fails_its_own_batch_only() {
    let aws = Aws::new();
    aws.script(|_, request| {
        if request["Entries"][0]["MessageBody"] == "m10" {
            let body = json!({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow down"});
            Answer::Instead(400, body)
        } else {
            Answer::Own
        }
    });
    let answers = retries(&send(&aws, 25));
    assert!(
        answers[..10].iter().chain(&answers[20..]).all(Option::is_none),
        "the others are served: {answers:?}"
    );
    assert_eq!(answers[10..20], [Some(Retry::Throttled); 10]);
    assert_eq!(accepted(&aws).len(), 15);
}

#[test]
fn r06_a_lost_answer_is_asked_for_again_and_the_message_may_be_there_twice() {
    let aws = Aws::new();
    let mut calls = 0;
    aws.script(move |_, _| {
        calls += 1;
        if calls == 1 { Answer::Lost } else { Answer::Own }
    });
    assert_eq!(retries(&send(&aws, 2)), [None; 2]);
    assert_eq!(accepted(&aws), ["m0", "m0", "m1", "m1"], "at least once");
}

#[test]
fn r21_a_queue_that_never_answers_ends_in_a_time_out() {
    let aws = Aws::new();
    aws.script(|_, _| Answer::Silence);
    let (answers, took) = wait(async {
        let queues = SqsQueues::new(&aws.connection(), QUEUES, &Meter::default());
        let start = tokio::time::Instant::now();
        (queues.send(&QueueName::Completed, messages(1)).await, start.elapsed())
    });
    assert_eq!(retries(&answers), [Some(Retry::Transient)]);
    assert!(took < std::time::Duration::from_secs(35), "{took:?} is more than a function has");
}

#[test]
fn r20_a_missing_queue_and_a_denied_call_are_named_and_not_repeated() {
    for (code, advice) in
        [("QueueDoesNotExist", "not in this account and region"), ("AccessDeniedException", "role lacks")]
    {
        let aws = Aws::new();
        aws.script(move |_, _| Answer::Instead(400, json!({"__type": code, "message": "no"})));
        let answers = send(&aws, 1);
        assert_eq!(retries(&answers), [Some(Retry::Never)]);
        let error = answers.into_iter().next().unwrap().unwrap_err().chain();
        assert!(error.contains("pollwheel-test-completed") && error.contains(advice), "{error}");
        assert!(!error.contains("planted"), "no secret: {error}");
        assert_eq!(aws.take_calls().len(), 1);
    }
}

#[test]
fn a_backlog_counts_visible_and_delayed_messages() {
    let aws = Aws::new();
    let queues = SqsQueues::new(&aws.connection(), QUEUES, &Meter::default());
    let mut outgoing = messages(3);
    outgoing[0].delay_seconds = 50;
    assert!(wait(queues.send(&QueueName::Drains, outgoing)).iter().all(Result::is_ok));
    assert_eq!(wait(queues.backlog(&QueueName::Drains)).unwrap(), 3);
    aws.script(|_, _| Answer::Instead(200, json!({"Attributes": {"ApproximateNumberOfMessages": "many"}})));
    assert_eq!(wait(queues.backlog(&QueueName::Drains)).unwrap_err().retry, Retry::Transient);
}
