//! Credentials that cannot be read for a time: a key that is denied, a table that is missing.

use std::time::Duration;

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{
    Application, CredentialStore, Credentials, Holder, Lease, PortError, Retry, Saved,
};
use pollwheel_core::time::Timestamp;

use super::Faults;

/// A credential store behind faults.
#[derive(Debug)]
pub struct FaultyCredentials<'a, K> {
    /// The store itself.
    pub inner: &'a K,
    /// What goes wrong.
    pub faults: &'a Faults,
}

impl<K> FaultyCredentials<'_, K> {
    fn denied(&self) -> Result<(), PortError> {
        if !self.faults.denied.get() {
            return Ok(());
        }
        self.faults.count("denied", 1);
        Err(PortError::new("reading credentials", Retry::Never, "injected: access is denied"))
    }
}

impl<K: CredentialStore> CredentialStore for FaultyCredentials<'_, K> {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        if self.faults.denied.get() {
            return accounts.iter().map(|_| self.denied().map(|()| None)).collect();
        }
        self.inner.credentials(channel, accounts).await
    }

    async fn application(&self, channel: &ChannelName) -> Result<Option<Application>, PortError> {
        self.denied()?;
        self.inner.application(channel).await
    }

    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        self.denied()?;
        self.inner.reread(channel, holder).await
    }

    async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        self.denied()?;
        self.inner.lease(channel, holder, now, time).await
    }

    async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        lease: &Lease,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        self.denied()?;
        self.inner.save(channel, holder, lease, credentials).await
    }
}
