//! An account as people and products write it down: a JSON object, checked field by field. One line of an accounts file,
//! and the body of a command that registers.
//!
//! Values are never repeated in a message unless they are names or ids: a token in the wrong field must not get out.

mod credentials;
mod lines;

use pollwheel_core::cadence::CadenceRange;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::id::{AccountId, ChannelName, JobId, ServiceLevel, Target};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::Credentials;
use pollwheel_core::register::NewJob;
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use serde_json::error::Category;

use crate::channel::{AccountProblem, Channel, ChannelSet, JobType, Token};
use crate::connector::PrivateAddresses;
use crate::http::special_host;
use crate::members::{Flaw, Members, Object};
use crate::nearest;
pub use credentials::read as read_credentials;
pub(crate) use credentials::token as read_token;
pub use lines::{Line, Lines, MAX_LINE_BYTES};

/// Every field of an account.
const FIELDS: [&str; 11] = [
    "account_id",
    "channel",
    "job_types",
    "targets",
    "service_level",
    "cadence",
    "external_id",
    "base_url",
    "token",
    "credentials",
    "context",
];

/// Longest external id, in bytes: it becomes part of a URL.
const MAX_EXTERNAL_ID_BYTES: usize = 1024;
/// Most targets of one account.
const MAX_TARGETS: usize = 1000;

/// An account, and the jobs it is polled by.
#[derive(Debug)]
pub struct Account {
    /// Where it is polled.
    pub channel: ChannelName,
    /// Who it is.
    pub account: AccountId,
    /// What it is polled by: at least one job.
    pub jobs: Vec<NewJob>,
    /// What it authenticates with.
    pub credentials: Option<Credentials>,
}

/// Reads a line.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str, channels: &ChannelSet) -> Result<Account, Vec<Flaw>> {
    read(Object::parse(text)?, channels)
}

/// Reads a JSON object that was taken apart already.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(object: Object, channels: &ChannelSet) -> Result<Account, Vec<Flaw>> {
    let mut members = Members::of(object, &FIELDS);
    let account =
        members.required("account_id", |text| AccountId::new(text).map_err(|error| error.to_string()));
    let channel = members.required("channel", |name| find_channel(&name, channels));
    let external_id = members.required("external_id", external_id);
    let level =
        members.required("service_level", |text| ServiceLevel::new(text).map_err(|error| error.to_string()));
    let range = members.raw("cadence", cadence);
    let base_url = members.optional("base_url", Ok);
    let token = members.optional("token", credentials::token);
    let named = members.raw("credentials", credentials::read);
    let credentials = credentials::joined(token, named, &mut members);
    let context = members.raw("context", context).unwrap_or_default();
    let targets = members.list("targets", |text| Target::new(text).map_err(|error| error.to_string()));
    let names = members.list("job_types", Ok);
    let chosen = channel
        .map(|channel| {
            let token = if credentials::serve(credentials.as_ref(), channel) {
                Token::Present
            } else {
                Token::Absent
            };
            job_types(channel, names, token, level.as_ref(), &mut members)
        })
        .unwrap_or_default();
    let targets = targets.unwrap_or_default();
    check_targets(&chosen, &targets, &mut members);
    if targets.len() > MAX_TARGETS {
        members.flaw("targets", format!("lists {} targets, the limit is {MAX_TARGETS}", targets.len()));
    }
    let (Some(account), Some(channel), Some(external_id), Some(level)) =
        (account, channel, external_id, level)
    else {
        return Err(members.into_flaws());
    };
    let subject = Subject { external_id, base_url };
    let targets: Vec<Option<Target>> = targets.into_iter().map(Some).collect();
    let mut jobs = Vec::with_capacity(chosen.len() * targets.len().max(1));
    for job_type in chosen {
        let spec = job_type.spec();
        let targets = if job_type.takes_target() { &targets[..] } else { &[None] };
        // The level as the channel holds it: a million rows share one text.
        let level = spec.levels.get_key_value(&level).map_or(&level, |(known, _)| known);
        for target in targets {
            let job = JobId { job_type: spec.id.clone(), account: account.clone(), target: target.clone() };
            jobs.push(NewJob {
                job,
                subject: subject.clone(),
                level: level.clone(),
                range,
                context: context.clone(),
            });
        }
    }
    check(&jobs, credentials.as_ref(), channel, channels, &mut members);
    members.finish(Account { channel: channel.name().clone(), account, jobs, credentials })
}

