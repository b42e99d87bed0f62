//! The bus: what we publish on it anybody may subscribe to; what the control function listens to on it is here.

use serde_json::json;

use crate::parameters::HAS_ARCHIVE;
use crate::queues::CONTROL_DEAD;
use crate::template::{Named, Resource, arn, named, reference, sub};

/// The bus.
pub(crate) const BUS: &str = "Bus";
/// The rule by which commands reach the control function.
pub(crate) const CONTROL_RULE: &str = "ControlRule";
/// The name of that rule after the stack's.
pub(crate) const CONTROL_RULE_NAME: &str = "control";

/// The commands, from any source: an existing product publishes them and need not call us.
const COMMANDS: [&str; 3] = ["account.connected", "account.plan_changed", "account.disconnected"];
/// EventBridge's longest: an account that was connected must not be forgotten.
const COMMAND_MAX_AGE_SECONDS: u32 = 86_400;
/// With that age, about one attempt every eight minutes.
const COMMAND_RETRIES: u32 = 185;

/// Bus, archive, rule and permissions.
pub(crate) fn add(resources: &mut Named<Resource>) {
    resources.add(BUS, Resource::new("AWS::Events::EventBus", json!({ "Name": sub("${AWS::StackName}") })));
    resources.add(
        "BusArchive",
        Resource::new(
            "AWS::Events::Archive",
            json!({
                "Description": sub("Events of ${AWS::StackName}, for a replay"),
                // Not the commands: they carry tokens, and a replay would carry them out again.
                "EventPattern": { "source": [{ "prefix": "/pollwheel/" }] },
                "RetentionDays": reference("ArchiveDays"),
                "SourceArn": arn(BUS),
            }),
        )
        .when(HAS_ARCHIVE),
    );
    resources.add(CONTROL_RULE, rule());
    resources.add(
        "ControlRulePermission",
        Resource::new(
            "AWS::Lambda::Permission",
            json!({
                "Action": "lambda:InvokeFunction",
                "FunctionName": arn("ControlLambdaFunction"),
                "Principal": "events.amazonaws.com",
                "SourceArn": arn(CONTROL_RULE),
            }),
        ),
    );
    resources.add("ControlDeadQueuePolicy", dead_letter_policy());
}

fn rule() -> Resource {
    Resource::new(
        "AWS::Events::Rule",
        json!({
            "Name": named(CONTROL_RULE_NAME),
            "Description": "Commands for the control function",
            "EventBusName": reference(BUS),
            "EventPattern": { "detail-type": COMMANDS },
            "State": "ENABLED",
            "Targets": [{
                "Id": "control",
                "Arn": arn("ControlLambdaFunction"),
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": COMMAND_MAX_AGE_SECONDS,
                    "MaximumRetryAttempts": COMMAND_RETRIES,
                },
                "DeadLetterConfig": { "Arn": arn(CONTROL_DEAD.logical) },
            }],
        }),
    )
}

/// Lets the rule leave what it could not deliver.
fn dead_letter_policy() -> Resource {
    Resource::new(
        "AWS::SQS::QueuePolicy",
        json!({
            "Queues": [reference(CONTROL_DEAD.logical)],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "events.amazonaws.com" },
                    "Action": "sqs:SendMessage",
                    "Resource": arn(CONTROL_DEAD.logical),
                    "Condition": { "ArnEquals": { "aws:SourceArn": arn(CONTROL_RULE) } },
                }],
            },
        }),
    )
}
