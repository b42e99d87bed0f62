//! Commands, read from JSON with everything that is wrong with them told at once.

use pollwheel_connector::accounts::{self, Account};
use pollwheel_connector::members::{Flaw, Members, Object};
use pollwheel_connector::{ChannelSet, PrivateAddresses, applications};
use pollwheel_core::id::{AccountId, ChannelName, ServiceLevel};
use pollwheel_core::ports::{Application, PauseScope};
use pollwheel_core::row::ParkReason;
use serde_json::value::RawValue;

use crate::import::Progress;
use crate::parking::Parking;
use crate::ports::ObjectName;
use crate::selection::{self, Selection, unknown, unknown_channel, unknown_job_type};

/// The setting that allows private addresses.
pub(crate) const ALLOWED_BY: &str = "POLLWHEEL_PRIVATE_ADDRESSES=allowed";
/// Registrations of a page, unless the command says otherwise.
const PAGE: usize = 100;
/// Most registrations of a page.
const MAX_PAGE: usize = 1000;
/// Every command.
const NAMES: [&str; 12] = [
    "register",
    "change",
    "remove",
    "list",
    "show",
    "pause",
    "resume",
    "poll_now",
    "unpark",
    "import",
    "set_application",
    "remove_application",
];

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Register(Box<Account>),
    Change {
        account: AccountId,
        channel: ChannelName,
        level: ServiceLevel,
    },
    Remove(Selection),
    ListOf(AccountId),
    ListAll {
        from: Option<String>,
        limit: usize,
    },
    Show(Selection),
    Pause(PauseScope),
    Resume(PauseScope),
    PauseJobs(Selection),
    ResumeJobs(Selection),
    PollNow(Selection),
    Unpark(Selection, Option<ParkReason>),
    UnparkPage {
        parking: Parking,
        from: Option<String>,
        limit: usize,
    },
    Import {
        object: ObjectName,
        from: Progress,
    },
    /// No event of the bus stands for it: whoever may publish there must not replace what all accounts poll with.
    SetApplication(ChannelName, Box<Application>),
    RemoveApplication(ChannelName),
}

/// What commands are checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'a> {
    pub(crate) channels: &'a ChannelSet,
    pub(crate) private: PrivateAddresses,
}

impl Command {
    /// Reads a command that names itself.
    pub(crate) fn read(mut object: Object, declared: Declared<'_>) -> Result<Self, Vec<Flaw>> {
        let list = NAMES.map(|name| format!("`{name}`")).join(", ");
        let Some(raw) = object.take("command") else {
            return Err(vec![Flaw::of("command", format!("is missing: use one of {list}"))]);
        };
        let Ok(name) = serde_json::from_str::<String>(raw.get()) else {
            return Err(vec![Flaw::of("command", format!("must be a string: use one of {list}"))]);
        };
        match unknown("command", &name, &NAMES) {
            Some(message) => Err(vec![Flaw::of("command", message)]),
            None => Self::of(&name, object, declared),
        }
    }

    /// Reads the fields of a command.
    pub(crate) fn of(name: &str, object: Object, declared: Declared<'_>) -> Result<Self, Vec<Flaw>> {
        let selecting = |make: fn(Selection) -> Self, object| {
            let mut members = Members::of(object, &selection::FIELDS);
            let selection = Selection::read(&mut members);
            finish(members, selection.map(make))
        };
        match name {
            "register" => {
                let account = accounts::read(object, declared.channels)?;
                accounts::check_address(&account, declared.private, ALLOWED_BY)?;
                Ok(Self::Register(Box::new(account)))
            }
            "change" => change(object, declared.channels),
            "remove" => selecting(Self::Remove, object),
            "show" => selecting(Self::Show, object),
            "poll_now" => selecting(Self::PollNow, object),
            "unpark" => unpark(object, declared.channels),
            "list" => list(object),
            "pause" if object.has("account_id") => paused(object, Self::PauseJobs),
            "resume" if object.has("account_id") => paused(object, Self::ResumeJobs),
            "pause" => scope(object, declared.channels).map(Self::Pause),
            "resume" => scope(object, declared.channels).map(Self::Resume),
            "import" => import(object),
            "set_application" => applications::read(object, declared.channels)
                .map(|(channel, application)| Self::SetApplication(channel, Box::new(application))),
            "remove_application" => {
                let mut members = Members::of(object, &["channel"]);
                // Also of a channel that is not declared any more.
                let channel = selection::channel(&mut members);
                if channel.is_none() {
                    members.flaw("channel", "is missing");
                }
                finish(members, channel.map(Self::RemoveApplication))
            }
            _ => Err(vec![Flaw::of("command", "is not known")]),
        }
    }

    /// Its name, for logs.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Change { .. } => "change",
            Self::Remove(_) => "remove",
            Self::ListOf(_) | Self::ListAll { .. } => "list",
            Self::Show(_) => "show",
            Self::Pause(_) | Self::PauseJobs(_) => "pause",
            Self::Resume(_) | Self::ResumeJobs(_) => "resume",
            Self::PollNow(_) => "poll_now",
            Self::Unpark(..) | Self::UnparkPage { .. } => "unpark",
            Self::Import { .. } => "import",
            Self::SetApplication(..) => "set_application",
            Self::RemoveApplication(_) => "remove_application",
        }
    }
}

/// The command, when every field of it was there. A field that was not is a flaw already.
fn finish<T>(members: Members, command: Option<T>) -> Result<T, Vec<Flaw>> {
    match command {
        Some(command) => members.finish(command),
        None => Err(members.into_flaws()),
    }
}

