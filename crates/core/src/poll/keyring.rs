//! What a batch authenticates with: the applications of its channels, and the renewal of tokens.
//!
//! A refresh token may be good for one use. So whoever renews takes a lease in the store, reads once more what is kept,
//! exchanges, and saves what came back before anything uses it. Within a batch the jobs of one holder take turns, and the
//! later ones go by what the first came to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::lock::Mutex as TurnMutex;

use crate::hash;
use crate::id::{ChannelName, JobId};
use crate::outcome::Outcome;
use crate::ports::{
    Application, CredentialStore, Credentials, Holder, Poller, PoolToken, PortError, Refresh, Refreshed,
    Saved,
};
use crate::throttle::ThrottleScope;
use crate::time::Timestamp;

use super::stops::Stops;

/// How long one worker has a holder's credentials to itself: longer than an exchange and its save may take. After an
/// exchange that failed nobody else asks the token endpoint for as long.
const LEASE: Duration = Duration::from_secs(60);
/// Longest exchange.
const EXCHANGE: Duration = Duration::from_secs(15);
/// Attempts at saving what an exchange brought: what is not saved is lost, and what it was had for is spent.
const SAVE_ATTEMPTS: u32 = 3;

/// Why a job has nothing to authenticate with.
pub(super) enum Locked {
    /// This is what its poll came to.
    Outcome(Outcome),
    /// The store did not answer: that is our own fault, and not the job's.
    Store(PortError),
}

impl From<PortError> for Locked {
    fn from(error: PortError) -> Self {
        Self::Store(error)
    }
}

impl From<Outcome> for Locked {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

/// What the holders of one batch authenticate with.
pub(super) struct Keyring<'w, P, K> {
    poller: &'w P,
    store: &'w K,
    applications: BTreeMap<ChannelName, Mutex<Arc<Application>>>,
    turns: Mutex<BTreeMap<(ChannelName, Holder), Turn>>,
    exchanges: AtomicU64,
    renewed: AtomicU64,
}

/// What the first job of a batch that had a holder's credentials renewed came to.
type Turn = Arc<TurnMutex<Option<Result<Credentials, ()>>>>;

/// One job's wish for other credentials.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) channel: &'a ChannelName,
    pub(super) holder: &'a Holder,
    /// What it has.
    pub(super) stale: &'a Credentials,
    pub(super) now: Timestamp,
    /// Time left for the exchange.
    pub(super) budget: Duration,
}

impl<'w, P: Poller, K: CredentialStore> Keyring<'w, P, K> {
    pub(super) fn new(poller: &'w P, store: &'w K, applications: BTreeMap<ChannelName, Application>) -> Self {
        let shared = |(channel, application)| (channel, Mutex::new(Arc::new(application)));
        Self {
            poller,
            store,
            applications: applications.into_iter().map(shared).collect(),
            turns: Mutex::default(),
            exchanges: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
        }
    }

