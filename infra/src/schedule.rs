//! The tick, and what becomes of invocations that fail.

use serde_json::{Value, json};

use crate::queues::{CONTROL_DEAD, TICK_DEAD};
use crate::template::{Named, Resource, arn, named, reference, sub};

/// A tick that comes later than this has been made up for by the next ones.
const TICK_MAX_AGE_SECONDS: u32 = 120;
/// Attempts to deliver a tick.
const TICK_RETRIES: u32 = 3;
/// Further runs of a scheduler that failed: the next tick makes up for it, so one is enough.
const SCHEDULER_RETRIES: u32 = 1;
/// Lambda's most and longest for a command that came by the bus.
const CONTROL_RETRIES: u32 = 2;
const CONTROL_MAX_AGE_SECONDS: u32 = 21_600;

/// Schedule, its role, and the ends of failed invocations.
pub(crate) fn add(resources: &mut Named<Resource>) {
    resources.add("TickRole", role());
    resources.add(
        "Tick",
        Resource::new(
            "AWS::Scheduler::Schedule",
            json!({
                "Name": named("tick"),
                "Description": "The minute",
                "State": reference("TickState"),
                "ScheduleExpression": "rate(1 minute)",
                // Any window would make every poll of a minute late.
                "FlexibleTimeWindow": { "Mode": "OFF" },
                "Target": {
                    "Arn": arn("SchedulerLambdaFunction"),
                    "RoleArn": arn("TickRole"),
                    // The minute that it stands for, however late it comes.
                    "Input": "{\"time\":\"<aws.scheduler.scheduled-time>\"}",
                    "RetryPolicy": {
                        "MaximumEventAgeInSeconds": TICK_MAX_AGE_SECONDS,
                        "MaximumRetryAttempts": TICK_RETRIES,
                    },
                    "DeadLetterConfig": { "Arn": arn(TICK_DEAD.logical) },
                },
            }),
        ),
    );
    resources.add(
        "SchedulerInvokeConfig",
        on_failure("SchedulerLambdaFunction", SCHEDULER_RETRIES, TICK_MAX_AGE_SECONDS, TICK_DEAD.logical),
    );
    resources.add(
        "ControlInvokeConfig",
        on_failure("ControlLambdaFunction", CONTROL_RETRIES, CONTROL_MAX_AGE_SECONDS, CONTROL_DEAD.logical),
    );
}

fn on_failure(function: &str, retries: u32, max_age_seconds: u32, destination: &str) -> Resource {
    Resource::new(
        "AWS::Lambda::EventInvokeConfig",
        json!({
            "FunctionName": reference(function),
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": retries,
            "MaximumEventAgeInSeconds": max_age_seconds,
            "DestinationConfig": { "OnFailure": { "Destination": arn(destination) } },
        }),
    )
}

/// Only schedules of this account's default group may take the role.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html>
fn role() -> Resource {
    let group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/default";
    let statement =
        |action: &str, resource: Value| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    Resource::new(
        "AWS::IAM::Role",
        json!({
            "Description": "Sends the tick",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "scheduler.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    "Condition": { "StringEquals": {
                        "aws:SourceAccount": reference("AWS::AccountId"),
                        "aws:SourceArn": sub(group),
                    } },
                }],
            },
            "Policies": [{
                "PolicyName": "tick",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        statement("lambda:InvokeFunction", arn("SchedulerLambdaFunction")),
                        statement("sqs:SendMessage", arn(TICK_DEAD.logical)),
                    ],
                },
            }],
        }),
    )
}