fn change(object: Object, channels: &ChannelSet) -> Result<Command, Vec<Flaw>> {
    let mut members = Members::of(object, &["account_id", "channel", "service_level"]);
    let account = selection::account(&mut members);
    let channel = members.required("channel", |text| {
        let channel = ChannelName::new(text).map_err(|error| error.to_string())?;
        unknown_channel(&channel, channels).map_or(Ok(channel), Err)
    });
    let level =
        members.required("service_level", |text| ServiceLevel::new(text).map_err(|error| error.to_string()));
    let command = match (account, channel, level) {
        (Some(account), Some(channel), Some(level)) => Some(Command::Change { account, channel, level }),
        _ => None,
    };
    finish(members, command)
}

fn list(object: Object) -> Result<Command, Vec<Flaw>> {
    let mut members = Members::of(object, &["account_id", "limit", "next"]);
    let account =
        members.optional("account_id", |text| AccountId::new(text).map_err(|error| error.to_string()));
    let limit = members.raw("limit", page_size);
    let from = members.optional("next", Ok);
    let command = match account {
        Some(account) if limit.is_none() && from.is_none() => Command::ListOf(account),
        Some(_) => {
            members.flaw("account_id", "lists all of an account: leave `limit` and `next` away");
            return Err(members.into_flaws());
        }
        None => Command::ListAll { from, limit: limit.unwrap_or(PAGE) },
    };
    members.finish(command)
}

fn page_size(raw: &RawValue) -> Result<usize, String> {
    let number = raw.get().parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    number.ok_or_else(|| format!("must be a number from 1 to {MAX_PAGE}"))
}

/// An account's jobs, all of them unless more is said.
fn paused(object: Object, make: fn(Selection) -> Command) -> Result<Command, Vec<Flaw>> {
    let mut members = Members::of(object, &selection::FIELDS);
    let selection = Selection::read_any(&mut members);
    finish(members, selection.map(make))
}

/// An account's jobs, or those of everybody that a channel, a job type or a reason chooses.
fn unpark(object: Object, channels: &ChannelSet) -> Result<Command, Vec<Flaw>> {
    if object.has("account_id") {
        let mut members = Members::of(object, &["account_id", "channel", "job_type", "target", "reason"]);
        let selection = Selection::read_any(&mut members);
        let reason = reason(&mut members);
        return finish(members, selection.map(|selection| Command::Unpark(selection, reason)));
    }
    let mut members = Members::of(object, &["channel", "job_type", "reason", "limit", "next"]);
    let channel = selection::channel(&mut members);
    let job_type = selection::job_type(&mut members);
    if let Some(message) = channel.as_ref().and_then(|channel| unknown_channel(channel, channels)) {
        members.flaw("channel", message);
    }
    if let Some(message) = job_type.as_ref().and_then(|job_type| unknown_job_type(job_type, channels)) {
        members.flaw("job_type", message);
    }
    let parking = Parking { channel, job_type, reason: reason(&mut members) };
    if parking == Parking::default() {
        members.flaw("account_id", "is missing: name one, or a `channel`, a `job_type` or a `reason`");
    }
    let limit = members.raw("limit", page_size).unwrap_or(PAGE);
    let from = members.optional("next", Ok);
    members.finish(Command::UnparkPage { parking, from, limit })
}

fn reason(members: &mut Members) -> Option<ParkReason> {
    members.optional("reason", |text| {
        let known = ParkReason::ALL.into_iter().find(|reason| reason.as_str() == text);
        known.ok_or_else(|| {
            let list = ParkReason::ALL.map(|reason| format!("`{}`", reason.as_str())).join(", ");
            format!("is none of {list}")
        })
    })
}

fn scope(object: Object, channels: &ChannelSet) -> Result<PauseScope, Vec<Flaw>> {
    let mut members = Members::of(object, &["channel", "job_type"]);
    let channel = selection::channel(&mut members);
    let job_type = selection::job_type(&mut members);
    let scope = match (channel, job_type) {
        (Some(channel), None) => {
            if let Some(message) = unknown_channel(&channel, channels) {
                members.flaw("channel", message);
            }
            PauseScope::Channel(channel)
        }
        (None, Some(job_type)) => {
            if let Some(message) = unknown_job_type(&job_type, channels) {
                members.flaw("job_type", message);
            }
            PauseScope::JobType(job_type)
        }
        (Some(_), Some(_)) => {
            members.flaw("channel", "is part of `job_type` already: leave one of the two away");
            return Err(members.into_flaws());
        }
        (None, None) => {
            members.flaw("channel", "is missing: name one, or a `job_type`");
            return Err(members.into_flaws());
        }
    };
    members.finish(scope)
}

fn import(object: Object) -> Result<Command, Vec<Flaw>> {
    let mut members = Members::of(object, &["bucket", "key", "from"]);
    let text = |text: String| if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text) };
    let bucket = members.required("bucket", text);
    let key = members.required("key", text);
    let from = members.raw("from", |raw| {
        let read = serde_json::from_str::<Progress>(raw.get());
        read.map_err(|_| "is not the `next` of an earlier answer: leave it away to start over".to_owned())
    });
    let command = match (bucket, key) {
        (Some(bucket), Some(key)) => {
            Some(Command::Import { object: ObjectName { bucket, key }, from: from.unwrap_or_default() })
        }
        _ => None,
    };
    finish(members, command)
}
