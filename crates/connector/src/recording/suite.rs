//! The folder of one channel: which polls are recorded, and what is expected of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::case::problem;
use crate::channel::Problem;

/// Fewer recordings than these leave a channel's usual answers untested: a first poll, new items, a refusal.
pub const FEW: usize = 3;

/// Where a channel's recorded polls are.
#[derive(Debug, Default)]
pub struct Suite {
    /// Recorded polls, by name. Their expected files may be missing.
    pub cases: Vec<CaseFiles>,
    /// Expected files without a recording, and folders that cannot be read.
    pub problems: Vec<Problem>,
}

/// The two files of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFiles {
    /// Its name: that of the files, without `.json`.
    pub name: String,
    /// The recorded poll.
    pub recorded: PathBuf,
    /// What it should come to.
    pub expected: PathBuf,
}

impl CaseFiles {
    /// The files of a case in a channel's folder, whether they are there or not.
    #[must_use]
    pub fn of(folder: &Path, name: &str) -> Self {
        let file = |part: &str| folder.join(part).join(format!("{name}.json"));
        Self { name: name.to_owned(), recorded: file("recorded"), expected: file("expected") }
    }
}

impl Suite {
    /// What a channel's folder holds.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut suite = Self::default();
        let recorded = suite.names(&folder.join("recorded"));
        let expected = suite.names(&folder.join("expected"));
        for name in expected.difference(&recorded) {
            let files = CaseFiles::of(folder, name);
            let message = format!(
                "has no recording: add `{}`, or delete it",
                files.recorded.strip_prefix(folder).unwrap_or(&files.recorded).display()
            );
            suite.problems.push(problem(&files.expected, (0, 0), String::new(), message));
        }
        suite.cases = recorded.iter().map(|name| CaseFiles::of(folder, name)).collect();
        suite
    }

    fn names(&mut self, folder: &Path) -> BTreeSet<String> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return BTreeSet::new(),
            Err(error) => {
                self.problems.push(problem(
                    folder,
                    (0, 0),
                    String::new(),
                    format!("cannot be read: {error}"),
                ));
                return BTreeSet::new();
            }
        };
        let mut names = BTreeSet::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_stem().and_then(|stem| stem.to_str());
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            match name.filter(|_| is_json) {
                Some(name) => _ = names.insert(name.to_owned()),
                None => {
                    let message = "is not a case: its name ends in `.json`".to_owned();
                    self.problems.push(problem(&path, (0, 0), String::new(), message));
                }
            }
        }
        names
    }
}

/// The folder of one channel: `folder` itself when it has the channel's file, else the one of the channel's name in it.
#[must_use]
pub fn folder_of(folder: &Path, channel: &str) -> PathBuf {
    if folder.join("channel.yml").is_file() { folder.to_owned() } else { folder.join(channel) }
}
