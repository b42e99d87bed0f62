//! Secrets where everybody can read them: in the file, and on the wire.

use std::collections::BTreeMap;

use crate::channel::Channel;
use crate::channel::auth::Auth;
use crate::channel::file::{ChannelFile, Text};
use crate::channel::problem::Problems;

/// How names of headers and parameters that carry secrets end, without their punctuation.
const SECRET_ENDINGS: [&str; 7] =
    ["apikey", "accesskey", "accesstoken", "authtoken", "secret", "password", "signature"];
/// Names that are too common as endings.
const SECRET_NAMES: [&str; 4] = ["key", "token", "auth", "appid"];
/// What is shorter is a word, and no secret.
const MIN_SECRET_CHARS: usize = 8;

pub(super) fn check(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    written(&file.headers, "headers", problems);
    for (name, job) in &file.job_types.value {
        let request = &job.value.request;
        written(&request.headers, &format!("job_types.{name}.request.headers"), problems);
        written(&request.query, &format!("job_types.{name}.request.query"), problems);
    }
    let sends_any = match channel.auth {
        Auth::None => false,
        Auth::By(_) => true,
    };
    if let (Some(url), Some(base)) = (&file.base_url, &channel.base_url)
        && sends_any
        && !base.origin().is_private_to_wire()
    {
        let message = "is plain http, and requests carry credentials that anybody on the way can read: write `https://`";
        problems.warn(url.place, "base_url", message);
    }
}

/// Files are committed; credentials are not.
fn written(values: &BTreeMap<String, Text>, field: &str, problems: &mut Problems) {
    for (name, value) in values {
        let text = value.value.trim();
        let is_word = text.chars().count() < MIN_SECRET_CHARS || text.contains(char::is_whitespace);
        if names_secret(name) && !is_word && !text.contains("{{") {
            let message = "looks like a secret, and this file is no place for one: send it by `auth`, or name it as `{{ application.NAME }}` in a header";
            problems.warn(value.place, format!("{field}.{name}"), message);
        }
    }
}

fn names_secret(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_NAMES.contains(&plain.as_str()) || SECRET_ENDINGS.iter().any(|ending| plain.ends_with(ending))
}
