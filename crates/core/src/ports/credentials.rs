//! What accounts and the application authenticate with, and where it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use super::PortError;
use crate::id::{AccountId, ChannelName};
use crate::time::Timestamp;

/// A secret: it shows as `***` wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for the request that needs it, and nothing else.
    #[must_use]
    pub const fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Secrets by name: `token`, `refresh_token`, `username`, `password`, `client_id`, `client_secret`, ...
pub type Secrets = BTreeMap<Box<str>, Secret>;

/// What an account or an application authenticates with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The secrets.
    pub secrets: Secrets,
    /// When the access token ends, in time of the wheel; unknown or never when none.
    pub expires_at: Option<Timestamp>,
    /// Changes with every write to the store, and counts up with every [`CredentialStore::save`]: credentials of another
    /// version are others.
    pub version: u64,
}

impl Credentials {
    /// The name of the access token.
    pub const TOKEN: &'static str = "token";
    /// The name of the token that new access tokens are had for.
    pub const REFRESH_TOKEN: &'static str = "refresh_token";

    /// Credentials that are an access token and nothing else.
    #[must_use]
    pub fn of_token(token: Secret) -> Self {
        Self { secrets: Secrets::from([(Self::TOKEN.into(), token)]), ..Self::default() }
    }

    /// The access token.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        self.get(Self::TOKEN)
    }

    /// A secret by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name)
    }

    /// These credentials with what a token endpoint gave in place of what it replaces, and the version that a store gives
    /// them when they are saved. `expires_at` belongs to the new access token.
    #[must_use]
    pub fn renewed(&self, new: Secrets, expires_at: Option<Timestamp>) -> Self {
        let mut secrets = self.secrets.clone();
        secrets.extend(new);
        Self { secrets, expires_at, version: self.version.wrapping_add(1) }
    }
}

/// An application token of a pool. Each has a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolToken {
    /// Its name, which is no secret: limits and throttles go by it.
    pub name: Box<str>,
    /// The token.
    pub token: Secret,
}

/// A deployment's own credentials of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Application {
    /// Its credentials: `client_id`, `client_secret`, and the access token that was had for them.
    pub credentials: Credentials,
    /// Its pool of tokens, by their names; empty when it has one token or none.
    pub tokens: Vec<PoolToken>,
}

/// Whose credentials: an account's on a channel, or the deployment's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// An account.
    Account(AccountId),
    /// The application.
    Application,
}

/// The right to renew one holder's credentials, until it ends. The id is the adapter's: no two leases share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which lease.
    pub id: Box<str>,
}

/// What became of credentials that were to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// They are durable, and every [`reread`](CredentialStore::reread) from now on sees them. The lease has ended.
    Done,
    /// Others were saved or put meanwhile; nothing was changed.
    Overtaken,
}

/// The credentials of accounts and of the application.
///
/// Contract: `credentials` and `application` may answer from a cache, with a bound on its age; one answer an account, in
/// order; `Ok(None)` when there are none. `reread` is strongly consistent and never from a cache.
///
/// A lease is exclusive until it ends: at `until`, or with a save. It is there so that a refresh token, which may be
/// good for one use, is used once. It does not guard the save, because a save must not fail for having come late:
/// it holds what the third party gave in exchange for a token that is gone. The version guards it: `Done` only when the
/// version kept is the one before that of the credentials to save.
///
/// The defaults are a store that cannot renew: nobody gets a lease, nothing is saved.
pub trait CredentialStore {
    /// The credentials of several accounts of a channel.
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>>;

    /// The deployment's own credentials of a channel.
    async fn application(&self, _channel: &ChannelName) -> Result<Option<Application>, PortError> {
        Ok(None)
    }

    /// A holder's credentials as they are now.
    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        match holder {
            Holder::Account(account) => {
                self.credentials(channel, std::slice::from_ref(account)).await.pop().unwrap_or(Ok(None))
            }
            Holder::Application => {
                Ok(self.application(channel).await?.map(|application| application.credentials))
            }
        }
    }

    /// Takes the lease of a holder, from `now` for a time. None while another has it, and for a holder without credentials.
    async fn lease(
        &self,
        _channel: &ChannelName,
        _holder: &Holder,
        _now: Timestamp,
        _time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        Ok(None)
    }

    /// Saves renewed credentials. Saving the same ones again after an answer was lost is `Done`.
    async fn save(
        &self,
        _channel: &ChannelName,
        _holder: &Holder,
        _lease: &Lease,
        _credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        Ok(Saved::Overtaken)
    }
}
