//! The credentials of one process: as the files that it was started with give them, in memory. A state folder holds no
//! secret; what is renewed may be kept in a file of its own.

mod journal;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{
    Application, CredentialStore, Credentials, Holder, Lease, PoolToken, PortError, Retry, Saved,
};
use pollwheel_core::time::Timestamp;

pub use journal::JournalError;
use journal::{Journal, Renewed, fingerprint};

/// Credentials by channel and holder.
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    credentials: HashMap<(ChannelName, Holder), Credentials>,
    pools: HashMap<ChannelName, Vec<PoolToken>>,
    leases: HashMap<(ChannelName, Holder), (Lease, Timestamp)>,
    /// Leases given out so far: the next one's id.
    given: u64,
    journal: Option<Journal>,
    /// What the credentials that were renewed came from.
    origins: HashMap<(ChannelName, Holder), String>,
}

impl MemoryCredentials {
    /// Keeps an account's credentials, in place of earlier ones.
    pub fn insert(&mut self, channel: ChannelName, account: AccountId, credentials: Credentials) {
        self.kept().put(channel, Holder::Account(account), credentials);
    }

    /// Keeps the application's credentials of a channel, in place of earlier ones.
    pub fn insert_application(&mut self, channel: ChannelName, application: Application) {
        let Application { credentials, tokens } = application;
        let mut kept = self.kept();
        kept.put(channel.clone(), Holder::Application, credentials);
        kept.pools.insert(channel, tokens);
    }

    /// Keeps what is renewed from here on in a file, and takes what an earlier process kept there in place of the
    /// credentials that it was renewed from. Called when all credentials are there.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn keep_in(&mut self, path: &Path) -> Result<(), JournalError> {
        let (journal, known) = Journal::open(path)?;
        let mut kept = self.kept();
        for (key, Renewed { origin, credentials }) in known {
            // Of an account that has gone, or whose credentials were replaced since: those win.
            let is_of = |there: &Credentials| fingerprint(there) == origin;
            if kept.credentials.get(&key).is_some_and(is_of) {
                kept.put(key.0.clone(), key.1.clone(), credentials);
                kept.origins.insert(key, origin);
            }
        }
        kept.journal = Some(journal);
        Ok(())
    }

    /// Whether an account has credentials of its own.
    #[must_use]
    pub fn has(&self, channel: &ChannelName, account: &AccountId) -> bool {
        self.kept().credentials.contains_key(&(channel.clone(), Holder::Account(account.clone())))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn put(&mut self, channel: ChannelName, holder: Holder, mut credentials: Credentials) {
        let key = (channel, holder);
        // Whoever renews the ones that are replaced must not save over these.
        let version =
            self.credentials.get(&key).map_or(credentials.version, |kept| kept.version.wrapping_add(1));
        credentials.version = version;
        self.credentials.insert(key, credentials);
    }

    /// Into the journal, if there is one.
    fn write_down(
        &mut self,
        key: &(ChannelName, Holder),
        credentials: &Credentials,
    ) -> Result<(), PortError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let origin = match (self.origins.get(key), self.credentials.get(key)) {
            (Some(origin), _) => origin.clone(),
            (None, Some(there)) => fingerprint(there),
            (None, None) => return Ok(()),
        };
        let renewed = Renewed { origin: origin.clone(), credentials: credentials.clone() };
        journal.append(key, &renewed).map_err(|error| {
            let what = format!("writing renewed secrets to `{}`", journal.path().display());
            PortError::new(what, Retry::Transient, error)
        })?;
        self.origins.insert(key.clone(), origin);
        Ok(())
    }
}

impl CredentialStore for MemoryCredentials {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let kept = self.kept();
        let find = |account: &AccountId| {
            Ok(kept.credentials.get(&(channel.clone(), Holder::Account(account.clone()))).cloned())
        };
        accounts.iter().map(find).collect()
    }

    async fn application(&self, channel: &ChannelName) -> Result<Option<Application>, PortError> {
        let kept = self.kept();
        let credentials = kept.credentials.get(&(channel.clone(), Holder::Application)).cloned();
        let tokens = kept.pools.get(channel).cloned().unwrap_or_default();
        Ok(credentials.map(|credentials| Application { credentials, tokens }))
    }

    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        Ok(self.kept().credentials.get(&(channel.clone(), holder.clone())).cloned())
    }

    async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        let mut kept = self.kept();
        let key = (channel.clone(), holder.clone());
        let is_taken = kept.leases.get(&key).is_some_and(|(_, until)| *until > now);
        if is_taken || !kept.credentials.contains_key(&key) {
            return Ok(None);
        }
        kept.given += 1;
        let lease = Lease { id: kept.given.to_string().into() };
        kept.leases.insert(key, (lease.clone(), now.plus(time)));
        Ok(Some(lease))
    }

    async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        _lease: &Lease,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        let mut kept = self.kept();
        let key = (channel.clone(), holder.clone());
        match kept.credentials.get(&key) {
            Some(there) if there == credentials => return Ok(Saved::Done),
            Some(there) if there.version.wrapping_add(1) == credentials.version => {}
            Some(_) | None => return Ok(Saved::Overtaken),
        }
        kept.write_down(&key, credentials)?;
        kept.credentials.insert(key.clone(), credentials.clone());
        kept.leases.remove(&key);
        Ok(Saved::Done)
    }
}
