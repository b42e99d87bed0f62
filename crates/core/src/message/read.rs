//! Poll messages and finished polls, read as they are written.
//!
//! Every poll is read twice on its way, and serde_json takes three times as long: it looks up every name, in any order. What
//! stands as [`write`](super::write) writes it, member by member, is read here; whatever else there is, up to a whole row,
//! is left to serde. Nothing is accepted that serde would refuse, and nothing is read as something else: a test holds that
//! for texts with any kind of damage.

use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::{Completed, CompletedMessage, PollMessage};
use crate::cadence::Cadence;
use crate::context::Context;
use crate::id::{AccountId, JobId, JobTypeId, ServiceLevel, Target};
use crate::outcome::{Hints, Outcome};
use crate::row::{JobRow, Place, Revision, Subject};
use crate::time::{EpochMinute, Timestamp};
use crate::wheel::Cohort;

/// A poll message; none when it does not stand as we write it.
pub(super) fn poll_message(text: &str) -> Option<PollMessage> {
    let mut rest = Rest(text);
    rest.skip(r#"{"v":1,"m":{"due":"#)?;
    let due = EpochMinute::new(rest.number()?);
    let missed = if rest.has(r#","missed":"#) { rest.number()? } else { 0 };
    rest.skip(r#","spread":"#)?;
    let spread = rest.number()?;
    rest.skip(r#","hop":"#)?;
    let hop = rest.number()?;
    let price = rest.optional(r#","price":"#)?.unwrap_or_default();
    rest.skip(r#","row":"#)?;
    let row = rest.row()?;
    rest.ends_with("}}").then_some(PollMessage { due, missed, spread, hop, price, row })
}

/// The finished polls of a batch; none when the message does not stand as we write it.
pub(super) fn completed(text: &str) -> Option<CompletedMessage> {
    let mut rest = Rest(text);
    rest.skip(r#"{"v":1,"m":{"hop":"#)?;
    let hop = rest.number()?;
    rest.skip(r#","polls":["#)?;
    let mut polls = Vec::new();
    loop {
        polls.push(rest.finished()?);
        if !rest.has(",") {
            break;
        }
    }
    rest.ends_with("]}}").then_some(CompletedMessage { hop, polls })
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn has(&mut self, literal: &str) -> bool {
        self.skip(literal).is_some()
    }

    fn skip(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn ends_with(&self, literal: &str) -> bool {
        self.0 == literal
    }

    /// A number without a sign, as JSON has it.
    fn number<N: FromStr>(&mut self) -> Option<N> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(length)?;
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        let number = digits.parse().ok()?;
        self.0 = rest;
        Some(number)
    }

    /// A string after its opening quote, without anything escaped.
    fn string(&mut self) -> Option<&'a str> {
        let length = self.0.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.strip_prefix('"')?;
        Some(string)
    }

    /// Any value, by serde.
    fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = self.0.get(values.byte_offset()..)?;
        Some(value)
    }

    /// What stands after `literal`, if that does; none inside without it, none when it is no such value.
    fn optional<T: DeserializeOwned>(&mut self, literal: &str) -> Option<Option<T>> {
        if self.has(literal) { self.value().map(Some) } else { Some(None) }
    }

    fn finished(&mut self) -> Option<Completed> {
        self.skip(r#"{"due":"#)?;
        let due = EpochMinute::new(self.number()?);
        self.skip(r#","at":"#)?;
        let at = Timestamp::from_millis(self.number()?);
        let price = self.optional(r#","price":"#)?.unwrap_or_default();
        self.skip(r#","row":"#)?;
        let row = self.row()?;
        self.skip(r#","outcome":"#)?;
        let outcome = match self.has(r#"{"unchanged":{}}"#) {
            true => Outcome::Unchanged { context: None },
            false => self.value()?,
        };
        let hints: Hints = self.optional(r#","hints":"#)?.unwrap_or_default();
        self.skip("}")?;
        Some(Completed { due, at, price, row, outcome, hints })
    }

    fn row(&mut self) -> Option<JobRow> {
        let whole = self.0;
        if let Some(row) = self.ordinary_row() {
            return Some(row);
        }
        self.0 = whole;
        self.value()
    }

    /// A row without a hold, failures or an error, which was never polled or has settled.
    fn ordinary_row(&mut self) -> Option<JobRow> {
        self.skip(r#"{"job":{"job_type":""#)?;
        let job_type = JobTypeId::new(self.string()?).ok()?;
        self.skip(r#","account":""#)?;
        let account = AccountId::new(self.string()?).ok()?;
        let target = if self.has(r#","target":""#) { Some(Target::new(self.string()?).ok()?) } else { None };
        self.skip(r#"},"place":{"cohort":{"cadence":"#)?;
        let cadence = Cadence::new(self.number()?).ok()?;
        self.skip(r#","phase":"#)?;
        let phase = self.number()?;
        self.skip(r#","shard":"#)?;
        let shard = self.number()?;
        self.skip(r#"}},"rev":"#)?;
        let rev = Revision(self.number()?);
        self.skip(r#","context_rev":"#)?;
        let context_rev = Revision(self.number()?);
        self.skip(r#","subject":{"external_id":""#)?;
        let external_id = self.string()?.to_owned();
        let base_url = if self.has(r#","base_url":""#) { Some(self.string()?.to_owned()) } else { None };
        self.skip(r#"},"level":""#)?;
        let level = ServiceLevel::new(self.string()?).ok()?;
        let range = self.optional(r#","range":"#)?;
        let context = self.optional(r#","context":"#)?.unwrap_or_else(Context::empty);
        self.skip(r#","last_active":"#)?;
        let last_active = EpochMinute::new(self.number()?);
        let activity = self.optional(r#","activity":"#)?;
        let applied = if self.has(r#","applied":"#) { Some(EpochMinute::new(self.number()?)) } else { None };
        let terms = self.optional(r#","terms":"#)?;
        self.skip("}")?;
        let job = JobId { job_type, account, target };
        let place = Place::Cohort(Cohort { cadence, phase, shard });
        let subject = Subject { external_id, base_url };
        let row = JobRow::new(job, place, subject, level, rev, last_active);
        Some(JobRow { context_rev, range, context, activity, applied, terms, ..row })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{finished_polls, message, unusual_messages};
    use super::super::{Message, decode_any};
    use super::*;

    #[test]
    fn what_we_write_is_read_here_and_as_serde_reads_it() {
        for message in unusual_messages() {
            let text = message.encode();
            assert_eq!(poll_message(&text).as_ref(), Some(&message), "{text}");
            assert_eq!(decode_any(&text), Ok(message));
        }
        let message = CompletedMessage { hop: 3, polls: finished_polls() };
        let text = message.encode();
        assert_eq!(completed(&text).as_ref(), Some(&message), "{text}");
        assert_eq!(decode_any(&text), Ok(message));
    }

    #[test]
    fn a_message_without_polls_is_serdes() {
        let message = CompletedMessage { hop: 3, polls: Vec::new() };
        assert_eq!(completed(&message.encode()), None);
        assert_eq!(CompletedMessage::decode(&message.encode()), Ok(message));
    }

    /// A text with a piece of it gone, doubled or replaced.
    fn damaged(text: &str, at: usize, length: usize, with: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let at = at % characters.len();
        let end = (at + length).min(characters.len());
        let (before, after) = (characters[..at].iter(), characters[end..].iter());
        before.copied().chain(with.chars()).chain(after.copied()).collect()
    }

    fn damages() -> impl Strategy<Value = (usize, usize, String)> {
        let with = prop_oneof!["[\\x00-\\x7F]{0,2}", "[0-9,:\"{}\\[\\]]{0,3}", Just(String::new())];
        (0_usize..2000, 0_usize..4, with)
    }

    proptest! {
        #[test]
        fn damage_is_never_read_as_anything_that_serde_would_not_read(
            which in 0_usize..3, (at, length, with) in damages(),
        ) {
            let text = damaged(&unusual_messages()[which].encode(), at, length, &with);
            if let Some(read) = poll_message(&text) {
                prop_assert_eq!(decode_any(&text), Ok(read), "{}", text);
            }
            let text = CompletedMessage { hop: 3, polls: finished_polls() }.encode();
            let text = damaged(&text, at, length, &with);
            if let Some(read) = completed(&text) {
                prop_assert_eq!(decode_any(&text), Ok(read), "{}", text);
            }
        }
    }

    #[test]
    fn a_newer_version_is_not_ours() {
        let newer = message("42").encode().replacen("\"v\":1", "\"v\":2", 1);
        assert_eq!(poll_message(&newer), None);
    }
}
