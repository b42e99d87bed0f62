//! Credentials as a worker on AWS sees them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{
    Application, Clock, CredentialStore, Credentials, Holder, Lease, PortError, Saved,
};
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::WheelClock;
use pollwheel_local::credentials::MemoryCredentials;

/// One worker's view of the store: what it has read it keeps for 30 seconds, as on AWS.
pub(crate) struct Cached<'a> {
    pub(crate) inner: &'a MemoryCredentials,
    pub(crate) clock: WheelClock,
    pub(crate) known: RefCell<HashMap<AccountId, (Timestamp, Option<Credentials>)>>,
}

impl CredentialStore for Cached<'_> {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let now = self.clock.now();
        let mut answers = Vec::new();
        for account in accounts {
            let known = self.known.borrow().get(account).cloned();
            let young = known.filter(|(since, _)| now.since(*since) < Duration::from_secs(30));
            let found = match young {
                Some((_, found)) => found,
                None => {
                    let mut found = self.inner.credentials(channel, std::slice::from_ref(account)).await;
                    let found = found.remove(0).unwrap();
                    self.known.borrow_mut().insert(account.clone(), (now, found.clone()));
                    found
                }
            };
            answers.push(Ok(found));
        }
        answers
    }

    async fn application(&self, channel: &ChannelName) -> Result<Option<Application>, PortError> {
        self.inner.application(channel).await
    }

    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        // A round trip, in which others get on.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.inner.reread(channel, holder).await
    }

    async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.inner.lease(channel, holder, now, time).await
    }

    async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        lease: &Lease,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.inner.save(channel, holder, lease, credentials).await
    }
}
