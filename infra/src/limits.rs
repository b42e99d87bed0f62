//! The limits of CloudFormation and IAM on what we render, checked before AWS would refuse it half way.
//!
//! A channel costs six resources (function, role, log group, three alarms), each of its job types seven (two queues, two
//! mappings, three alarms). With the fixed ones there is room for 34 channels of one job type, 21 of two, or 10 of four,
//! where the scheduler's policy ends first; the tests below hold the numbers.

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

#[cfg(test)]
mod tests {
    use pollwheel_core::id::JobTypeId;

    use super::*;
    use crate::deployment::Deployment;
    use crate::scale::Scale;

    /// Channels with a number of job types each.
    fn stack(channels: usize, job_types: usize) -> Result<Stack> {
        let ids = (0..channels).flat_map(|channel| {
            (0..job_types).map(move |job_type| {
                JobTypeId::new(format!("channel{channel:02}/type{job_type:02}")).unwrap()
            })
        });
        Stack::of(&Deployment::from_ids(ids)?, &Scale::default())
    }

    fn most(job_types: usize) -> usize {
        (1..).take_while(|&channels| stack(channels, job_types).is_ok()).last().unwrap()
    }

    fn resources(channels: usize, job_types: usize) -> usize {
        let stack = stack(channels, job_types).unwrap();
        stack.resources.len() + stack.functions.len()
    }

    #[test]
    fn the_costs_of_a_channel_and_of_a_job_type_are_as_told() {
        let (one, two_channels, two_job_types) = (resources(1, 1), resources(2, 1), resources(1, 2));
        assert_eq!(two_job_types - one, 7);
        assert_eq!(two_channels - one, 6 + 7);
        assert_eq!([most(1), most(2), most(4)], [34, 21, 10]);
    }

    #[test]
    fn too_many_channels_are_refused_with_the_numbers_and_the_way_out() {
        let error = stack(60, 1).map(drop).unwrap_err().to_string();
        assert!(
            error.contains("resources, and a stack may have 500: deploy some of the channels"),
            "{error}"
        );
        let error = stack(1, 90).map(drop).unwrap_err().to_string();
        assert!(error.contains("Role` may have") || error.contains("may have 500"), "{error}");
        let error = check_size("x.yml", &"a".repeat(1_000_001)).unwrap_err().to_string();
        assert!(error.contains("x.yml has 1000001 bytes"), "{error}");
    }
}
