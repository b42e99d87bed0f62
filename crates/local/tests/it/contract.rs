//! The contract suite of the ports, against every kind of store and the queues.

use std::rc::Rc;

use pollwheel_core::contract::{
    control_store_contract, credential_store_contract, job_store_contract, queues_contract,
};
use pollwheel_core::id::{AccountId, ChannelName, JobTypeId};
use pollwheel_core::ports::{Application, Credentials, QueueName, Secret, Secrets};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::memory::MemoryStore;
use pollwheel_local::queue::{LocalQueues, QueueConfig, QueueId, Receipted};
use pollwheel_local::store::Store;

use crate::fixture::{HandClock, wait};

#[test]
fn the_store_in_memory_keeps_its_contracts() {
    let store = Store::in_memory().unwrap();
    wait(job_store_contract(&store));
    wait(control_store_contract(&store));
}

#[test]
fn the_plain_store_of_simulations_keeps_its_contracts() {
    let store = MemoryStore::default();
    wait(job_store_contract(&store));
    wait(control_store_contract(&store));
}

#[test]
fn the_store_in_a_file_keeps_its_contracts() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    wait(job_store_contract(&store));
    wait(control_store_contract(&store));
}

#[test]
fn credentials_in_memory_keep_their_contract() {
    let channel = ChannelName::new("contract").unwrap();
    let names = [Credentials::TOKEN, Credentials::REFRESH_TOKEN];
    let secrets = Secrets::from(names.map(|name| (name.into(), Secret::new("old"))));
    let credentials = Credentials { secrets, expires_at: None, version: 7 };
    let mut store = MemoryCredentials::default();
    store.insert(channel.clone(), AccountId::new("renewed").unwrap(), credentials.clone());
    store.insert_application(channel, Application { credentials, tokens: vec![] });
    wait(credential_store_contract(&store));
}

#[test]
fn the_queues_keep_their_contract() {
    let queues = Rc::new(LocalQueues::new(HandClock::new(), 1));
    let jobs = QueueName::Jobs(JobTypeId::new("contract/jobs").unwrap());
    for queue in [jobs, QueueName::Completed, QueueName::Drains] {
        queues.create(queue, QueueConfig::default());
    }
    wait(queues_contract(&*queues, async |queue| {
        let queue = QueueId::Live(queue.clone());
        let received = queues.receive(&queue, usize::MAX);
        for delivery in &received {
            assert_eq!(queues.delete(&queue, delivery.receipt), Receipted::Done);
        }
        received.into_iter().map(|delivery| delivery.body.to_string()).collect()
    }));
}
