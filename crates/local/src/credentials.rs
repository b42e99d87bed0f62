//! The credentials of one process: as the accounts file gives them, in memory only. A state folder holds no secret.

use std::collections::HashMap;

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{CredentialStore, Credentials, PortError};

/// Credentials by channel and account.
#[derive(Debug, Default)]
pub struct MemoryCredentials(HashMap<(ChannelName, AccountId), Credentials>);

impl MemoryCredentials {
    /// Keeps an account's credentials, in place of earlier ones.
    pub fn insert(&mut self, channel: ChannelName, account: AccountId, credentials: Credentials) {
        self.0.insert((channel, account), credentials);
    }
}

impl CredentialStore for MemoryCredentials {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let find = |account: &AccountId| Ok(self.0.get(&(channel.clone(), account.clone())).cloned());
        accounts.iter().map(find).collect()
    }
}
