//! The accounts file: read line by line, and checked whole before anything is registered.
//!
//! It is read twice. The first reading checks every line and keeps what a run needs of each account (which jobs, which
//! token); the second hands the jobs to the registration a thousand at a time, so that a million accounts with their
//! contexts need not be in memory at once. A file that changed in between is refused before the second.

mod problem;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use pollwheel_connector::accounts::{self, Account, Line, Lines};
use pollwheel_connector::members::Flaw;
use pollwheel_connector::{ChannelSet, PrivateAddresses};
use pollwheel_core::id::{AccountId, ChannelName, JobId, JobTypeId, Target};
use pollwheel_core::register::NewJob;
use pollwheel_local::credentials::MemoryCredentials;

pub(crate) use problem::{Problem, Problems};

/// The flag that allows private addresses.
const ALLOWED_BY: &str = "--allow-private-addresses";

/// What an account is polled for, apart from itself. Most accounts share one list.
type Kinds = Rc<[(JobTypeId, Option<Target>)]>;

/// An accounts file.
#[derive(Debug)]
pub(crate) struct AccountsFile<R> {
    name: PathBuf,
    source: R,
}

/// What the first reading of a file without problems leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    accounts: HashMap<(ChannelName, AccountId), Kept>,
    /// What they authenticate with.
    pub(crate) credentials: MemoryCredentials,
    /// Jobs of all accounts.
    pub(crate) jobs: u64,
}

#[derive(Debug)]
struct Kept {
    line: u32,
    kinds: Kinds,
}

impl Wanted {
    /// Accounts in the file.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The channels that accounts are polled on.
    pub(crate) fn channels(&self) -> BTreeSet<&ChannelName> {
        self.accounts.keys().map(|(channel, _)| channel).collect()
    }

    /// Whether the file asks for a job.
    pub(crate) fn holds(&self, job: &JobId) -> bool {
        let Ok(channel) = ChannelName::new(job.job_type.channel()) else { return false };
        let kept = self.accounts.get(&(channel, job.account.clone()));
        let same = |(job_type, target): &(JobTypeId, Option<Target>)| {
            *job_type == job.job_type && *target == job.target
        };
        kept.is_some_and(|kept| kept.kinds.iter().any(same))
    }
}

