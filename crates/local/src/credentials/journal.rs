//! Renewed secrets in a file of their own, so that they survive a restart: lines of JSON, appended and synced before the
//! renewal counts.
//!
//! Only its owner may read the file. Each line says by a fingerprint which credentials it was renewed from, so that those of
//! an accounts file that was changed since win. A last line that was torn by a crash was never counted, and is dropped.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pollwheel_core::hash::digest_id;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{Credentials, Holder, Secret};
use pollwheel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Nobody but the owner.
const MODE: u32 = 0o600;
/// What others may not have.
const OTHERS: u32 = 0o077;

/// Why renewed secrets cannot be kept. Holds none of them.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Reading, writing or locking failed.
    #[error("cannot be used: {0}")]
    Io(#[from] io::Error),
    /// Others can read it.
    #[error("can be read by others than its owner: run `chmod 600` on it")]
    Open,
    /// Another process has it.
    #[error("is used by another run")]
    InUse,
    /// A line in the middle is not ours.
    #[error("line {0} is not what this build writes: name another file, or restore this one")]
    Line(usize),
}

/// One renewal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    channel: ChannelName,
    /// None for the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    origin: String,
    secrets: std::collections::BTreeMap<Box<str>, Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

/// What a holder's credentials were renewed from, and what they are now.
#[derive(Debug)]
pub(super) struct Renewed {
    pub(super) origin: String,
    pub(super) credentials: Credentials,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

/// Whose credentials, on which channel.
type Key = (ChannelName, Holder);

impl Journal {
    /// Opens or makes the file. What it holds is given back, the last of each holder.
    pub(super) fn open(path: &Path) -> Result<(Self, HashMap<Key, Renewed>), JournalError> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path)?;
        if file.metadata()?.mode() & OTHERS != 0 {
            return Err(JournalError::Open);
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(std::fs::TryLockError::Error(error)) => return Err(JournalError::Io(error)),
        }
        let (known, good_bytes) = read(&file)?;
        // A torn last line, so that the next one does not follow it.
        file.set_len(good_bytes)?;
        Ok((Self { file, path: path.to_owned() }, known))
    }

    /// Appends a renewal. `Ok`: it is on the disk.
    pub(super) fn append(&mut self, key: &Key, renewed: &Renewed) -> io::Result<()> {
        let mut line = serde_json::to_vec(&entry(key, renewed)).map_err(io::Error::other)?;
        line.push(b'\n');
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line must not stand before the next one.
            self.file.set_len(before)?;
        }
        written
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn entry((channel, holder): &Key, Renewed { origin, credentials }: &Renewed) -> Entry {
    let plain = |(name, secret): (_, &Secret)| (Box::clone(name), Box::from(secret.expose()));
    Entry {
        channel: channel.clone(),
        account: match holder {
            Holder::Account(account) => Some(account.clone()),
            Holder::Application => None,
        },
        origin: origin.clone(),
        secrets: credentials.secrets.iter().map(plain).collect(),
        expires_at: credentials.expires_at.map(Timestamp::millis),
    }
}

/// The last entry of each holder, and the bytes up to the end of the last whole line.
fn read(file: &File) -> Result<(HashMap<Key, Renewed>, u64), JournalError> {
    let mut reader = BufReader::new(file);
    let mut known = HashMap::new();
    let mut good_bytes = 0;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 || line.last() != Some(&b'\n') {
            break;
        }
        let entry: Entry = serde_json::from_slice(&line).map_err(|_| JournalError::Line(number))?;
        good_bytes += length as u64;
        let holder = entry.account.map_or(Holder::Application, Holder::Account);
        let secret = |(name, secret): (Box<str>, Box<str>)| (name, Secret::new(secret));
        let credentials = Credentials {
            secrets: entry.secrets.into_iter().map(secret).collect(),
            expires_at: entry.expires_at.map(Timestamp::from_millis),
            version: 0,
        };
        known.insert((entry.channel, holder), Renewed { origin: entry.origin, credentials });
    }
    Ok((known, good_bytes))
}

/// What tells credentials from others: 128 bits of SHA-256.
pub(super) fn fingerprint(credentials: &Credentials) -> String {
    let parts: Vec<&str> =
        credentials.secrets.iter().flat_map(|(name, secret)| [&**name, secret.expose()]).collect();
    digest_id(&parts)
}
