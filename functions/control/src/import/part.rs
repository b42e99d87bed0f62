//! The whole lines of a part of an object.

use pollwheel_connector::accounts;
use pollwheel_connector::members::Flaw;
use pollwheel_core::ports::PortError;

use super::Progress;
use crate::answer::Refusal;
use crate::ports::{ObjectName, Objects, Part};

/// Bytes of a part: some thousands of accounts, and sixteen times the longest line.
const PART_BYTES: u64 = 1024 * 1024;

/// Lines, from where a reading stands.
#[derive(Debug)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// What changes when the object does.
    pub(super) version: String,
    /// Bytes of the whole object.
    pub(super) total: u64,
    /// Whether the object ends here.
    pub(super) is_last: bool,
}

impl Lines {
    /// Reads the next part. A line that is longer than a part is refused.
    pub(super) async fn read<O: Objects>(
        objects: &O,
        object: &ObjectName,
        at: &Progress,
    ) -> Result<Result<Self, Refusal>, PortError> {
        let part = objects.read(object, at.byte, PART_BYTES, at.version.as_deref()).await?;
        let Part { mut bytes, total, version } = part;
        let is_last = bytes.is_empty() || at.byte.saturating_add(bytes.len() as u64) >= total;
        if !is_last {
            match bytes.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => bytes.truncate(end + 1),
                None => {
                    let message = format!(
                        "the line is longer than {} bytes: write one account a line, and a shorter context",
                        accounts::MAX_LINE_BYTES
                    );
                    return Ok(Err(Refusal::at(at.line.saturating_add(1), Flaw::of_line(message))));
                }
            }
        }
        Ok(Ok(Self { text: bytes, version, total, is_last }))
    }

    /// How many bytes they are.
    pub(super) fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// How many lines they are, empty ones included.
    pub(super) fn count(&self) -> u32 {
        let newlines = self.text.iter().filter(|&&byte| byte == b'\n').count();
        let unfinished = self.text.last().is_some_and(|&byte| byte != b'\n');
        u32::try_from(newlines + usize::from(unfinished)).unwrap_or(u32::MAX)
    }

    /// The lines that hold something, with their numbers in the file.
    pub(super) fn iter(&self, after: u32) -> impl Iterator<Item = (u32, accounts::Line)> {
        accounts::Lines::after(self.text.as_slice(), after)
    }
}
