//! Reads and writes of credentials: items that are encrypted, and read without consistency unless somebody rereads.

use std::collections::BTreeSet;
use std::time::Duration;

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::meter::Usage;
use pollwheel_core::meter::items::{application_bytes, credentials_bytes};
use pollwheel_core::meter::units::{Read, Write, read_half_units, write_units};
use pollwheel_core::ports::{Application, CredentialStore, Credentials, Holder, Lease, PortError, Saved};
use pollwheel_core::time::Timestamp;

use super::Meter;

/// Credentials before a meter.
#[derive(Debug)]
pub struct MeteredCredentials<'a, K> {
    /// The store itself.
    pub inner: &'a K,
    /// What counts.
    pub meter: &'a Meter,
}

impl<K> MeteredCredentials<'_, K> {
    fn read(&self, read: Read, bytes: usize) {
        self.meter.working(Usage { read_half_units: read_half_units(read, bytes), ..Usage::default() });
    }

    fn wrote(&self, bytes: usize) {
        self.meter.working(Usage { write_units: write_units(Write::Single, bytes), ..Usage::default() });
    }
}

impl<K: CredentialStore> CredentialStore for MeteredCredentials<'_, K> {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let answers = self.inner.credentials(channel, accounts).await;
        let mut read = BTreeSet::new();
        for (account, answer) in accounts.iter().zip(&answers) {
            if let (true, Ok(found)) = (read.insert(account), answer) {
                self.read(Read::Eventual, found.as_ref().map_or(0, credentials_bytes));
            }
        }
        answers
    }

    async fn application(&self, channel: &ChannelName) -> Result<Option<Application>, PortError> {
        let found = self.inner.application(channel).await?;
        self.read(Read::Eventual, found.as_ref().map_or(0, application_bytes));
        Ok(found)
    }

    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        let found = self.inner.reread(channel, holder).await?;
        self.read(Read::Strong, found.as_ref().map_or(0, credentials_bytes));
        Ok(found)
    }

    async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        let lease = self.inner.lease(channel, holder, now, time).await?;
        self.wrote(0);
        Ok(lease)
    }

    async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        lease: &Lease,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        let saved = self.inner.save(channel, holder, lease, credentials).await?;
        let bytes = credentials_bytes(credentials);
        // It is read first, for the data key and the version.
        self.read(Read::Strong, bytes);
        self.wrote(bytes);
        Ok(saved)
    }
}
