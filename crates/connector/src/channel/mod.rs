//! Channels: what `channels/<name>/channel.yml` declares, checked and compiled.
//!
//! Loading finds everything that can be found without a request, in every file, before it gives up. It does not know
//! which accounts there are; [`ChannelSet::check_account`] tells whether one fits.

mod account;
mod advice;
mod auth;
mod budgets;
mod compile;
mod cursor;
mod description;
mod errors;
mod file;
mod items;
mod job_type;
mod levels;
mod limits;
mod pages;
mod problem;
#[cfg(test)]
mod schema_tests;
mod set;
mod shape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::row::JobRow;

pub use self::account::{AccountProblem, Token};
pub use self::description::{Description, LimitDescription, Told};
pub use self::job_type::JobType;
pub use self::problem::{ChannelErrors, Problem, Warning};
pub use self::set::ChannelSet;
#[expect(
    unused_imports,
    reason = "what a channel file can say, for the parts of the crate that act upon it"
)]
pub(crate) use self::{
    auth::{Auth, AuthRules, ClientAuth, Grant, Need, OAuth2, Origin, SendToken},
    cursor::{Cursor, Order, TokenSource},
    errors::{ErrorRule, RuleOutcome, StatusMatch, Wait},
    file::PerAccount,
    items::{Format, ItemRules, Kind},
    job_type::FirstPoll,
    limits::{
        Allowance, BodyQuota, Limit, LimitScope, LimitSource, PolicyName, Reset, ResetFormat, Usage, WaitUnit,
    },
    pages::{Follow, Pages},
};
use crate::base_url::BaseUrl;
use crate::reading::Host;
use crate::request::{JobValues, Place};
use crate::template::Values as _;

/// A channel, compiled.
#[derive(Debug)]
pub struct Channel {
    pub(crate) name: ChannelName,
    pub(crate) about: String,
    pub(crate) docs: Option<String>,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) per_account: PerAccount,
    pub(crate) auth: Auth,
    /// Requests under way at once to one host, in one process.
    pub(crate) max_concurrent_per_host: u16,
    pub(crate) limits: Vec<Limit>,
    pub(crate) rules: Vec<ErrorRule>,
    pub(crate) job_types: BTreeMap<JobTypeId, JobType>,
    warnings: Vec<Warning>,
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

    /// Where its API is documented.
    #[must_use]
    pub fn docs(&self) -> Option<&str> {
        self.docs.as_deref()
    }

    /// What is right in its file and probably not meant, in the order of the file's lines.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Its job types, in the order of their ids.
    pub fn job_types(&self) -> impl Iterator<Item = &JobType> {
        self.job_types.values()
    }

    fn check_account(&self, job_type: &JobType, row: &JobRow, token: Token) -> Result<(), AccountProblem> {
        let channel = || self.name.to_string();
        match (self.asks_accounts(), job_type.need, token) {
            (Some(SendToken::Basic), Need::Required, Token::Absent) => {
                Err(AccountProblem::NoUser { channel: channel() })
            }
            (Some(_), Need::Required, Token::Absent) => Err(AccountProblem::NoToken { channel: channel() }),
            (None, _, Token::Present) => Err(AccountProblem::UnwantedToken { channel: channel() }),
            (Some(_) | None, _, Token::Present | Token::Absent) => Ok(()),
        }?;
        let base = self.base_of(job_type, row).map_err(|reason| match &job_type.endpoint.place {
            Place::Path(_) => AccountProblem::BaseUrl { reason },
            Place::Url(variable) => AccountProblem::Url { field: account::field_of(variable), reason },
        })?;
        job_type.check_context(&row.context)?;
        let made = job_type.endpoint.check(base.prefix(), &JobValues::of_row(row));
        made.map_err(|error| AccountProblem::Request { reason: error.to_string() })
    }

    /// Whether an account's token is there where a job type must have one.
    pub(crate) fn has_token_for(&self, job_type: &JobType, token: Token) -> bool {
        token == Token::Present || job_type.need != Need::Required || self.asks_accounts().is_none()
    }

    /// Whether accounts bring the credentials that requests carry, if any.
    #[must_use]
    pub fn has_tokens_of_accounts(&self) -> bool {
        self.asks_accounts().is_some()
    }

    /// How accounts' own credentials are sent; none when the requests carry no account's.
    pub(crate) fn asks_accounts(&self) -> Option<&SendToken> {
        match &self.auth {
            Auth::By(AuthRules { send, from: Origin::Account, .. }) => Some(send),
            Auth::By(AuthRules { from: Origin::Application, .. }) | Auth::None => None,
        }
    }

    /// Whether a limit of this job type counts by host.
    pub(crate) fn counts_by_host(&self, job_type: &JobType) -> bool {
        let tokens = [Token::Present, Token::Absent];
        let limits = self.limits.iter().chain(&job_type.limits);
        let rules = self.rules.iter().chain(&job_type.rules);
        limits.flat_map(|limit| tokens.map(|token| limit.scope(token))).any(|scope| scope == LimitScope::Host)
            || rules.filter_map(|rule| rule.scope).any(|scope| scope == LimitScope::Host)
    }

    /// Where a job's API is: its own URL, the account's base URL or the channel's.
    pub(crate) fn base_of(&self, job_type: &JobType, row: &JobRow) -> Result<Cow<'_, BaseUrl>, String> {
        match &job_type.endpoint.place {
            Place::Path(_) => self.base_url_of(row.subject.base_url.as_deref()),
            Place::Url(variable) => {
                let url = JobValues::of_row(row).value(variable).map(Cow::into_owned);
                let url = url.ok_or_else(|| format!("the job has no `{}`", variable.name()))?;
                let base = BaseUrl::whole(&url);
                base.map(Cow::Owned)
                    .map_err(|error| format!("`{}` is no URL to poll: {error}", variable.name()))
            }
        }
    }

    /// Whose host a job polls.
    pub(crate) fn whose(&self, base: &BaseUrl) -> Host {
        let is_channels = self.base_url.as_ref().is_some_and(|own| own.origin() == base.origin());
        if is_channels { Host::Channels } else { Host::Accounts }
    }

    fn base_url_of(&self, own: Option<&str>) -> Result<Cow<'_, BaseUrl>, String> {
        match (own, self.per_account, &self.base_url) {
            (Some(own), PerAccount::Allowed | PerAccount::Required, _) => {
                BaseUrl::parse(own).map(Cow::Owned).map_err(|error| error.to_string())
            }
            (Some(_), PerAccount::Refused, _) => {
                Err(format!("channel `{}` allows no base URL of an account's own", self.name))
            }
            (None, PerAccount::Allowed | PerAccount::Refused, Some(base)) => Ok(Cow::Borrowed(base)),
            (None, PerAccount::Required, _) | (None, PerAccount::Allowed | PerAccount::Refused, None) => {
                Err(format!("channel `{}` needs one for each account", self.name))
            }
        }
    }
}
