//! What is wrong with an accounts file, and where. Nothing here repeats a value that may be a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use pollwheel_connector::members::Flaw;

/// Problems that are shown; the rest is counted.
const SHOWN: usize = 20;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    file: PathBuf,
    /// Counted from 1; none when the problem is with the file.
    line: Option<u32>,
    flaw: Flaw,
}

impl Problem {
    pub(crate) fn file(file: &Path, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, flaw: Flaw::of_line(message) }
    }

    pub(crate) fn line(file: &Path, line: u32, flaw: Flaw) -> Self {
        Self { file: file.to_owned(), line: Some(line), flaw }
    }
}

impl fmt::Display for Problem {
    /// `accounts.jsonl:3: `channel`: what is wrong: what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, flaw } = self;
        write!(f, "{}", file.display())?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = flaw.column {
            write!(f, ":{column}")?;
        }
        if let Some(field) = &flaw.field {
            write!(f, ": `{field}`")?;
        }
        write!(f, ": {}", flaw.message)
    }
}

/// Everything that is wrong, one line each, the first twenty of them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    first: Vec<Problem>,
    more: u64,
}

impl Problems {
    pub(crate) fn of(problem: Problem) -> Self {
        Self { first: vec![problem], more: 0 }
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        if self.first.len() < SHOWN {
            self.first.push(problem);
        } else {
            self.more += 1;
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.first.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}
