//! One role a function, and in each only what the function does: exact actions on exact resources.
//!
//! The separation is part of the design: workers never see the jobs table, the completion can send to no queue, and
//! nobody but workers and the control function reads credentials. Scorecard r31 tests it on the finished templates.

use serde_json::{Value, json};

use crate::bus::BUS;
use crate::deployment::Deployment;
use crate::functions::{Binary, Function};
use crate::parameters::HAS_IMPORT_BUCKET;
use crate::queues::{CONTROL_DEAD, Queue, TICK_DEAD};
use crate::tables::{CONTROL, CREDENTIALS, ENCRYPTION_CONTEXT, JOBS, KEY, REGISTRATIONS};
use crate::template::{Named, Resource, arn, either, nothing, reference};

/// What a mapping does in its function's name.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const CONSUME: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// All roles of functions.
pub(crate) fn add(deployment: &Deployment, functions: &[Function], resources: &mut Named<Resource>) {
    for function in functions {
        let mut statements = vec![logs(function)];
        statements.extend(match &function.binary {
            Binary::Scheduler => scheduler(deployment),
            Binary::Worker { channel } => worker(deployment, channel),
            Binary::Completion => completion(deployment),
            Binary::Control => control(),
        });
        resources.add(function.role(), role(function, statements));
    }
}

fn role(function: &Function, statements: Vec<Value>) -> Resource {
    Resource::new(
        "AWS::IAM::Role",
        json!({
            "Description": function.purpose,
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                }],
            },
            "Policies": [{
                "PolicyName": function.name,
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            }],
        }),
    )
}

fn allow(actions: &[&str], resources: Vec<Value>) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// The ARN of a log group ends in `:*` by itself: its streams.
fn logs(function: &Function) -> Value {
    allow(&["logs:CreateLogStream", "logs:PutLogEvents"], vec![arn(&function.log_group())])
}

fn job_queues(deployment: &Deployment) -> Vec<Queue> {
    deployment.job_types().map(|(_, job_type)| Queue::of_jobs(&job_type.queue, &job_type.logical)).collect()
}

fn scheduler(deployment: &Deployment) -> Vec<Value> {
    let jobs: Vec<Value> = job_queues(deployment).iter().map(|queue| arn(&queue.logical())).collect();
    let drains = arn(&Queue::of_drains().logical());
    vec![
        // Wake-ups of what did not fit a shared limit.
        allow(&["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], vec![arn(JOBS.logical)]),
        allow(&["dynamodb:GetItem"], vec![arn(REGISTRATIONS.logical)]),
        allow(&["dynamodb:BatchGetItem", "dynamodb:UpdateItem"], vec![arn(CONTROL.logical)]),
        // The attributes tell how long a queue is: a backlog stops the dispatch.
        allow(&["sqs:GetQueueAttributes", "sqs:SendMessage"], jobs),
        allow(&[CONSUME.as_slice(), &["sqs:SendMessage"]].concat(), vec![drains]),
        allow(&["sqs:SendMessage"], vec![arn(TICK_DEAD.logical)]),
    ]
}

fn worker(deployment: &Deployment, own: &str) -> Vec<Value> {
    let queues = deployment
        .job_types()
        .filter(|(channel, _)| channel.name == own)
        .map(|(_, job_type)| arn(&Queue::of_jobs(&job_type.queue, &job_type.logical).logical()))
        .collect();
    vec![
        // Throttles; reservations of shared limits.
        allow(&["dynamodb:BatchGetItem", "dynamodb:UpdateItem"], vec![arn(CONTROL.logical)]),
        // Renewed tokens are encrypted under the key that their item has: a worker makes no keys.
        allow(&["dynamodb:BatchGetItem", "dynamodb:UpdateItem"], vec![arn(CREDENTIALS.logical)]),
        key_use(&["kms:Decrypt"]),
        allow(&CONSUME, queues),
        allow(&["sqs:SendMessage"], vec![arn(&Queue::of_outcomes().logical())]),
        publish(),
    ]
}

fn completion(deployment: &Deployment) -> Vec<Value> {
    let mut read = vec![arn(&Queue::of_outcomes().logical())];
    read.extend(job_queues(deployment).iter().map(|queue| arn(&queue.dead_logical())));
    vec![
        allow(
            &["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
            vec![arn(JOBS.logical), arn(REGISTRATIONS.logical)],
        ),
        allow(&["dynamodb:UpdateItem"], vec![arn(CONTROL.logical)]),
        allow(&CONSUME, read),
        publish(),
    ]
}

fn control() -> Vec<Value> {
    vec![
        allow(
            &["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
            vec![arn(JOBS.logical), arn(REGISTRATIONS.logical)],
        ),
        allow(&["dynamodb:Query", "dynamodb:Scan"], vec![arn(REGISTRATIONS.logical)]),
        // Pauses.
        allow(
            &["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem"],
            vec![arn(CONTROL.logical)],
        ),
        // It writes tokens, and cannot read one back.
        allow(&["dynamodb:DeleteItem", "dynamodb:PutItem"], vec![arn(CREDENTIALS.logical)]),
        key_use(&["kms:GenerateDataKey"]),
        allow(&["sqs:SendMessage"], vec![arn(CONTROL_DEAD.logical)]),
        either(HAS_IMPORT_BUCKET, import(), nothing()),
    ]
}

/// Events of ours. A worker reads what strangers send: it must not be able to forge a command to the control function.
fn publish() -> Value {
    let mut statement = allow(&["events:PutEvents"], vec![arn(BUS)]);
    statement["Condition"] = json!({ "StringNotLike": { "events:detail-type": "account.*" } });
    statement
}

/// The key, for credentials only.
fn key_use(actions: &[&str]) -> Value {
    let (name, value) = ENCRYPTION_CONTEXT;
    let mut statement = allow(actions, vec![arn(KEY)]);
    let context = format!("kms:EncryptionContext:{name}");
    statement["Condition"] = json!({ "StringEquals": { context: value } });
    statement
}

/// Any object of the one bucket that the operator named.
fn import() -> Value {
    let parts = json!(["arn:", reference("AWS::Partition"), ":s3:::", reference("ImportBucket"), "/*"]);
    allow(&["s3:GetObject"], vec![json!({ "Fn::Join": ["", parts] })])
}
