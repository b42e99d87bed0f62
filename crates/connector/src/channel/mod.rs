//! Channels: what `channels/<name>/channel.yml` declares, checked and compiled.
//!
//! Loading finds everything that can be found without a request, in every file, before it gives up. It does not know
//! which accounts there are; [`ChannelSet::check_account`] tells whether one fits.

mod account;
mod compile;
mod file;
mod levels;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pollwheel_core::context::Context;
use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::outcome::Scope;
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::row::JobRow;

pub use self::account::{AccountProblem, Token};
pub(crate) use self::file::{Auth, FirstPoll, Need, Order, PerAccount, ResetFormat, RuleOutcome};
pub use self::problem::{ChannelErrors, Problem};
use crate::base_url::BaseUrl;
use crate::pick::Names;
use crate::request::{Endpoint, JobValues};
use crate::select::{List, Selector};
use crate::state::State;
use crate::wait::FloorSource;

/// A channel, compiled.
#[derive(Debug)]
pub struct Channel {
    pub(crate) name: ChannelName,
    pub(crate) about: String,
    pub(crate) docs: Option<String>,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) per_account: PerAccount,
    pub(crate) auth: Auth,
    pub(crate) headers: HeaderMap,
    pub(crate) limits: Vec<Limit>,
    pub(crate) rules: Vec<ErrorRule>,
    pub(crate) job_types: BTreeMap<JobTypeId, JobType>,
}

/// A rate limit that responses tell of.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) scope: Scope,
    pub(crate) scope_without_token: Scope,
    pub(crate) remaining: HeaderName,
    pub(crate) reset: HeaderName,
    pub(crate) format: ResetFormat,
    pub(crate) cushion: u64,
}

impl Limit {
    /// What the limit counts, for a request with or without a token.
    pub(crate) fn scope(&self, token: Token) -> Scope {
        match token {
            Token::Present => self.scope.clone(),
            Token::Absent => self.scope_without_token.clone(),
        }
    }
}

/// What a response that says otherwise by its status really is.
#[derive(Debug, Clone)]
pub(crate) struct ErrorRule {
    pub(crate) status: StatusCode,
    pub(crate) header: Option<HeaderName>,
    pub(crate) body_contains: Option<String>,
    pub(crate) outcome: RuleOutcome,
}

/// A job type, compiled.
#[derive(Debug)]
pub struct JobType {
    pub(crate) spec: JobTypeSpec,
    pub(crate) endpoint: Endpoint,
    pub(crate) conditional: bool,
    pub(crate) items: ItemRules,
    pub(crate) order: Order,
    pub(crate) pages: Option<Pages>,
    pub(crate) first_poll: FirstPoll,
    pub(crate) floor: Vec<FloorSource>,
}

/// Where items are in a response.
#[derive(Debug)]
pub(crate) struct ItemRules {
    pub(crate) list: List,
    pub(crate) id: Selector,
    pub(crate) time: Option<Selector>,
    pub(crate) kind: String,
    pub(crate) data: Selector,
    pub(crate) dedupe_version: u32,
    /// The members that the selectors pick.
    pub(crate) names: Names,
}

impl ItemRules {
    /// Whether the picked members are all that is needed of an element.
    pub(crate) fn is_picked(&self) -> bool {
        [Some(&self.id), self.time.as_ref(), Some(&self.data)].into_iter().flatten().all(Selector::is_pick)
    }
}

/// How to get from a page to the next, older one.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) follow: Follow,
    /// A page with fewer elements is the last.
    pub(crate) size: Option<usize>,
    /// Most pages in one poll.
    pub(crate) limit: u32,
}

/// What names the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Follow {
    /// `Link: <...>; rel="next"`.
    LinkHeader,
    /// A parameter that asks for what is older than an id. Percent-encoded.
    MaxId(String),
}

impl JobType {
    /// What the core needs to know of it.
    #[must_use]
    pub const fn spec(&self) -> &JobTypeSpec {
        &self.spec
    }

    /// Whether it polls several things of an account: a template names `target`.
    #[must_use]
    pub fn takes_target(&self) -> bool {
        self.endpoint.takes_target()
    }

    /// Whether a poll could start from a context.
    fn check_context(&self, context: &Context) -> Result<(), AccountProblem> {
        let refuse = |field, reason| Err(AccountProblem::Context { field, reason });
        let Ok(state) = State::of(context) else {
            return refuse(
                "context.poll",
                "cannot be read: write `{\"cursor\": \"<id>\"}` to start after an item, or leave it away",
            );
        };
        match state.and_then(|state| state.cursor) {
            Some(cursor) if !self.order.accepts(&cursor) => {
                let reason = match self.order {
                    Order::Numeric => "is not an id of this job type: its ids are ASCII digits",
                    Order::Lexicographic => "is empty: write an item's id, or leave it away",
                };
                refuse("context.poll.cursor", reason)
            }
            Some(_) | None => Ok(()),
        }
    }
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

    /// Its job types, in the order of their ids.
    pub fn job_types(&self) -> impl Iterator<Item = &JobType> {
        self.job_types.values()
    }

    fn check_account(&self, job_type: &JobType, row: &JobRow, token: Token) -> Result<(), AccountProblem> {
        let channel = || self.name.to_string();
        match (self.auth, token) {
            (Auth::Bearer(Need::Required), Token::Absent) => {
                Err(AccountProblem::NoToken { channel: channel() })
            }
            (Auth::None, Token::Present) => Err(AccountProblem::UnwantedToken { channel: channel() }),
            (Auth::Bearer(_) | Auth::None, Token::Present | Token::Absent) => Ok(()),
        }?;
        let base = self.base_url_of(row.subject.base_url.as_deref());
        let base = base.map_err(|reason| AccountProblem::BaseUrl { reason })?;
        job_type.check_context(&row.context)?;
        let values = JobValues::new(row, None);
        let target = job_type.endpoint.target(base.prefix(), &values, None);
        target.map(drop).map_err(|error| AccountProblem::Request { reason: error.to_string() })
    }

    /// Where an account's API is.
    pub(crate) fn base_url_of(&self, own: Option<&str>) -> Result<std::borrow::Cow<'_, BaseUrl>, String> {
        use std::borrow::Cow;
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
        for channel in self.channels.values_mut() {
            channel.headers.insert(name.clone(), value.clone());
        }
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
