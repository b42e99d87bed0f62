//! The limits of CloudFormation and IAM on what we render, checked before AWS would refuse it half way.
//!
//! A channel costs seven resources (function, role, log group, three alarms, and its share of nothing else) and each of
//! its job types seven more (two queues, two mappings, three alarms). With the fixed ones that is room for about 29
//! channels of one job type; the test below holds the number.

use anyhow::{Result, ensure};

use crate::deployment::MAX_STACK_NAME_CHARS;
use crate::stack::Stack;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const MAX_RESOURCES: usize = 500;
/// A template in a bucket, which is how both frameworks hand it over. Inline it could be 51,200 bytes.
const MAX_TEMPLATE_BYTES: usize = 1_000_000;
/// The Serverless Framework adds its bucket for code and that bucket's policy.
const FRAMEWORK_RESOURCES: usize = 2;
/// All inline policies of a role together, without white space.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MAX_ROLE_POLICY_CHARS: usize = 10_240;
/// What an ARN has besides the name in the worst case: `arn:aws-us-gov:dynamodb:ap-southeast-1:123456789012:table/`,
/// quotes and comma.
const ARN_CHARS: usize = 64;
const MAX_NAME_CHARS: usize = 80;

/// Checks a stack.
///
/// # Errors
/// The limit that it passes.
pub(crate) fn check(stack: &Stack) -> Result<()> {
    let count = stack.resources.len() + stack.functions.len() + FRAMEWORK_RESOURCES;
    ensure!(
        count <= MAX_RESOURCES,
        "the channels need {count} resources, and a stack may have {MAX_RESOURCES}: deploy some of the channels as a \
         stack of their own",
    );
    for (logical, resource) in
        stack.resources.iter().filter(|(_, resource)| resource.kind() == "AWS::IAM::Role")
    {
        let chars = policy_chars(&resource.properties()["Policies"]);
        ensure!(
            chars <= MAX_ROLE_POLICY_CHARS,
            "the policy of `{logical}` may have {chars} characters, and IAM allows {MAX_ROLE_POLICY_CHARS}: deploy some \
             of the channels as a stack of their own",
        );
    }
    Ok(())
}

/// Checks the size of a finished template.
///
/// # Errors
/// When CloudFormation would not take it.
pub(crate) fn check_size(name: &str, text: &str) -> Result<()> {
    ensure!(
        text.len() <= MAX_TEMPLATE_BYTES,
        "{name} has {} bytes, and CloudFormation takes {MAX_TEMPLATE_BYTES}: deploy some of the channels as a stack of \
         their own",
        text.len(),
    );
    Ok(())
}

/// The most that policies can be long once their references are resolved.
fn policy_chars(policies: &serde_json::Value) -> usize {
    let text = policies.to_string();
    let references = text.matches("Fn::GetAtt").count() + text.matches("\"Ref\"").count();
    text.len() + references * (ARN_CHARS + MAX_NAME_CHARS.max(MAX_STACK_NAME_CHARS))
}
