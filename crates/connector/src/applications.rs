//! A deployment's own credentials of a channel, as an operator writes them down: one line of an applications file, and the
//! body of a command.

use pollwheel_core::id::ChannelName;
use pollwheel_core::ports::{Application, PoolToken};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::accounts;
use crate::channel::ChannelSet;
use crate::members::{Flaw, Members, Object};
use crate::nearest;

/// Every field.
const FIELDS: [&str; 3] = ["channel", "credentials", "tokens"];
/// Most tokens of a pool.
const MAX_TOKENS: usize = 1000;
/// Longest name of a token, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Reads a line.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str, channels: &ChannelSet) -> Result<(ChannelName, Application), Vec<Flaw>> {
    read(Object::parse(text)?, channels)
}

/// Reads a JSON object that was taken apart already.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(object: Object, channels: &ChannelSet) -> Result<(ChannelName, Application), Vec<Flaw>> {
    let mut members = Members::of(object, &FIELDS);
    let channel = members.required("channel", |name| match channels.get(&name) {
        Some(channel) => Ok(channel.name().clone()),
        None => {
            let known: Vec<&str> = channels.iter().map(|channel| channel.name().as_str()).collect();
            let hint = nearest::hint(&name, known.iter().copied());
            Err(format!("is no channel, there is {}{hint}", known.join(", ")))
        }
    });
    let credentials = members.raw("credentials", accounts::read_credentials);
    let tokens = members.raw("tokens", pool);
    if credentials.is_none() && tokens.is_none() {
        members.flaw("credentials", "is missing, and so is `tokens`: give one of them");
    }
    let application =
        Application { credentials: credentials.unwrap_or_default(), tokens: tokens.unwrap_or_default() };
    match channel {
        Some(channel) => members.finish((channel, application)),
        None => Err(members.into_flaws()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    token: String,
}

fn pool(raw: &RawValue) -> Result<Vec<PoolToken>, String> {
    let lines: Vec<Line> = serde_json::from_str(raw.get())
        .map_err(|_| "is not a list of `{\"name\": ..., \"token\": ...}`".to_owned())?;
    if lines.is_empty() || lines.len() > MAX_TOKENS {
        return Err(format!("has {} tokens: list 1 to {MAX_TOKENS}", lines.len()));
    }
    let mut tokens = Vec::<PoolToken>::with_capacity(lines.len());
    for (index, Line { name, token }) in lines.into_iter().enumerate() {
        let fits = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if !fits {
            return Err(format!("[{index}] has a name that is not of letters, digits, `.`, `_` and `-`"));
        }
        if tokens.iter().any(|known| *known.name == *name) {
            return Err(format!("has the name `{name}` twice: limits go by it"));
        }
        let token = accounts::read_token(token).map_err(|message| format!("[{index}] {message}"))?;
        tokens.push(PoolToken { name: name.into(), token });
    }
    Ok(tokens)
}