/// Whether an account's own host may be polled, as far as its text tells. `allowed_by` is the setting that would allow it.
///
/// # Errors
/// The rule that it breaks.
pub fn check_address(
    account: &Account,
    private: PrivateAddresses,
    allowed_by: &str,
) -> Result<(), Vec<Flaw>> {
    let own = account.jobs.first().and_then(|job| job.subject.base_url.as_deref());
    match (private, own.and_then(special_host)) {
        (PrivateAddresses::Refused, Some(rule)) => Err(vec![Flaw::of(
            "base_url",
            format!("its host is a {rule}: `{allowed_by}` allows requests to it"),
        )]),
        (PrivateAddresses::Refused, None) | (PrivateAddresses::Allowed, _) => Ok(()),
    }
}

fn find_channel<'c>(name: &str, channels: &'c ChannelSet) -> Result<&'c Channel, String> {
    channels.get(name).ok_or_else(|| {
        let known: Vec<&str> = channels.iter().map(|channel| channel.name().as_str()).collect();
        unknown("channel", name, &known)
    })
}

fn external_id(text: String) -> Result<String, String> {
    match text.len() {
        0 => Err("is empty".to_owned()),
        bytes if bytes > MAX_EXTERNAL_ID_BYTES => {
            Err(format!("is {bytes} bytes long, the limit is {MAX_EXTERNAL_ID_BYTES}"))
        }
        _ if text.chars().any(char::is_control) => Err("has a control character in it".to_owned()),
        _ => Ok(text),
    }
}

fn context(raw: &serde_json::value::RawValue) -> Result<Context, String> {
    // A context that is nested too deeply would be read as empty later.
    if raw.get().starts_with('{') && serde_json::from_str::<ContextMap>(raw.get()).is_err() {
        return Err("is nested too deeply".to_owned());
    }
    Context::try_from(raw.to_owned()).map_err(|error| error.to_string())
}

/// The account's own range of cadences, instead of its level's.
fn cadence(raw: &serde_json::value::RawValue) -> Result<CadenceRange, String> {
    serde_json::from_str(raw.get()).map_err(|error| match error.classify() {
        // Of ours: no cadence, or the wrong way round. It names numbers only.
        Category::Data if raw.get().starts_with('{') => {
            let said = error.to_string();
            said.rsplit_once(" at line ").map_or(said.clone(), |(said, _)| said.to_owned())
        }
        Category::Data | Category::Io | Category::Syntax | Category::Eof => {
            "is no range: write `{\"fastest\": 5, \"slowest\": 60}`, in minutes".to_owned()
        }
    })
}

