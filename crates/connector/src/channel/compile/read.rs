//! Reading a channel file: from its bytes to its fields.

use std::path::Path;

use serde_saphyr::Location;

use crate::channel::file::ChannelFile;
use crate::channel::problem::{Problems, plain};
use crate::channel::shape;

/// Largest channel file, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;

pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<String> {
    let size = std::fs::metadata(path).map(|metadata| metadata.len());
    if size.as_ref().is_ok_and(|&bytes| bytes > MAX_FILE_BYTES) {
        problems.whole(format!("is larger than {MAX_FILE_BYTES} bytes"));
        return None;
    }
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|error| problems.whole(format!("cannot be read: {error}"))).ok()?;
    if text.lines().map(str::trim_start).all(|line| line.is_empty() || line.starts_with('#')) {
        problems.whole("is empty: a channel needs `channel`, `about`, `service_levels` and `job_types`");
        return None;
    }
    Some(text)
}

pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<ChannelFile> {
    let mut track = serde_path_to_error::Track::new();
    let parsed = serde_saphyr::with_deserializer_from_str(text, |yaml| {
        serde::Deserialize::deserialize(serde_path_to_error::Deserializer::new(yaml, &mut track))
    });
    let error = match parsed {
        Ok(file) => return Some(file),
        Err(error) => error,
    };
    let is_twice = matches!(error.without_snippet(), serde_saphyr::Error::DuplicateMappingKey { .. });
    match shape::check(text, problems) {
        Ok(()) if problems.is_empty() => {}
        Ok(()) => return None,
        Err(_) if is_twice => {}
        Err(error) => {
            problems.at(error.location().unwrap_or(Location::UNKNOWN), "", message(&error));
            return None;
        }
    }
    // A located value reads as a map with the member `value`, which is no field of the file.
    let path = track.path().to_string();
    let mut field: Vec<_> = path.split('.').filter(|part| !matches!(*part, "value" | "?" | "")).collect();
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error.without_snippet() {
        // It is found before the key's value is entered.
        field.push(key);
    }
    problems.at(error.location().unwrap_or(Location::UNKNOWN), field.join("."), message(&error));
    None
}

/// The error's text without its place, which a `Problem` has of its own.
fn message(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let Some(plain) = plain(error) {
        return plain;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let end = first.find(" at line ").unwrap_or(first.len());
    in_plain_words(&first[..end])
}

/// What the YAML reader says of the likeliest slips, and what to do about them.
fn in_plain_words(text: &str) -> String {
    if text.contains("mapping values are not allowed") {
        return "a `:` stands where no field can be: put a text with `: ` in it in quotes, or mend the indentation"
            .to_owned();
    }
    if text.contains("while parsing a flow") {
        return "a `[` or `{` before this is not closed".to_owned();
    }
    if text.contains("tab") {
        return "a tab stands in the indentation: YAML is indented by spaces alone".to_owned();
    }
    text.to_owned()
}
