//! The contract suite of the ports, against DynamoDB and SQS at the wire.

use pollwheel_aws::{CredentialTable, CredentialVault, Meter, SqsQueues};
use pollwheel_core::contract::{
    control_store_contract, credential_store_contract, job_store_contract, queues_contract,
};
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::keys::queue_name;
use pollwheel_core::ports::{Application, Credentials, Secret, Secrets};

use crate::fixture::{Aws, QUEUES, store, wait};

#[test]
fn the_tables_keep_the_contract_of_the_job_store() {
    let aws = Aws::new();
    wait(job_store_contract(&store(&aws.connection(), &Meter::default())));
}

#[test]
fn the_control_table_keeps_its_contract() {
    let aws = Aws::new();
    wait(control_store_contract(&store(&aws.connection(), &Meter::default())));
}

#[test]
fn the_credential_table_keeps_its_contract() {
    let aws = Aws::new();
    let channel = ChannelName::new("contract").unwrap();
    let names = [Credentials::TOKEN, Credentials::REFRESH_TOKEN];
    let secrets = Secrets::from(names.map(|name| (name.into(), Secret::new("old"))));
    let credentials = Credentials { secrets, ..Credentials::default() };
    let vault = CredentialVault::new(&aws.connection(), "credentials", "key-arn", &Meter::default());
    wait(vault.put(&channel, &AccountId::new("renewed").unwrap(), &credentials)).unwrap();
    let application = Application { credentials, tokens: vec![] };
    wait(vault.put_application(&channel, &application)).unwrap();
    aws.take_calls();
    let table = CredentialTable::new(&aws.connection(), "credentials", &Meter::default());
    wait(credential_store_contract(&table));
    for call in aws.take_calls() {
        assert!(!call.target.ends_with("GenerateDataKey"), "a worker makes no keys");
    }
}

#[test]
fn the_queues_keep_their_contract() {
    let aws = Aws::new();
    let queues = SqsQueues::new(&aws.connection(), QUEUES, &Meter::default());
    wait(queues_contract(&queues, async |queue| aws.receive(&format!("{QUEUES}{}", queue_name(queue)))));
}