/// The job types that a line asks for: those named, or all of the channel's that its credentials are enough for.
fn job_types<'c>(
    channel: &'c Channel,
    names: Option<Vec<String>>,
    token: Token,
    level: Option<&ServiceLevel>,
    members: &mut Members,
) -> Vec<&'c JobType> {
    let all: Vec<&JobType> = channel.job_types().collect();
    let known: Vec<&str> = all.iter().copied().map(name_of).collect();
    let mut chosen: Vec<&JobType> = Vec::new();
    match names {
        None => {
            // What needs a token is left out without one; if that is everything, the account's check says what is missing.
            chosen = all.iter().copied().filter(|job_type| channel.has_token_for(job_type, token)).collect();
            if chosen.is_empty() {
                chosen = all;
            }
        }
        Some(names) => {
            if names.is_empty() {
                members.flaw(
                    "job_types",
                    "is an empty list: leave it away to poll all job types of the channel that the token is enough for",
                );
            }
            for name in names {
                match all.iter().find(|job_type| name_of(job_type) == name) {
                    Some(job_type) if chosen.iter().any(|other| name_of(other) == name_of(job_type)) => {
                        members.flaw("job_types", format!("lists `{name}` twice"));
                    }
                    Some(job_type) => chosen.push(job_type),
                    None => members.flaw(
                        "job_types",
                        format!("channel `{}` has {}", channel.name(), unknown("job type", &name, &known)),
                    ),
                }
            }
        }
    }
    let undeclared = |spec: &&JobTypeSpec| {
        level.is_some_and(|level| !spec.levels.is_empty() && !spec.levels.contains_key(level))
    };
    if let (Some(level), Some(spec)) = (level, chosen.iter().map(|job_type| job_type.spec()).find(undeclared))
    {
        let known: Vec<&str> = spec.levels.keys().map(ServiceLevel::as_str).collect();
        let message =
            format!("channel `{}` has {}", channel.name(), unknown("service level", level.as_str(), &known));
        members.flaw("service_level", message);
    }
    chosen
}

fn name_of(job_type: &JobType) -> &str {
    job_type.spec().id.name()
}

/// Targets belong to the job types whose requests name one; another's jobs would all poll the same.
fn check_targets(chosen: &[&JobType], targets: &[Target], members: &mut Members) {
    let needing = chosen.iter().find(|job_type| job_type.takes_target());
    match (needing, targets.is_empty()) {
        (Some(job_type), true) => members.flaw(
            "targets",
            format!("is missing: job type `{}` polls several things, list them", name_of(job_type)),
        ),
        (None, false) if !chosen.is_empty() => {
            let names: Vec<String> =
                chosen.iter().map(|job_type| format!("`{}`", name_of(job_type))).collect();
            members.flaw(
                "targets",
                format!("is not used by the requests of {}: leave it away", names.join(", ")),
            );
        }
        (Some(_), false) | (None, _) => {}
    }
}

/// `no channel `x`: use one of ...: did you mean ...?`.
fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let hint = nearest::hint(name, known.iter().copied());
    let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    format!("no {what} `{name}`, there is {}{hint}", list.join(", "))
}

/// Whether the channel could poll the jobs.
fn check(
    jobs: &[NewJob],
    credentials: Option<&Credentials>,
    channel: &Channel,
    channels: &ChannelSet,
    members: &mut Members,
) {
    let token = if credentials::serve(credentials, channel) { Token::Present } else { Token::Absent };
    for job in jobs {
        let place = Place::Parked { shard: 0 };
        let (subject, level) = (job.subject.clone(), job.level.clone());
        let mut row = JobRow::new(job.job.clone(), place, subject, level, Revision(0), EpochMinute::new(0));
        row.context = job.context.clone();
        if let Err(problem) = channels.check_account(&row, token) {
            members.push(flaw(problem));
            // What is wrong with one target is wrong with the next.
            return;
        }
    }
}

fn flaw(problem: AccountProblem) -> Flaw {
    match problem {
        AccountProblem::UnknownChannel { .. } => Flaw::of("channel", problem.to_string()),
        AccountProblem::UnknownJobType { .. } => Flaw::of("job_types", problem.to_string()),
        AccountProblem::NoToken { .. } | AccountProblem::UnwantedToken { .. } => {
            Flaw::of("token", problem.to_string())
        }
        AccountProblem::NoUser { .. } => Flaw::of("credentials", problem.to_string()),
        AccountProblem::BaseUrl { reason } => Flaw::of("base_url", reason),
        AccountProblem::Url { field: Some(field), reason } => Flaw::of(field, reason),
        AccountProblem::Url { field: None, reason } => Flaw::of_line(reason),
        AccountProblem::Context { field, reason } => Flaw::of(field, reason),
        AccountProblem::Request { reason } => Flaw::of_line(reason),
    }
}
