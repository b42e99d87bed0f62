//! The channels of a deployment: finding their files, and finding a job type among them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};
use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::policy::Catalog;
use pollwheel_core::row::JobRow;

use super::{AccountProblem, Channel, ChannelErrors, JobType, Problem, Token, Warning, compile};

/// The channels of a deployment.
#[derive(Debug, Default)]
pub struct ChannelSet {
    channels: BTreeMap<ChannelName, Channel>,
}

impl ChannelSet {
    /// Loads `<folder>/channel.yml`, or, when there is none, `<folder>/*/channel.yml`.
    ///
    /// # Errors
    /// Everything that is wrong with the files, at once. A folder without any channel is an error.
    pub fn load(folder: &Path) -> Result<Self, ChannelErrors> {
        let mut problems = Vec::new();
        let mut channels = BTreeMap::new();
        for file in files(folder)? {
            match compile::load(&file) {
                Ok(channel) => _ = channels.insert(channel.name.clone(), channel),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self { channels }) } else { Err(ChannelErrors(problems)) }
    }

    /// The one channel in a text that would stand at `path`.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_text(path: &Path, text: &str) -> Result<Self, ChannelErrors> {
        let channel = compile::of_text(path, text).map_err(ChannelErrors)?;
        Ok(Self { channels: BTreeMap::from([(channel.name.clone(), channel)]) })
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

    /// The warnings of every channel.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.iter().flat_map(Channel::warnings)
    }

    /// Every job type, for the core.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.iter().flat_map(Channel::job_types).map(|job_type| job_type.spec.clone()))
    }

    /// Whether an account can be polled by a job type, before it is registered. `row` is the job as it would be.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check_account(&self, row: &JobRow, token: Token) -> Result<(), AccountProblem> {
        let (channel, job_type) = self.find(&row.job.job_type)?;
        channel.check_account(job_type, row, token)
    }

    /// Puts a header into every request.
    pub(crate) fn set_header(&mut self, name: HeaderName, value: &HeaderValue) {
        let job_types = self.channels.values_mut().flat_map(|channel| channel.job_types.values_mut());
        for job_type in job_types {
            job_type.endpoint.headers.fix(name.clone(), value.clone());
        }
    }

    /// The host whose limit a job's polls take from, where its channel counts by host.
    pub(crate) fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        let (channel, job_type) = self.find(&row.job.job_type).ok()?;
        if !channel.counts_by_host(job_type) {
            return None;
        }
        Some(channel.base_of(job_type, row).ok()?.origin().authority().into())
    }

    /// A job type and its channel.
    pub(crate) fn find(&self, id: &JobTypeId) -> Result<(&Channel, &JobType), AccountProblem> {
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let channel = self.get(id.channel()).ok_or_else(|| AccountProblem::UnknownChannel {
            channel: id.channel().to_owned(),
            known: list(self.channels.keys().map(ChannelName::as_str).collect()),
        })?;
        let job_type = channel.job_types.get(id).ok_or_else(|| AccountProblem::UnknownJobType {
            channel: id.channel().to_owned(),
            job_type: id.name().to_owned(),
            known: list(channel.job_types.keys().map(JobTypeId::name).collect()),
        })?;
        Ok((channel, job_type))
    }
}

const FILE_NAME: &str = "channel.yml";

fn files(folder: &Path) -> Result<Vec<PathBuf>, ChannelErrors> {
    let own = folder.join(FILE_NAME);
    if own.is_file() {
        return Ok(vec![own]);
    }
    let nothing = |message: String| {
        ChannelErrors(vec![Problem {
            file: folder.to_owned(),
            line: 0,
            column: 0,
            field: String::new(),
            message,
        }])
    };
    let entries = std::fs::read_dir(folder).map_err(|error| nothing(format!("cannot be read: {error}")))?;
    let mut found: Vec<_> =
        entries.flatten().map(|entry| entry.path().join(FILE_NAME)).filter(|file| file.is_file()).collect();
    if found.is_empty() {
        return Err(nothing(format!("has no `{FILE_NAME}` and no folder with one")));
    }
    found.sort();
    Ok(found)
}
