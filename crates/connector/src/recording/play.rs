//! Runs a recorded poll through the code that polls with.

use std::time::{Duration, SystemTime};

use ::http::HeaderValue;
use bytes::Bytes;
use pollwheel_core::event::Item;
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::ports::{Polled, Request};

use super::case::{Case, Exchange};
use super::job::Job;
use super::tree::Tree;
use crate::channel::{Channel, ChannelSet};
use crate::exchange::FetchError;
use crate::replay::{Asked, Replayed, replay_renewing};

/// Time enough for every page.
pub(super) const BUDGET: Duration = Duration::from_secs(30);

/// What a recorded poll came to.
#[derive(Debug)]
pub struct Played {
    /// Outcome, hints and items, as files of expected events hold them.
    pub comes_to: Tree,
    /// How the requests differed from the recorded ones.
    pub deviations: Vec<Deviation>,
    /// The poll itself.
    pub polled: Polled,
}

/// A request that is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Which exchange, counted from 1.
    pub exchange: usize,
    /// `request`, `method`, `header accept` or `body`.
    pub what: String,
    /// What was recorded; none when the recording has no such exchange.
    pub recorded: Option<String>,
    /// What was asked; none when nothing was.
    pub asked: Option<String>,
}

/// Why a recorded poll cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {message}")]
pub struct Unplayable {
    /// The case's field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// Makes the poll that was recorded, with the recorded answers.
///
/// # Errors
/// When the case has no job type of the channel, or ids that are none.
pub fn play(channels: &ChannelSet, channel: &Channel, case: &Case) -> Result<Played, Unplayable> {
    let Job { row, credentials, application } = Job::of(channel, case)?;
    let request = Request {
        row: &row,
        credentials: credentials.as_ref(),
        application: application.as_ref(),
        token: application.as_ref().and_then(|application| application.tokens.first()),
        budget: BUDGET,
        permits: None,
    };
    let mut deviations = Vec::new();
    let mut asked_so_far = 0;
    let replayed = replay_renewing(channels, request, now(case), |asked| {
        let index = asked_so_far;
        asked_so_far += 1;
        let Some(exchange) = case.exchanges.get(index) else {
            deviations.push(beyond(index, asked));
            return Err(FetchError::Network("the recording has no answer".to_owned()));
        };
        compare(index, exchange, asked, &mut deviations);
        exchange.response.http().map_err(|_| FetchError::Bad("the recorded answer cannot be sent".to_owned()))
    });
    for (index, exchange) in case.exchanges.iter().enumerate().skip(asked_so_far) {
        deviations.push(Deviation {
            exchange: index + 1,
            what: "request".to_owned(),
            recorded: Some(format!("{} {}", exchange.method, exchange.request)),
            asked: None,
        });
    }
    let Replayed { polled, renewed } = replayed;
    Ok(Played { comes_to: comes_to(&polled, renewed.as_deref()), deviations, polled })
}

/// The clock of a case; reading it has checked it.
fn now(case: &Case) -> SystemTime {
    case.now.parse::<jiff::Timestamp>().map_or(SystemTime::UNIX_EPOCH, SystemTime::from)
}

/// The key of the request whose validators a context keeps (`poll.validators.of`): whoever changes the URL of a recorded
/// request changes it too. None when the text is no URL.
#[must_use]
pub fn request_key(url: &str) -> Option<String> {
    url.parse().ok().map(|uri| crate::state::RequestKey::of(&uri).text())
}

fn beyond(index: usize, asked: &Asked) -> Deviation {
    Deviation {
        exchange: index + 1,
        what: "request".to_owned(),
        recorded: None,
        asked: Some(format!("{} {}", asked.method(), path_of(asked))),
    }
}

fn compare(index: usize, exchange: &Exchange, asked: &Asked, deviations: &mut Vec<Deviation>) {
    let mut deviate = |what: String, recorded: Option<String>, asked: Option<String>| {
        if recorded != asked {
            deviations.push(Deviation { exchange: index + 1, what, recorded, asked });
        }
    };
    deviate("method".to_owned(), Some(exchange.method.clone()), Some(asked.method().to_string()));
    let is_whole = !exchange.request.starts_with('/');
    let url = if is_whole { asked.uri().to_string() } else { path_of(asked) };
    deviate("request".to_owned(), Some(exchange.request.clone()), Some(url));
    for (name, value) in &exchange.sent {
        let sent = asked.headers().get(name.as_str()).map(HeaderValue::as_bytes);
        let sent = sent.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        deviate(format!("header {}", name.to_ascii_lowercase()), Some(value.clone()), sent);
    }
    if let Some(recorded) = &exchange.sent_body {
        let (recorded, asked) = bodies(recorded, asked.body());
        deviate("body".to_owned(), Some(recorded), asked);
    }
}

fn path_of(asked: &Asked) -> String {
    asked.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// A recorded and a sent body, so that they are equal when they mean the same: JSON without regard to the order of
/// members, anything else as it is.
fn bodies(recorded: &Tree, sent: &Bytes) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(sent).into_owned();
    match recorded {
        Tree::Text(recorded) => (recorded.clone(), Some(text)),
        Tree::Atom(_) | Tree::List(_) | Tree::Map(_) => {
            let sent = Tree::parse(&text).map_or(text, |tree| tree.sorted().compact());
            (recorded.clone().sorted().compact(), Some(sent))
        }
    }
}

/// What a poll came to, as files of expected events hold it.
fn comes_to(polled: &Polled, renewed: Option<&[Box<str>]>) -> Tree {
    let Polled { outcome, hints, items, requests: _ } = polled;
    let shown = Shown { hints, items: items.iter().map(ShownItem::of).collect(), outcome, renewed };
    // Everything in it serializes.
    Tree::of(&shown).unwrap_or_else(|_| Tree::null()).sorted()
}

#[derive(serde::Serialize)]
struct Shown<'p> {
    hints: &'p Hints,
    items: Vec<ShownItem<'p>>,
    outcome: &'p Outcome,
    /// The names of the secrets that an exchange of tokens on the way replaced; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    renewed: Option<&'p [Box<str>]>,
}

#[derive(serde::Serialize)]
struct ShownItem<'p> {
    data: &'p serde_json::value::RawValue,
    dedupe_version: u32,
    id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'p str>,
    time: Option<&'p str>,
    r#type: &'p str,
}

impl<'p> ShownItem<'p> {
    fn of(item: &'p Item) -> Self {
        let Item { id, kind, time, subject, data, dedupe_version } = item;
        Self {
            data,
            dedupe_version: *dedupe_version,
            id,
            subject: subject.as_deref(),
            time: time.as_deref(),
            r#type: kind,
        }
    }
}
