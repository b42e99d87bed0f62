//! Channels: what `channels/<name>/channel.yml` declares, checked and compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::row::Subject;

/// One thing that is wrong with a channel file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{}: {message}", file.display(), place(*line, *column), within(field))]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1; 0 when the problem has none.
    pub line: u64,
    /// The column in that line, counted from 1; 0 when the problem has none.
    pub column: u64,
    /// The path of the field: `job_types.statuses.items.id`. Empty when the problem is with the whole file.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

fn within(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(": `{field}`") }
}

/// Everything that is wrong with a folder of channels. Shows as one line a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelErrors(pub Vec<Problem>);

impl std::fmt::Display for ChannelErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ChannelErrors {}

/// Whether an account has a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// It has one.
    Present,
    /// It has none.
    Absent,
}

/// Why an account cannot be polled by a job type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    /// There is no such channel.
    #[error("there is no channel `{channel}`: the channels are {known}")]
    UnknownChannel {
        /// The name asked for.
        channel: String,
        /// The names that exist.
        known: String,
    },
    /// The channel has no such job type.
    #[error("channel `{channel}` has no job type `{job_type}`: its job types are {known}")]
    UnknownJobType {
        /// The channel.
        channel: String,
        /// The name asked for.
        job_type: String,
        /// The names that exist.
        known: String,
    },
    /// The channel's requests need a token.
    #[error("channel `{channel}` needs a `token`")]
    NoToken {
        /// The channel.
        channel: String,
    },
    /// The account's base URL is missing, not wanted or not a URL.
    #[error("`base_url`: {reason}")]
    BaseUrl {
        /// What is wrong.
        reason: String,
    },
    /// The account's external id cannot be part of the request.
    #[error("`external_id`: {reason}")]
    ExternalId {
        /// What is wrong.
        reason: String,
    },
}

/// A job type, compiled.
#[derive(Debug)]
pub struct JobType {
    spec: JobTypeSpec,
}

impl JobType {
    /// What the core needs to know of it.
    #[must_use]
    pub const fn spec(&self) -> &JobTypeSpec {
        &self.spec
    }
}

/// A channel, compiled.
#[derive(Debug)]
pub struct Channel {
    name: ChannelName,
    about: String,
    job_types: BTreeMap<JobTypeId, JobType>,
}

impl Channel {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &ChannelName {
        &self.name
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Its job types, in the order of their ids.
    pub fn job_types(&self) -> impl Iterator<Item = &JobType> {
        self.job_types.values()
    }
}

/// The channels of a deployment.
#[derive(Debug, Default)]
pub struct ChannelSet {
    channels: BTreeMap<ChannelName, Channel>,
}

impl ChannelSet {
    /// Loads `<folder>/channel.yml`, or, when there is none, `<folder>/*/channel.yml`.
    ///
    /// # Errors
    /// Everything that is wrong with the files, at once.
    pub fn load(folder: &Path) -> Result<Self, ChannelErrors> {
        let _ = folder;
        Ok(Self::default())
    }

    /// One channel.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|(known, _)| known.as_str() == name).map(|(_, channel)| channel)
    }

    /// Every channel, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// Every job type, for the core.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.iter().flat_map(Channel::job_types).map(|job_type| job_type.spec.clone()))
    }

    /// Whether an account can be polled by a job type, before it is registered.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check_account(
        &self,
        job_type: &JobTypeId,
        subject: &Subject,
        token: Token,
    ) -> Result<(), AccountProblem> {
        let _ = (job_type, subject, token);
        Ok(())
    }
}
