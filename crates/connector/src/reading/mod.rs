//! What a response says beside its items: limits, pauses, and what a refusal comes to.
//!
//! Knows nothing of what was asked before and of what will be asked next. Everything it reads is hostile: see
//! [`crate::wait`].

mod floor;
mod limits;
mod ratelimit;
mod refusal;
#[cfg(test)]
mod tests;
mod usage;

use std::time::SystemTime;

use pollwheel_core::outcome::Scope;
use pollwheel_core::ports::PoolToken;

use crate::answer::Answer;
use crate::channel::{Channel, JobType, LimitScope, Token};
use crate::wait::{Scale, ServerClock};

/// How one job's responses are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) job: &'a JobType,
    /// Whether requests carry a token.
    pub(crate) token: Token,
    /// The token of the pool that they carry.
    pub(crate) pool: Option<&'a PoolToken>,
    pub(crate) host: Host,
    /// Our clock, for responses without a `Date`.
    pub(crate) now: SystemTime,
    pub(crate) scale: Scale,
}

/// Whose host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// The channel's own.
    Channels,
    /// One that the account brought. It speaks for this account and for itself: it could otherwise say that the window of
    /// the whole application is spent, and stop the channel for everyone.
    Accounts,
}

impl Reader<'_> {
    /// What a limit of this scope counts for this job.
    fn scope(&self, scope: LimitScope, answer: &Answer<'_>) -> Scope {
        match (scope, self.host) {
            (LimitScope::Host, Host::Channels | Host::Accounts) => match answer.response.uri.authority() {
                Some(authority) => Scope::Host(authority.as_str().into()),
                None => Scope::Account,
            },
            (LimitScope::Account, _) | (_, Host::Accounts) => Scope::Account,
            (LimitScope::Application, Host::Channels) => Scope::Application,
            (LimitScope::Endpoint, Host::Channels) => Scope::Endpoint,
            (LimitScope::Token, Host::Channels) => match self.pool {
                Some(token) => Scope::Token(token.name.clone()),
                // An application with one token and no pool.
                None => Scope::Application,
            },
        }
    }

    const fn clock<'r>(&self, answer: &Answer<'r>) -> ServerClock<'r> {
        ServerClock::new(&answer.response.headers, self.now)
    }
}
