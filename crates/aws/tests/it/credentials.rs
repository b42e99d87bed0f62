//! Credentials at the wire: encrypted, read in batches, and no question to KMS for a poll.

use std::collections::BTreeMap;

use pollwheel_aws::{CredentialTable, CredentialVault, Meter};
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{CredentialStore, Credentials, PortError, Retry, Secret};
use serde_json::json;

use crate::fixture::{Answer, Aws, wait};

const TOKEN: &str = "planted-t0ken";

fn channel() -> ChannelName {
    ChannelName::new("mastodon").unwrap()
}

fn accounts(count: usize) -> Vec<AccountId> {
    (0..count).map(|number| AccountId::new(format!("a{number}")).unwrap()).collect()
}

fn register(aws: &Aws, accounts: &[AccountId]) {
    let vault = CredentialVault::new(&aws.connection(), "credentials", "key-arn", &Meter::default());
    wait(async {
        for account in accounts {
            let credentials = Credentials::of_token(Secret::new(format!("{TOKEN}-{account}")));
            vault.put(&channel(), account, &credentials).await.unwrap();
        }
    });
}

fn counts(aws: &Aws) -> BTreeMap<String, usize> {
    aws.take_calls().into_iter().fold(BTreeMap::new(), |mut counts, call| {
        *counts.entry(call.target).or_default() += 1;
        counts
    })
}

fn tokens(answers: Vec<Result<Option<Credentials>, PortError>>) -> Vec<Option<String>> {
    answers
        .into_iter()
        .map(|answer| answer.unwrap().map(|found| found.token().unwrap().expose().to_owned()))
        .collect()
}

#[test]
fn a_batch_of_accounts_is_one_read_and_no_question_to_kms_after_the_first() {
    let aws = Aws::new();
    let all = accounts(100);
    register(&aws, &all);
    let written = counts(&aws);
    assert_eq!(written["TrentService.GenerateDataKey"], 1, "one data key for all");
    assert_eq!(written["DynamoDB_20120810.PutItem"], 100);

    let meter = Meter::default();
    let table = CredentialTable::new(&aws.connection(), "credentials", &meter);
    let found = tokens(wait(table.credentials(&channel(), &all)));
    let expected: Vec<Option<String>> =
        all.iter().map(|account| Some(format!("{TOKEN}-{account}"))).collect();
    assert_eq!(found, expected);
    let read = counts(&aws);
    assert_eq!(read["DynamoDB_20120810.BatchGetItem"], 1);
    assert_eq!(read["TrentService.Decrypt"], 1);
    let usage = meter.take();
    assert!((usage.read_units - 50.0).abs() < 1e-9, "half a unit an account: {usage:?}");

    assert_eq!(tokens(wait(table.credentials(&channel(), &all))), expected);
    assert!(counts(&aws).is_empty(), "the second time they are in memory");
}

#[test]
fn an_account_without_credentials_is_told_from_one_that_could_not_be_read() {
    let aws = Aws::new();
    let all = accounts(3);
    register(&aws, &all[..1]);
    let read = |aws: &Aws| {
        let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
        wait(table.credentials(&channel(), &all))
    };
    assert_eq!(tokens(read(&aws)), [Some(format!("{TOKEN}-a0")), None, None]);

    aws.script(|target, request| {
        if !target.ends_with("BatchGetItem") {
            return Answer::Own;
        }
        let unprocessed = request["RequestItems"].clone();
        Answer::Instead(200, json!({"Responses": {}, "UnprocessedKeys": unprocessed}))
    });
    for answer in read(&aws) {
        assert_eq!(answer.unwrap_err().retry, Retry::Throttled, "unprocessed is not absent");
    }
}

#[test]
fn r20_a_key_that_may_not_be_used_is_an_error_without_secrets() {
    let aws = Aws::new();
    let all = accounts(2);
    register(&aws, &all);
    aws.script(|target, _| match target {
        "TrentService.Decrypt" => {
            Answer::Instead(400, json!({"__type": "AccessDeniedException", "message": "not authorized"}))
        }
        _ => Answer::Own,
    });
    let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
    for answer in wait(table.credentials(&channel(), &all)) {
        let error = answer.unwrap_err();
        assert_eq!(error.retry, Retry::Never);
        let text = error.chain();
        assert!(text.contains("KMS") && text.contains("role lacks") && !text.contains("planted"), "{text}");
    }
}

#[test]
fn r28_the_table_never_holds_a_token_in_plain_and_an_item_cannot_be_moved_to_another_account() {
    let aws = Aws::new();
    let all = accounts(2);
    register(&aws, &all[..1]);
    for call in aws.take_calls() {
        assert!(!call.request.to_string().contains("planted"), "{}", call.target);
    }
    let keys = |account: &str| json!({"pk": {"S": account}, "sk": {"S": "mastodon"}});
    let mut item = aws.item("credentials", &keys("a0")).unwrap();
    item["pk"] = json!({"S": "a1"});
    aws.put_item("credentials", &item);
    let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
    let answers = wait(table.credentials(&channel(), &all));
    assert!(answers[0].is_ok());
    let error = answers[1].as_ref().unwrap_err();
    assert!(error.chain().contains("another account"), "{}", error.chain());
    assert!(!format!("{answers:?}").contains("planted"), "a secret does not print");
}

#[test]
fn deleted_credentials_are_gone() {
    let aws = Aws::new();
    let all = accounts(1);
    register(&aws, &all);
    let vault = CredentialVault::new(&aws.connection(), "credentials", "key-arn", &Meter::default());
    for _ in 0..2 {
        wait(vault.delete(&channel(), &all[0])).unwrap();
    }
    let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
    assert_eq!(tokens(wait(table.credentials(&channel(), &all))), [None]);
}
