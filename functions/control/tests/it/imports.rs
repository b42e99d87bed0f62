//! Importing files of accounts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Deployment, command, line};

fn import() -> Value {
    command("import", &json!({"bucket": "files", "key": "accounts.jsonl"}))
}

/// A file of accounts with ids from 0 on.
fn file(accounts: u32) -> String {
    (0..accounts).map(|number| format!("{}\n", line(&format!("a{number}")))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_file_of_several_parts_is_registered_in_bounded_memory() {
    let deployment = Deployment::new();
    let text = file(15_000);
    assert!(text.len() > 2 * 1024 * 1024, "{} bytes", text.len());
    deployment.function.objects.replace(text);
    let answer = deployment.answer(&import()).await;
    assert_eq!(
        answer,
        json!({"done": true, "accounts": 15_000, "inserted": 15_000, "changed": 0, "unparked": 0, "unchanged": 0})
    );
    assert_eq!(deployment.function.objects.largest.get(), 1024 * 1024, "bytes of a part");
    assert!(deployment.function.vault.token("a14999").is_some());
    let again = deployment.answer(&import()).await;
    assert_eq!((&again["inserted"], &again["unchanged"]), (&json!(0), &json!(15_000)));
}

#[tokio::test(start_paused = true)]
async fn every_bad_line_is_named_and_nothing_is_written() {
    let deployment = Deployment::new();
    let mut bad = line("a2");
    bad["service_level"] = "gold".into();
    let good = line("a1").to_string();
    let text = format!("\u{FEFF}{good}\n\n{bad}\nnot JSON\n{}\n{good}", "x".repeat(70_000));
    deployment.function.objects.replace(text);
    let answer = deployment.answer(&import()).await;
    let refused = answer["refused"].as_array().unwrap();
    let lines: Vec<&Value> = refused.iter().map(|problem| &problem["line"]).collect();
    assert_eq!(lines, [3, 4, 5]);
    assert_eq!(refused[0]["field"], "service_level");
    assert!(refused[2]["message"].as_str().unwrap().contains("longer than 65536 bytes"));
    assert_eq!(deployment.journal(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn at_most_a_hundred_problems_are_told() {
    let deployment = Deployment::new();
    deployment.function.objects.replace("{}\n".repeat(500));
    let answer = deployment.answer(&import()).await;
    assert_eq!(answer["refused"].as_array().unwrap().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn r13_an_import_without_time_goes_on_where_it_stopped() {
    let deployment = Deployment::new();
    deployment.function.objects.replace(file(15_000));
    let mut event = import();
    let stopped = deployment.invoke_for(&event, Duration::ZERO).await.unwrap();
    assert_eq!((&stopped["done"], &stopped["next"]["phase"]), (&json!(false), &json!("check")));
    assert_eq!(deployment.journal(), [] as [String; 0]);

    // As an answer in the middle of the second reading would be.
    let lines = file(5_000);
    event["from"] = json!({
        "phase": "register", "byte": lines.len(), "line": 5_000, "version": "1",
        "imported": {"accounts": 5_000, "inserted": 5_000, "changed": 0, "unparked": 0, "unchanged": 0},
    });
    let answer = deployment.answer(&event).await;
    assert_eq!((&answer["accounts"], &answer["inserted"]), (&json!(15_000), &json!(15_000)));
    assert!(deployment.row("a4999").await.is_none() && deployment.row("a5000").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_replaced_meanwhile_is_an_error_that_says_so() {
    let deployment = Deployment::new();
    deployment.function.objects.replace(file(10));
    let mut event = import();
    event["from"] = json!({
        "phase": "register", "byte": 0, "line": 0, "version": "0",
        "imported": {"accounts": 0, "inserted": 0, "changed": 0, "unparked": 0, "unchanged": 0},
    });
    let error = deployment.invoke(&event).await.unwrap_err();
    assert_eq!(error, "reading s3://files/accounts.jsonl failed: it was replaced since the reading began");
}

#[tokio::test(start_paused = true)]
async fn of_two_lines_for_one_account_the_later_one_counts() {
    let deployment = Deployment::new();
    let mut later = line("a1");
    later["service_level"] = "enterprise".into();
    deployment.function.objects.replace(format!("{}\n{later}", line("a1")));
    assert_eq!(deployment.answer(&import()).await["accounts"], 1);
    assert_eq!(deployment.row("a1").await.unwrap().level.as_str(), "enterprise");
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_and_an_endless_line_are_refused() {
    let deployment = Deployment::new();
    deployment.function.objects.replace("");
    assert!(deployment.refusal(&import()).await.contains("key the file is empty"));
    deployment.function.objects.replace("x".repeat(3 * 1024 * 1024));
    assert!(deployment.refusal(&import()).await.contains("- the line is longer than 65536 bytes"));
    let missing = command("import", &json!({"bucket": "files", "key": "other"}));
    assert!(deployment.invoke(&missing).await.unwrap_err().contains("there is no such object"));
}
