//! Which jobs of an account a command is about.

use pollwheel_connector::ChannelSet;
use pollwheel_connector::members::Members;
use pollwheel_connector::nearest;
use pollwheel_core::id::{AccountId, ChannelName, JobTypeId, Target};
use pollwheel_core::row::Registration;

/// The fields of a selection.
pub(crate) const FIELDS: [&str; 4] = ["account_id", "channel", "job_type", "target"];

/// Some of an account's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) account: AccountId,
    pub(crate) of: Of,
}

/// Which of the account's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Of {
    /// All, on every channel.
    All,
    /// All on a channel.
    Channel(ChannelName),
    /// Those of a job type: one, or one a target.
    JobType { job_type: JobTypeId, target: Option<Target> },
}

impl Of {
    fn read(members: &mut Members) -> Option<Self> {
        let channel = channel(members);
        let job_type = job_type(members);
        let target = members.optional("target", |text| Target::new(text).map_err(|error| error.to_string()));
        match (channel, job_type, target) {
            (None, None, None) => Some(Self::All),
            (Some(channel), None, None) => Some(Self::Channel(channel)),
            (None, Some(job_type), target) => Some(Self::JobType { job_type, target }),
            (None, None, Some(_)) => {
                members.flaw("job_type", "is missing: a `target` belongs to one");
                None
            }
            (Some(_), None, Some(_)) => {
                members
                    .flaw("target", "belongs to one job type: name it with `job_type` instead of `channel`");
                None
            }
            (Some(_), Some(_), _) => {
                members.flaw("channel", "is part of `job_type` already: leave one of the two away");
                None
            }
        }
    }
}

impl Selection {
    /// Takes the fields. What is wrong with them stays with the members.
    ///
    /// A channel that is no longer declared can be selected: its jobs must be removable.
    pub(crate) fn read(members: &mut Members) -> Option<Self> {
        let account = account(members);
        let of = Of::read(members)?;
        if of == Of::All {
            members
                .flaw("job_type", "is missing: name one, or a `channel` for all of the account's jobs there");
            return None;
        }
        Some(Self { account: account?, of })
    }

    /// As [`read`](Self::read), and an account alone selects all of its jobs.
    pub(crate) fn read_any(members: &mut Members) -> Option<Self> {
        let account = account(members);
        let of = Of::read(members)?;
        Some(Self { account: account?, of })
    }

    /// Whether a job is one of them.
    pub(crate) fn holds(&self, registration: &Registration) -> bool {
        let job = &registration.job;
        match &self.of {
            Of::All => true,
            Of::Channel(channel) => job.job_type.channel() == channel.as_str(),
            Of::JobType { job_type, target } => {
                job.job_type == *job_type && (target.is_none() || job.target == *target)
            }
        }
    }

    /// The channel that they are on, when it is one.
    pub(crate) fn channel(&self) -> &str {
        match &self.of {
            Of::All => "any channel",
            Of::Channel(channel) => channel.as_str(),
            Of::JobType { job_type, .. } => job_type.channel(),
        }
    }
}

pub(crate) fn account(members: &mut Members) -> Option<AccountId> {
    members.required("account_id", |text| AccountId::new(text).map_err(|error| error.to_string()))
}

pub(crate) fn channel(members: &mut Members) -> Option<ChannelName> {
    members.optional("channel", |text| ChannelName::new(text).map_err(|error| error.to_string()))
}

pub(crate) fn job_type(members: &mut Members) -> Option<JobTypeId> {
    members.optional("job_type", |text| JobTypeId::new(text).map_err(|error| error.to_string()))
}

/// `no channel `x`: there is ...`.
pub(crate) fn unknown_channel(channel: &ChannelName, channels: &ChannelSet) -> Option<String> {
    let known: Vec<&str> = channels.iter().map(|channel| channel.name().as_str()).collect();
    unknown("channel", channel.as_str(), &known)
}

/// `no job type `x`: there is ...`.
pub(crate) fn unknown_job_type(job_type: &JobTypeId, channels: &ChannelSet) -> Option<String> {
    let all = channels.iter().flat_map(|channel| channel.job_types());
    let known: Vec<&str> = all.map(|job_type| job_type.spec().id.as_str()).collect();
    unknown("job type", job_type.as_str(), &known)
}

/// What to say of a name that is not among the known ones.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> Option<String> {
    if known.contains(&name) {
        return None;
    }
    let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
    let hint = nearest::hint(name, known.iter().copied());
    let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    Some(format!("there is no {what} `{shown}`, there is {}{hint}", list.join(", ")))
}