    /// The deployment's own credentials of a channel, as far as this batch knows them.
    pub(super) fn application(&self, channel: &ChannelName) -> Option<Arc<Application>> {
        let shared = self.applications.get(channel)?;
        Some(Arc::clone(&shared.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Every token of the pools, as scopes.
    pub(super) fn scopes(&self) -> Vec<ThrottleScope> {
        let mut scopes = Vec::new();
        for channel in self.applications.keys() {
            let application = self.application(channel);
            let tokens = application.iter().flat_map(|application| &application.tokens);
            scopes.extend(tokens.map(|token| ThrottleScope::Token(channel.clone(), token.name.clone())));
        }
        scopes
    }

    /// Exchanges made, and renewed credentials that were saved.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.exchanges.load(Ordering::Relaxed), self.renewed.load(Ordering::Relaxed))
    }

    fn keep(&self, channel: &ChannelName, holder: &Holder, credentials: &Credentials) {
        if let (Holder::Application, Some(shared)) = (holder, self.applications.get(channel)) {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::make_mut(&mut shared).credentials = credentials.clone();
        }
    }

    /// The credentials in the store, when they are others than the job has: somebody replaced or renewed them, and a cache
    /// did not know yet.
    pub(super) async fn reread(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        stale: Option<&Credentials>,
    ) -> Result<Option<Credentials>, PortError> {
        let kept = self.store.reread(channel, holder).await?;
        let fresh = kept.filter(|kept| stale.is_none_or(|stale| kept.version != stale.version));
        if let Some(fresh) = &fresh {
            self.keep(channel, holder, fresh);
        }
        Ok(fresh)
    }

    /// Renewed credentials: by an exchange, or because somebody else made it.
    pub(super) async fn renew(&self, wish: Wish<'_>) -> Result<Credentials, Locked> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry((wish.channel.clone(), wish.holder.clone())).or_default())
        };
        let mut known = turn.lock().await;
        match &*known {
            Some(Ok(credentials)) if credentials.version != wish.stale.version => {
                return Ok(credentials.clone());
            }
            // They are as new as they get.
            Some(Ok(_)) => return Err(Outcome::Unauthorized.into()),
            Some(Err(())) => return Err(deferred("the credentials could not be renewed").into()),
            None => {}
        }
        let renewed = self.renew_first(wish).await;
        *known = match &renewed {
            Ok(credentials) => Some(Ok(credentials.clone())),
            Err(Locked::Outcome(_)) => Some(Err(())),
            Err(Locked::Store(_)) => None,
        };
        if let Ok(credentials) = &renewed {
            self.keep(wish.channel, wish.holder, credentials);
        }
        renewed
    }

    async fn renew_first(&self, wish: Wish<'_>) -> Result<Credentials, Locked> {
        let Wish { channel, holder, stale, .. } = wish;
        let lease = self.store.lease(channel, holder, wish.now, LEASE).await?;
        // Read after the lease was taken: what is kept now stays until we save.
        if let Some(fresh) = self.reread(channel, holder, Some(stale)).await? {
            return Ok(fresh);
        }
        let Some(lease) = lease else {
            return Err(deferred("another worker renews the credentials").into());
        };
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        let application = self.application(channel);
        let refresh = Refresh {
            channel,
            credentials: stale,
            application: application.as_deref(),
            budget: wish.budget.min(EXCHANGE),
        };
        let (secrets, expires_in_seconds) = match self.poller.refresh(refresh).await {
            Refreshed::Renewed { secrets, expires_in_seconds } => (secrets, expires_in_seconds),
            Refreshed::Refused => return self.refused(wish).await,
            Refreshed::Failed(outcome) => return Err(outcome.into()),
        };
        // Counted from before the exchange: rather renewed early than used late.
        let expires_at = expires_in_seconds.map(|seconds| wish.now.plus(Duration::from_secs(seconds)));
        let renewed = stale.renewed(secrets, expires_at);
        let mut last = None;
        for _ in 0..SAVE_ATTEMPTS {
            match self.store.save(channel, holder, &lease, &renewed).await {
                Ok(Saved::Done) => {
                    self.renewed.fetch_add(1, Ordering::Relaxed);
                    return Ok(renewed);
                }
                Ok(Saved::Overtaken) => return self.refused(wish).await,
                Err(error) => last = Some(error),
            }
        }
        let reason = last.map_or_else(String::new, |error| format!(": {}", error.chain()));
        Err(deferred(&format!("renewed credentials could not be saved{reason}")).into())
    }

    /// What was exchanged is not good any more. Somebody else may have exchanged it, or put other credentials in place.
    async fn refused(&self, wish: Wish<'_>) -> Result<Credentials, Locked> {
        if let Some(fresh) = self.reread(wish.channel, wish.holder, Some(wish.stale)).await? {
            return Ok(fresh);
        }
        Err(Locked::Outcome(match wish.holder {
            Holder::Account(_) => Outcome::Unauthorized,
            // No account's owner can do anything about it: none is parked.
            Holder::Application => Outcome::BadResponse {
                reason: "the token endpoint refuses the application's client id and secret".to_owned(),
            },
        }))
    }
}

fn deferred(reason: &str) -> Outcome {
    Outcome::Deferred { reason: reason.to_owned(), again_seconds: None }
}

/// The token of a pool that a job uses: the same one as long as it is not throttled, so that the tokens share the jobs.
/// An error is the instant at which the first of them is free again.
pub(super) fn pick<'t>(
    tokens: &'t [PoolToken],
    channel: &ChannelName,
    job: &JobId,
    stops: &Stops,
    now: Timestamp,
) -> Result<Option<&'t PoolToken>, Timestamp> {
    let until =
        |token: &PoolToken| stops.until(&ThrottleScope::Token(channel.clone(), token.name.clone()), now);
    let free = tokens.iter().filter(|token| until(token).is_none());
    match free.max_by_key(|token| hash::affinity(job, &token.name)) {
        Some(token) => Ok(Some(token)),
        None => tokens.iter().filter_map(until).min().map_or(Ok(None), Err),
    }
}
