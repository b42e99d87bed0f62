//! What a throttle stops: everything that counts against one shared limit.
//!
//! A limit of an account is none: the row's own hold keeps it.

use std::fmt;

use crate::id::{ChannelName, JobTypeId};
use crate::outcome::Scope;

/// A shared limit that can be spent. Every member belongs to one channel: what one channel says of a host or a token
/// stops no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThrottleScope {
    /// The application's calls of a channel: neither dispatched nor polled.
    Channel(ChannelName),
    /// The application's calls of one job type: neither dispatched nor polled.
    JobType(JobTypeId),
    /// One token of the application's pool, by its name: others are used.
    Token(ChannelName, Box<str>),
    /// One host: jobs that poll it are held.
    Host(ChannelName, Box<str>),
}

impl ThrottleScope {
    /// What a limit that a poll of this job type ran into stops. None for an account's own limit.
    #[must_use]
    pub fn of(job_type: &JobTypeId, scope: &Scope) -> Option<Self> {
        let channel = ChannelName::new(job_type.channel()).ok()?;
        match scope {
            Scope::Account => None,
            Scope::Application => Some(Self::Channel(channel)),
            Scope::Endpoint => Some(Self::JobType(job_type.clone())),
            Scope::Token(name) => Some(Self::Token(channel, name.clone())),
            Scope::Host(host) => Some(Self::Host(channel, host.clone())),
        }
    }
}

impl fmt::Display for ThrottleScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "{channel}"),
            Self::JobType(job_type) => write!(f, "{job_type}"),
            Self::Token(channel, name) => write!(f, "token {name} of {channel}"),
            Self::Host(channel, host) => write!(f, "host {host} of {channel}"),
        }
    }
}
