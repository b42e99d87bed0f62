//! Registering, changing and removing accounts.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use pollwheel_connector::accounts::Account;
use pollwheel_core::budget::PaceKey;
use pollwheel_core::id::{AccountId, ChannelName, ServiceLevel};
use pollwheel_core::ports::{Clock, JobStore, PortError};
use pollwheel_core::register::{self, NewJob};
use pollwheel_core::row::Registration;

use crate::answer::{Answer, Overdrawn};
use crate::handler::{Control, ControlError, Done};
use crate::ports::{Objects, Pauses, Registry, Vault};
use crate::selection::{Selection, unknown};

/// Jobs of one account, or accounts of a file, that are written at once.
pub(crate) const AT_ONCE: usize = 32;

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    /// The credentials before the jobs: one that was registered without could be polled, refused and parked.
    pub(crate) async fn register(&self, account: Account) -> Result<Done, ControlError> {
        let Account { channel, account, jobs, credentials } = account;
        if let Some(credentials) = credentials {
            self.vault.put(&channel, &account, &credentials).await?;
        }
        let registered = register::register(self.clock.now(), &jobs, &self.catalog, &self.store).await?;
        tracing::info!(%channel, %account, jobs = jobs.len(), "an account was registered");
        Ok(Done::Answer(Answer::Registered {
            counts: registered.into(),
            overdrawn: self.overdrawn(&jobs).await,
        }))
    }

    /// The limits that jobs share with others and that are asked for too much already, as far as that can be read.
    async fn overdrawn(&self, jobs: &[NewJob]) -> Vec<Overdrawn> {
        let now = self.clock.now();
        let specs = jobs.iter().filter_map(|job| Some((job, self.catalog.get(&job.job.job_type)?)));
        let limits: BTreeSet<PaceKey> = specs
            .flat_map(|(job, spec)| {
                let row = job.row(now, spec);
                spec.budgets.iter().filter_map(|budget| budget.paced_for(&row)).collect::<Vec<_>>()
            })
            .collect();
        if limits.is_empty() {
            return Vec::new();
        }
        let limits = Vec::from_iter(limits);
        match self.pauses.paces(&limits).await {
            Ok(paces) => {
                let overdrawn: Vec<_> = limits
                    .into_iter()
                    .zip(paces)
                    .filter_map(|(limit, pace)| Overdrawn::of(limit, pace, now.minute()))
                    .collect();
                for Overdrawn { limit, turns, slower, .. } in &overdrawn {
                    tracing::warn!(
                        limit,
                        turns,
                        slower,
                        "a limit is asked for more than it bears: its jobs are polled less often"
                    );
                }
                overdrawn
            }
            Err(error) => {
                tracing::warn!(
                    error = error.chain(),
                    "whether the shared limits bear the account could not be read"
                );
                Vec::new()
            }
        }
    }

    pub(crate) async fn change(
        &self,
        account: &AccountId,
        channel: &ChannelName,
        level: &ServiceLevel,
    ) -> Result<Done, ControlError> {
        let registrations = self.store.registrations_of(account).await?;
        let here = registrations.into_iter().filter(|one| one.job.job_type.channel() == channel.as_str());
        let mut changes = Vec::new();
        for Registration { job, .. } in here {
            // A job type that is no longer declared is not dispatched either.
            let Some(spec) = self.catalog.get(&job.job_type) else { continue };
            let known: Vec<&str> = spec.levels.keys().map(ServiceLevel::as_str).collect();
            if let Some(message) =
                unknown("service level", level.as_str(), &known).filter(|_| !known.is_empty())
            {
                return Ok(Done::refused("service_level", format!("of channel `{channel}`: {message}")));
            }
            changes.push((job, spec));
        }
        if changes.is_empty() {
            return Ok(not_registered(account, channel.as_str()));
        }
        let now = self.clock.now();
        let changed =
            stream::iter(changes)
                .map(|(job, spec)| async move {
                    register::change_level(now, &job, level, spec, &self.store).await
                })
                .buffer_unordered(AT_ONCE);
        let changed: Vec<Option<bool>> = changed.try_collect().await?;
        let count = |what| changed.iter().filter(|one| **one == Some(what)).count() as u64;
        tracing::info!(%channel, %account, %level, changed = count(true), "the level of an account was changed");
        Ok(Done::Answer(Answer::Changed { changed: count(true), unchanged: count(false) }))
    }

    /// The token after the jobs, and only with the last of them on the channel.
    pub(crate) async fn remove(&self, selection: &Selection) -> Result<Done, ControlError> {
        let account = &selection.account;
        let registrations = self.store.registrations_of(account).await?;
        let (away, others): (Vec<_>, Vec<_>) =
            registrations.into_iter().partition(|registration| selection.holds(registration));
        let removed = stream::iter(away)
            .map(|registration| async move { register::remove(&registration.job, &self.store).await })
            .buffer_unordered(AT_ONCE);
        let removed: Vec<bool> = removed.try_collect().await?;
        let channel = selection.channel();
        if others.iter().all(|other| other.job.job_type.channel() != channel) {
            self.vault.delete(&channel_of(selection)?, account).await?;
        }
        let removed = removed.into_iter().filter(|removed| *removed).count() as u64;
        tracing::info!(channel, %account, removed, "jobs of an account were removed");
        Ok(Done::Answer(Answer::Removed { removed }))
    }
}

fn channel_of(selection: &Selection) -> Result<ChannelName, PortError> {
    ChannelName::new(selection.channel()).map_err(|error| {
        PortError::new("reading a job type's channel", pollwheel_core::ports::Retry::Never, error)
    })
}

/// What is said of an account that a command expects to be there.
pub(crate) fn not_registered(account: &AccountId, where_: &str) -> Done {
    Done::refused(
        "account_id",
        format!("account `{account}` has no such job on `{where_}`: register it first"),
    )
}
