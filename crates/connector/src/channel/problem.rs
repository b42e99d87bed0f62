//! What is wrong with channel files: every problem with its file, line and field.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_saphyr::{Error, Location};

use super::file::At;

/// One thing that is wrong with a channel file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}{}{}: {message}", file.display(), place(*line, *column), within(field))]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1; 0 when the problem has none.
    pub line: u64,
    /// The column in that line, counted from 1; 0 when the problem has none.
    pub column: u64,
    /// The path of the field: `job_types.statuses.items.id`. Empty when the problem is with the whole file.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What is right in a channel file and probably not meant. Shows like a [`Problem`], after the word `warning`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Warning(pub Problem);

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Problem { file, line, column, field, message } = &self.0;
        write!(f, "{}{}: warning{}: {message}", file.display(), place(*line, *column), within(field))
    }
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

fn within(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(": `{field}`") }
}

/// Everything that is wrong with a folder of channels. Shows as one line a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelErrors(pub Vec<Problem>);

impl std::fmt::Display for ChannelErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ChannelErrors {}

/// The problems of one file, as they are found.
#[derive(Debug)]
pub(super) struct Problems {
    file: PathBuf,
    found: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Problems {
    pub(super) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), found: Vec::new(), warnings: Vec::new() }
    }

    /// A problem with a value of the file.
    pub(super) fn with<T>(&mut self, value: &At<T>, field: impl Into<String>, message: impl ToString) {
        self.at(value.place, field, message);
    }

    /// A problem at a place in the file.
    pub(super) fn at(&mut self, place: Location, field: impl Into<String>, message: impl ToString) {
        self.found.push(self.problem(place, field, message));
    }

    /// A warning at a place in the file.
    pub(super) fn warn(&mut self, place: Location, field: impl Into<String>, message: impl ToString) {
        self.warnings.push(Warning(self.problem(place, field, message)));
    }

    fn problem(&self, place: Location, field: impl Into<String>, message: impl ToString) -> Problem {
        let (file, message) = (self.file.clone(), message.to_string());
        Problem { file, line: place.line(), column: place.column(), field: field.into(), message }
    }

    /// A problem with the whole file.
    pub(super) fn whole(&mut self, message: impl ToString) {
        self.at(Location::UNKNOWN, "", message);
    }

    /// The value, or its error as a problem.
    pub(super) fn take<T, S, E: ToString>(
        &mut self,
        value: &At<S>,
        field: impl Into<String>,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.with(value, field, error)).ok()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The warnings, in the order of their lines.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        self.warnings.sort_by_key(|Warning(problem)| (problem.line, problem.column));
        std::mem::take(&mut self.warnings)
    }

    /// The problems, in the order of their lines.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }
}

/// What the YAML reader says in terms of its own programming interface, in terms of the file.
pub(super) fn plain(error: &Error) -> Option<String> {
    if let Error::DuplicateMappingKey { key, .. } = error {
        let key = key.as_ref().map_or_else(|| "a key".to_owned(), |key| format!("the key `{key}`"));
        return Some(format!("{key} stands twice: remove one"));
    }
    if let Error::MultipleDocuments { .. } = error {
        return Some("the file holds several YAML documents: keep one".to_owned());
    }
    let Error::InvalidScalar { ty, .. } = error else { return None };
    let largest = match &**ty {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" => u64::MAX,
        _ => return None,
    };
    Some(format!("is not a whole number from 0 to {largest}"))
}