/// A file on disk, and what tells that it was changed.
#[derive(Debug)]
pub(crate) struct Disk {
    reader: BufReader<File>,
    stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl AccountsFile<Disk> {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or not twice.
    pub(crate) fn open(path: &Path) -> Result<Self, Problems> {
        let refuse = |message: String| Problems::of(Problem::file(path, message));
        let file = File::open(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        let kind = file.metadata().map_err(|error| refuse(format!("cannot be read: {error}")))?;
        if kind.is_dir() {
            return Err(refuse("is a folder: name a file of JSON lines".to_owned()));
        }
        if !kind.is_file() {
            return Err(refuse("is read twice, and only a file can be: save it as one".to_owned()));
        }
        let stamp = Stamp::of(&file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        Ok(Self { name: path.to_owned(), source: Disk { reader: BufReader::new(file), stamp } })
    }
}

/// Where accounts are read from.
pub(crate) trait Source {
    /// Starts over.
    ///
    /// # Errors
    /// When it cannot, or would not read the same again.
    fn restart(&mut self) -> io::Result<&mut dyn BufRead>;
}

impl Source for Disk {
    fn restart(&mut self) -> io::Result<&mut dyn BufRead> {
        if Stamp::of(self.reader.get_ref())? != self.stamp {
            return Err(io::Error::other("it was changed while it was read: run again when it is complete"));
        }
        self.reader.rewind()?;
        Ok(&mut self.reader)
    }
}

impl Source for io::Cursor<Vec<u8>> {
    fn restart(&mut self) -> io::Result<&mut dyn BufRead> {
        self.set_position(0);
        Ok(self)
    }
}

impl AccountsFile<io::Cursor<Vec<u8>>> {
    /// Accounts that are in memory already.
    pub(crate) fn in_memory(name: &str, lines: Vec<u8>) -> Self {
        Self { name: PathBuf::from(name), source: io::Cursor::new(lines) }
    }
}

impl<R: Source> AccountsFile<R> {
    /// Checks every line.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub(crate) fn check(
        &mut self,
        channels: &ChannelSet,
        private: PrivateAddresses,
    ) -> Result<Wanted, Problems> {
        let Self { name, source } = self;
        let mut problems = Problems::default();
        let mut wanted = Wanted::default();
        let mut shared = HashSet::new();
        let reader = source
            .restart()
            .map_err(|error| Problems::of(Problem::file(name, format!("cannot be read: {error}"))))?;
        for (number, text) in Lines::new(reader) {
            let account = match text {
                Line::Text(text) => accounts::parse(&text, channels),
                Line::Bad(message) => Err(vec![Flaw::of_line(message)]),
                Line::Unreadable(error) => {
                    problems.add(Problem::file(name, format!("cannot be read: {error}")));
                    break;
                }
            };
            let account = account.and_then(|account| {
                accounts::check_address(&account, private, ALLOWED_BY)?;
                Ok(account)
            });
            match account.and_then(|account| wanted.take(account, number, &mut shared)) {
                Ok(()) => {}
                Err(flaws) => {
                    flaws.into_iter().for_each(|flaw| problems.add(Problem::line(name, number, flaw)))
                }
            }
        }
        if problems.is_empty() && wanted.accounts.is_empty() {
            problems.add(Problem::file(
                name,
                "has no accounts: write one JSON object a line, see `pollwheel run --help`",
            ));
        }
        if problems.is_empty() { Ok(wanted) } else { Err(problems) }
    }

    /// The jobs of a file that was checked, in batches of about `size`.
    ///
    /// # Errors
    /// When the file cannot be read again, or what `act` fails with.
    pub(crate) async fn for_each_batch<E: From<Problems>>(
        &mut self,
        channels: &ChannelSet,
        size: usize,
        mut act: impl AsyncFnMut(&[NewJob]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { name, source } = self;
        let changed = |message: String| Problems::of(Problem::file(name, message));
        let reader = source.restart().map_err(|error| changed(error.to_string()))?;
        let mut batch = Vec::with_capacity(size);
        for (_, text) in Lines::new(reader) {
            let again =
                || changed("it was changed while it was read: run again when it is complete".to_owned());
            let Line::Text(text) = text else { return Err(again().into()) };
            batch.extend(accounts::parse(&text, channels).map_err(|_| again())?.jobs);
            if batch.len() >= size {
                act(&batch).await?;
                batch.clear();
            }
        }
        if batch.is_empty() { Ok(()) } else { act(&batch).await }
    }
}

impl Wanted {
    /// Keeps what is needed of an account, unless an earlier line has it.
    fn take(&mut self, account: Account, number: u32, shared: &mut HashSet<Kinds>) -> Result<(), Vec<Flaw>> {
        let kinds: Kinds =
            account.jobs.iter().map(|job| (job.job.job_type.clone(), job.job.target.clone())).collect();
        let kinds = match shared.get(&kinds) {
            Some(same) => Rc::clone(same),
            // Lists with targets are the account's own: they are not worth remembering.
            None if kinds.iter().any(|(_, target)| target.is_some()) => kinds,
            None => {
                shared.insert(Rc::clone(&kinds));
                kinds
            }
        };
        let key = (account.channel.clone(), account.account.clone());
        if let Some(earlier) = self.accounts.get(&key) {
            let message = format!(
                "channel `{}` has the account `{}` on line {} already: leave one of the two away",
                account.channel, account.account, earlier.line
            );
            return Err(vec![Flaw::of("account_id", message)]);
        }
        self.jobs += kinds.len() as u64;
        self.accounts.insert(key, Kept { line: number, kinds });
        if let Some(credentials) = account.credentials {
            self.credentials.insert(account.channel, account.account, credentials);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
