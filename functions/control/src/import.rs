//! Importing a file of accounts: checked whole in a first reading, registered in a second, both in parts.
//!
//! A part is about a megabyte of whole lines, so memory does not grow with the file. Parts follow one another; within one,
//! many accounts are written at once. Everything may be repeated: a part that was registered already changes nothing.

mod part;

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use pollwheel_aws::lambda::Deadline;
use pollwheel_connector::accounts::{self, Account};
use pollwheel_connector::members::Flaw;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{Clock, JobStore, PortError, Retry};
use pollwheel_core::register::{self, NewJob};
use serde::{Deserialize, Serialize};

use crate::accounts::AT_ONCE;
use crate::answer::{Answer, Counts, Refusal};
use crate::command::ALLOWED_BY;
use crate::handler::{Control, ControlError, Done};
use crate::ports::{ObjectName, Objects, Pauses, Registry, Vault};
use part::Lines;

/// Most problems that are reported. The reading stops there.
const MAX_PROBLEMS: usize = 100;
/// Kept back for the part that is under way when the time runs short. A throttled table takes its time.
const RESERVE: Duration = Duration::from_secs(60);
/// Wait before a part is repeated whose writes were throttled.
const PAUSE: Duration = Duration::from_secs(2);

/// Where an import stands. What one answer gives as `next`, the next command takes as `from`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The first byte that was not read yet.
    pub byte: u64,
    /// Lines before it.
    pub line: u32,
    /// The version of the object that was read so far; another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What was registered so far.
    pub imported: Imported,
}

/// A reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first: every line is checked, nothing is written.
    #[default]
    Check,
    /// The second: accounts are registered.
    Register,
}

/// What became of the accounts of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Accounts that were registered.
    pub accounts: u64,
    /// Their new jobs.
    pub inserted: u64,
    /// Jobs whose subject or level changed.
    pub changed: u64,
    /// Jobs taken back into the wheel.
    pub unparked: u64,
    /// Jobs that were there already.
    pub unchanged: u64,
    /// Lines about an account and channel of an earlier line, which they replace. An import that goes on after an answer
    /// with `next` compares with the lines that it reads from there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duplicates: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Imported {
    fn add(&mut self, accounts: u64, counts: Counts) {
        self.accounts += accounts;
        self.inserted += counts.inserted;
        self.changed += counts.changed;
        self.unparked += counts.unparked;
        self.unchanged += counts.unchanged;
    }
}

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    pub(crate) async fn import(
        &self,
        object: &ObjectName,
        mut at: Progress,
        deadline: Deadline,
    ) -> Result<Done, ControlError> {
        let deadline = deadline.earlier_by(RESERVE.min(deadline.left() / 2));
        // Eight bytes an account: a file of millions has room.
        let mut seen = HashSet::new();
        loop {
            if deadline.left().is_zero() {
                return Ok(Done::Answer(Answer::Unfinished { done: false, next: at }));
            }
            let lines = match Lines::read(&self.objects, object, &at).await? {
                Ok(lines) => lines,
                Err(too_long) => return Ok(Done::Refused(vec![too_long])),
            };
            let parsed = self.parse(&lines, at.line);
            match at.phase {
                Phase::Check if !parsed.problems.is_empty() => return Ok(Done::Refused(parsed.problems)),
                Phase::Check => at.imported.duplicates += parsed.repeated(&mut seen),
                Phase::Register => match self.register_part(parsed, &mut at).await {
                    Ok(()) => {}
                    // A new table takes a while to grow: the part is repeated, and what it has done changes nothing.
                    Err(error) if error.passes() => {
                        tracing::warn!(%error, line = at.line, "a part of an import is repeated");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            }
            (at.byte, at.line) = (at.byte + lines.bytes(), at.line.saturating_add(lines.count()));
            at.version = Some(lines.version.clone());
            tracing::info!(
                key = object.key,
                phase = ?at.phase,
                line = at.line,
                byte = at.byte,
                total_bytes = lines.total,
                accounts = at.imported.accounts,
                "importing accounts"
            );
            if !lines.is_last {
                continue;
            }
            match at.phase {
                Phase::Check if at.byte == 0 => {
                    return Ok(Done::refused(
                        "key",
                        "the file is empty: write one account a line, each a JSON object",
                    ));
                }
                Phase::Check => (at.phase, at.byte, at.line) = (Phase::Register, 0, 0),
                Phase::Register => {
                    return Ok(Done::Answer(Answer::Imported { done: true, imported: at.imported }));
                }
            }
        }
    }

    fn parse(&self, lines: &Lines, after: u32) -> Parsed {
        let mut parsed = Parsed::default();
        for (number, line) in lines.iter(after) {
            let account = match line {
                accounts::Line::Text(text) => accounts::parse(&text, &self.channels),
                accounts::Line::Bad(message) => Err(vec![Flaw::of_line(message)]),
                accounts::Line::Unreadable(error) => Err(vec![Flaw::of_line(error.to_string())]),
            };
            let account = account.and_then(|account| {
                accounts::check_address(&account, self.private_addresses, ALLOWED_BY)?;
                Ok(account)
            });
            match account {
                // Of two lines for one account the later one counts.
                Ok(account) => {
                    let of = (account.channel.clone(), account.account.clone());
                    parsed.repeated += u64::from(parsed.accounts.insert(of, account).is_some());
                }
                Err(flaws) => {
                    parsed.problems.extend(flaws.into_iter().map(|flaw| Refusal::at(number, flaw)));
                }
            }
            if parsed.problems.len() >= MAX_PROBLEMS {
                parsed.problems.truncate(MAX_PROBLEMS);
                break;
            }
        }
        parsed
    }

    /// The credentials of a part, then its jobs.
    async fn register_part(&self, parsed: Parsed, at: &mut Progress) -> Result<(), ControlError> {
        if !parsed.problems.is_empty() {
            let what = format!("importing from line {}", at.line);
            return Err(PortError::new(what, Retry::Never, "a line that was good has changed").into());
        }
        let mut credentials = Vec::new();
        let mut jobs: Vec<NewJob> = Vec::new();
        let accounts = parsed.accounts.len() as u64;
        for ((channel, account), read) in parsed.accounts {
            credentials.extend(read.credentials.map(|credentials| (channel, account, credentials)));
            jobs.extend(read.jobs);
        }
        stream::iter(credentials)
            .map(|(channel, account, credentials)| async move {
                self.vault.put(&channel, &account, &credentials).await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let registered = register::register(self.clock.now(), &jobs, &self.catalog, &self.store).await?;
        at.imported.add(accounts, registered.into());
        Ok(())
    }
}

/// What a part holds.
#[derive(Default)]
struct Parsed {
    accounts: BTreeMap<(ChannelName, AccountId), Account>,
    /// Lines that replace another line of the part.
    repeated: u64,
    problems: Vec<Refusal>,
}

impl Parsed {
    /// Lines about an account of an earlier line, of this part or those before it.
    fn repeated(&self, seen: &mut HashSet<u64>) -> u64 {
        let known = self.accounts.keys().filter(|(channel, account)| {
            let mut hasher = DefaultHasher::new();
            (channel.as_str(), account.as_str()).hash(&mut hasher);
            !seen.insert(hasher.finish())
        });
        self.repeated + known.count() as u64
    }
}
