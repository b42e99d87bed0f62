//! Whether an account fits a channel.

use crate::template::Variable;

/// Whether an account has a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// It has one.
    Present,
    /// It has none.
    Absent,
}

/// Why an account cannot be polled by a job type. Names the field of the account and repeats no value of it.
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
    /// The channel's requests need a user.
    #[error("channel `{channel}` needs `credentials` with a `username` and a `password`")]
    NoUser {
        /// The channel.
        channel: String,
    },
    /// The channel's requests carry no token.
    #[error("channel `{channel}` takes no `token`: leave it away")]
    UnwantedToken {
        /// The channel.
        channel: String,
    },
    /// The account's base URL is missing, not wanted or not a URL.
    #[error("`base_url`: {reason}")]
    BaseUrl {
        /// What is wrong.
        reason: String,
    },
    /// What the channel takes for the URL to poll is none.
    #[error("{reason}")]
    Url {
        /// The field of the account; none when the deployment gives it.
        field: Option<&'static str>,
        /// What is wrong, and with which variable.
        reason: String,
    },
    /// What the account's context says of earlier polls cannot be read, and never could.
    #[error("`{field}`: {reason}")]
    Context {
        /// The field of the account.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The request cannot be made from what the account has.
    #[error("{reason}")]
    Request {
        /// What is wrong.
        reason: String,
    },
}

/// The field of an account file that a variable's value comes from.
pub(super) const fn field_of(variable: &Variable) -> Option<&'static str> {
    match variable {
        Variable::AccountId => Some("account_id"),
        Variable::ExternalId => Some("external_id"),
        Variable::Target => Some("targets"),
        Variable::Context(_) => Some("context"),
        Variable::Credential(_) => Some("credentials"),
        Variable::Cursor | Variable::Page | Variable::Application(_) => None,
    }
}
