//! What is deployed: the channels and job types, and the names that their queues and functions get.
//!
//! SQS and Lambda limit the length of a name, and two job types whose names differ only in a separator could end up
//! with one queue. Both are refused here, before anything is rendered.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::policy::Catalog;

/// The longest stack name that every name is made to fit: `pollwheel-` and a stage of 20 characters.
pub(crate) const MAX_STACK_NAME_CHARS: usize = 30;
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>
const MAX_QUEUE_NAME_CHARS: usize = 80;
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
const MAX_FUNCTION_NAME_CHARS: usize = 64;

/// One channel: a worker function, and a queue for each of its job types.
#[derive(Debug)]
pub(crate) struct ChannelPlan {
    /// `mastodon`.
    pub(crate) name: String,
    /// `Mastodon`: what its logical ids contain.
    pub(crate) logical: String,
    /// Its job types, by name.
    pub(crate) job_types: Vec<JobTypePlan>,
}

/// One job type: a queue and its dead-letter queue.
#[derive(Debug)]
pub(crate) struct JobTypePlan {
    /// `mastodon/statuses`.
    pub(crate) id: JobTypeId,
    /// `jobs-mastodon-statuses`: its queue's name after the stack's.
    pub(crate) queue: String,
    /// `MastodonStatuses`: what its logical ids contain.
    pub(crate) logical: String,
}

/// Everything that depends on the channels.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// By name.
    pub(crate) channels: Vec<ChannelPlan>,
}

impl Deployment {
    /// Plans the names of a catalog's job types.
    ///
    /// # Errors
    /// A name that AWS would refuse, or two that are one.
    pub(crate) fn plan(catalog: &Catalog) -> Result<Self> {
        Self::from_ids(catalog.iter().map(|spec| spec.id.clone()))
    }

    /// The same, from the ids of the job types.
    pub(crate) fn from_ids(ids: impl IntoIterator<Item = JobTypeId>) -> Result<Self> {
        let mut channels: BTreeMap<String, Vec<JobTypePlan>> = BTreeMap::new();
        for id in ids {
            let (channel, name) = (id.channel().to_owned(), id.name().to_owned());
            let plan = JobTypePlan {
                queue: format!("jobs-{channel}-{name}"),
                logical: format!("{}{}", camel(&channel), camel(&name)),
                id,
            };
            channels.entry(channel).or_default().push(plan);
        }
        let channels = channels
            .into_iter()
            .map(|(name, job_types)| ChannelPlan { logical: camel(&name), name, job_types })
            .collect();
        let deployment = Self { channels };
        deployment.check_lengths()?;
        deployment.check_distinct()?;
        Ok(deployment)
    }

    /// Every job type with its channel.
    pub(crate) fn job_types(&self) -> impl Iterator<Item = (&ChannelPlan, &JobTypePlan)> {
        self.channels
            .iter()
            .flat_map(|channel| channel.job_types.iter().map(move |job_type| (channel, job_type)))
    }

    fn check_lengths(&self) -> Result<()> {
        let left = |limit: usize| limit - MAX_STACK_NAME_CHARS - 1;
        for channel in &self.channels {
            let function = format!("worker-{}", channel.name);
            let limit = left(MAX_FUNCTION_NAME_CHARS);
            ensure!(
                function.len() <= limit,
                "channel `{}`: its function would be called `<stack>-{function}`, and a name of Lambda leaves {limit} \
                 characters after the stack's: shorten the channel's name by {}",
                channel.name,
                function.len() - limit,
            );
        }
        for (_, job_type) in self.job_types() {
            let queue = dead(&job_type.queue);
            let limit = left(MAX_QUEUE_NAME_CHARS);
            ensure!(
                queue.len() <= limit,
                "job type `{}`: its dead-letter queue would be called `<stack>-{queue}`, and a name of SQS leaves \
                 {limit} characters after the stack's: shorten channel and job type by {}",
                job_type.id,
                queue.len() - limit,
            );
        }
        Ok(())
    }

    /// Queue names and logical ids forget where the channel's name ends, and which separator stood in it.
    fn check_distinct(&self) -> Result<()> {
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        let mut claim =
            |what: &str, name: String, owner: &str| match owners.insert(name.clone(), owner.to_owned()) {
                None => Ok(()),
                Some(other) => {
                    anyhow::bail!("{owner} and {other} would share the {what} `{name}`: rename one of them")
                }
            };
        for channel in &self.channels {
            claim("logical id", channel.logical.clone(), &format!("channel `{}`", channel.name))?;
        }
        for (_, job_type) in self.job_types() {
            let owner = format!("job type `{}`", job_type.id);
            claim("queue", job_type.queue.clone(), &owner)?;
            claim("queue", dead(&job_type.queue), &owner)?;
            claim("logical id", job_type.logical.clone(), &owner)?;
        }
        Ok(())
    }
}

/// The name of a queue's dead-letter queue.
pub(crate) fn dead(queue: &str) -> String {
    format!("{queue}-dead")
}

/// `user-events` becomes `UserEvents`: logical ids are letters and digits.
fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for part in name.split(['-', '_']) {
        let mut chars = part.chars();
        text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(chars.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(ids: &[&str]) -> Result<Deployment, String> {
        Deployment::from_ids(ids.iter().map(|id| JobTypeId::new(*id).unwrap()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_come_from_channel_and_job_type() {
        let deployment = plan(&["git-hub/user_events", "toy/posts"]).unwrap();
        let (channel, job_type) = deployment.job_types().next().unwrap();
        assert_eq!(channel.logical, "GitHub");
        assert_eq!(job_type.queue, "jobs-git-hub-user_events");
        assert_eq!(job_type.logical, "GitHubUserEvents");
    }

    #[test]
    fn a_name_that_does_not_fit_says_by_how_much() {
        let longest = format!("toy/{}", "a".repeat(49 - "jobs-toy--dead".len()));
        assert!(plan(&[&longest]).is_ok());
        assert!(plan(&[&format!("{longest}aa")]).unwrap_err().contains("shorten channel and job type by 2"));
        let longest = "c".repeat(33 - "worker-".len());
        assert!(plan(&[&format!("{longest}/x")]).is_ok());
        assert!(plan(&[&format!("{longest}c/x")]).unwrap_err().contains("shorten the channel's name by 1"));
    }

    #[test]
    fn two_job_types_never_share_a_queue() {
        for (ids, says) in [
            (["a-b/c", "a/b-c"], "would share the queue `jobs-a-b-c`"),
            (["a/b", "a/b-dead"], "would share the queue `jobs-a-b-dead`"),
            (["a/b-c", "a/b_c"], "would share the logical id `ABC`"),
            (["a-b/x", "a_b/y"], "would share the logical id `AB`"),
        ] {
            let error = plan(&ids).unwrap_err();
            assert!(error.contains(says), "{ids:?}: {error}");
        }
    }
}
