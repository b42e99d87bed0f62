//! The contract suite of the ports, against DynamoDB and SQS at the wire.

use pollwheel_aws::{Meter, SqsQueues};
use pollwheel_core::contract::{control_store_contract, job_store_contract, queues_contract};
use pollwheel_core::keys::queue_name;

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
fn the_queues_keep_their_contract() {
    let aws = Aws::new();
    let queues = SqsQueues::new(&aws.connection(), QUEUES, &Meter::default());
    wait(queues_contract(&queues, async |queue| aws.receive(&format!("{QUEUES}{}", queue_name(queue)))));
}
