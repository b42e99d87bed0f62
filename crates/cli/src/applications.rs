//! The applications file: the deployment's own credentials of channels, one JSON object a line.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pollwheel_connector::accounts::{Line, Lines};
use pollwheel_connector::members::Flaw;
use pollwheel_connector::{ChannelSet, applications};
use pollwheel_core::id::ChannelName;
use pollwheel_core::ports::Application;

use crate::accounts::{Problem, Problems};

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub(crate) fn read(
    path: &Path,
    channels: &ChannelSet,
) -> Result<HashMap<ChannelName, Application>, Problems> {
    let unreadable =
        |error: std::io::Error| Problems::of(Problem::file(path, format!("cannot be read: {error}")));
    let file = File::open(path).map_err(unreadable)?;
    let mut problems = Problems::default();
    let mut found = HashMap::new();
    for (number, line) in Lines::new(BufReader::new(file)) {
        let read = match line {
            Line::Text(text) => applications::parse(&text, channels),
            Line::Bad(message) => Err(vec![Flaw::of_line(message)]),
            Line::Unreadable(error) => return Err(unreadable(error)),
        };
        let kept = read.and_then(|(channel, application)| {
            if found.contains_key(&channel) {
                return Err(vec![Flaw::of("channel", format!("`{channel}` stands in the file already"))]);
            }
            found.insert(channel, application);
            Ok(())
        });
        let flaws = kept.err().into_iter().flatten();
        flaws.for_each(|flaw| problems.add(Problem::line(path, number, flaw)));
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels() -> ChannelSet {
        let folder = tempfile::tempdir().unwrap();
        let yaml = "channel: toy\nabout: A toy.\nbase_url: https://toy.example\nauth: {from: application}\n\
                    service_levels: {free: {fastest: 1, slowest: 60}}\njob_types:\n  posts:\n    request: {path: /posts}\n    \
                    items: {list: ., id: .id, type: toy.post, data: .}\n    cursor: {greatest_id: numeric}\n";
        let own = folder.path().join("toy");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("channel.yml"), yaml).unwrap();
        ChannelSet::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn read_text(text: &str) -> Result<HashMap<ChannelName, Application>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.jsonl");
        std::fs::write(&file, text).unwrap();
        read(&file, &channels()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn credentials_and_pools_are_read() {
        let text = r#"{"channel": "toy", "credentials": {"client_id": "i"}, "tokens": [{"name": "one", "token": "t"}]}"#;
        let read = read_text(text).unwrap();
        let application = &read[&ChannelName::new("toy").unwrap()];
        assert_eq!(application.credentials.get("client_id").unwrap().expose(), "i");
        assert_eq!(application.tokens.len(), 1);
    }

    #[test]
    fn r28_every_problem_is_told_with_line_and_field_and_without_a_secret() {
        let text = r#"{"channel": "toy", "tokens": [{"name": "one", "token": "s3cret"}, {"name": "one", "token": "s3cret"}]}
{"channel": "tov", "credentials": {"token": "s3cret"}}
{"channel": "toy"}
{"channel": "toy", "credentials": {"token": ["s3cret"]}, "tokens": []}
s3cret"#;
        let error = read_text(text).unwrap_err();
        for says in [
            "jsonl:1: `tokens`: has the name `one` twice",
            "jsonl:2: `channel`: is no channel, there is toy",
            "jsonl:3: `credentials`: is missing",
            "jsonl:4: `credentials`: has `token`, which is not a text",
            "jsonl:4: `tokens`: has 0 tokens",
            "jsonl:5:",
        ] {
            assert!(error.contains(says), "{says} in {error}");
        }
        assert!(!error.contains("s3cret"), "{error}");
        let twice = "{\"channel\": \"toy\", \"credentials\": {}}\n".repeat(2);
        assert!(
            read_text(&twice).unwrap_err().contains("jsonl:2: `channel`: `toy` stands in the file already")
        );
    }
}
