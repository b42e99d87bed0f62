//! Reading a batch: records into jobs, one poll a job however many records name it.

use std::collections::{BTreeMap, BTreeSet};

use super::keyring::Keyring;
use super::purse::Purse;
use super::{PollReport, Worker};
use crate::batch::{BatchResult, Record};
use crate::budget::BudgetScope;
use crate::id::{AccountId, ChannelName, JobId};
use crate::message::{Message, PollMessage};
use crate::policy::Catalog;
use crate::ports::{Application, CredentialStore, Credentials, Poller, Request};
use crate::throttle::ThrottleScope;

/// The records of one job in a batch, and the message that it is polled by: the newest.
pub(super) struct Group<'r> {
    pub(super) message: PollMessage,
    pub(super) channel: ChannelName,
    /// What the account authenticates with.
    pub(super) credentials: Option<Credentials>,
    records: Vec<&'r Record>,
}

impl<'r> Group<'r> {
    /// The records of the job.
    pub(super) fn records(&self) -> &[&'r Record] {
        &self.records
    }

    /// Every record of the job comes back.
    pub(super) fn fail(&self, result: &mut BatchResult, reason: &str) {
        for record in &self.records {
            result.fail(record, reason);
        }
    }
}

/// The jobs of a batch.
pub(super) struct Groups<'r>(Vec<Group<'r>>);

impl<'r> Groups<'r> {
    /// Reads each record alone. Two records of one job (a duplicate, or a backlog of several minutes) are one poll.
    pub(super) fn read(
        records: &'r [Record],
        catalog: &Catalog,
        result: &mut BatchResult,
        report: &mut PollReport,
    ) -> Self {
        let mut by_job = BTreeMap::<JobId, usize>::new();
        let mut groups = Vec::<Group<'r>>::with_capacity(records.len());
        for record in records {
            let (message, channel) = match read_one(record, catalog) {
                Ok(read) => read,
                Err(reason) => {
                    report.unreadable += 1;
                    result.fail(record, reason);
                    continue;
                }
            };
            match by_job.get(&message.row.job).and_then(|&index| groups.get_mut(index)) {
                Some(group) => {
                    report.duplicates += 1;
                    group.records.push(record);
                    if (message.row.rev, message.due) > (group.message.row.rev, group.message.due) {
                        group.message = message;
                    }
                }
                None => {
                    by_job.insert(message.row.job.clone(), groups.len());
                    groups.push(Group { message, channel, credentials: None, records: vec![record] });
                }
            }
        }
        Self(groups)
    }
}

/// The shared scopes that polls would take from, as far as the jobs alone tell.
pub(super) fn scopes(groups: &[Group<'_>], poller: &impl Poller) -> BTreeSet<ThrottleScope> {
    let mut scopes = BTreeSet::new();
    let mut last = None;
    for group in groups {
        let row = &group.message.row;
        // A queue is one job type's, so that nearly every job is of the same as the one before.
        if last.replace(&row.job.job_type) != Some(&row.job.job_type) {
            scopes.insert(ThrottleScope::Channel(group.channel.clone()));
            scopes.insert(ThrottleScope::JobType(row.job.job_type.clone()));
        }
        let host = poller.limited_host(row);
        scopes.extend(host.map(|host| ThrottleScope::Host(group.channel.clone(), host)));
    }
    scopes
}

/// Counts the first requests of the batch that take from shared limits, so that they are reserved together.
pub(super) async fn expect<P: Poller, B, Q, S, K: CredentialStore, C>(
    groups: &[Group<'_>],
    worker: &Worker<'_, P, B, Q, S, K, C>,
    keyring: &Keyring<'_, P, K>,
    purse: &Purse,
) {
    for group in groups {
        let row = &group.message.row;
        let Some(spec) = worker.catalog.get(&row.job.job_type).filter(|spec| !spec.budgets.is_empty()) else {
            continue;
        };
        let application = keyring.application(&group.channel);
        let has_pool = application.as_deref().is_some_and(|application| !application.tokens.is_empty());
        let request = Request {
            row,
            credentials: group.credentials.as_ref(),
            application: application.as_deref(),
            // Which token of a pool it will be is known when the poll begins.
            token: None,
            budget: worker.limits.poll,
            permits: None,
        };
        if has_pool && spec.budgets.iter().any(|budget| budget.scope == BudgetScope::Token) {
            // Each reserves by itself: without a token they would be the application's.
            let mut shared = spec.clone();
            shared.budgets.retain(|budget| budget.scope != BudgetScope::Token);
            purse.expect(&worker.poller.spends(&request, &shared)).await;
        } else {
            purse.expect(&worker.poller.spends(&request, spec)).await;
        }
    }
}

fn read_one(record: &Record, catalog: &Catalog) -> Result<(PollMessage, ChannelName), String> {
    let message = PollMessage::decode(&record.body).map_err(|error| error.to_string())?;
    let job_type = &message.row.job.job_type;
    if catalog.get(job_type).is_none() {
        return Err(format!("no channel declares the job type `{job_type}`"));
    }
    let channel = ChannelName::new(job_type.channel()).map_err(|error| error.to_string())?;
    Ok((message, channel))
}

/// The jobs of a batch, with what they are polled with.
pub(super) struct Equipped<'r> {
    pub(super) ready: Vec<Group<'r>>,
    /// Those whose credentials could not be read, and why: they must not be polled, and refused, as if they had none.
    pub(super) locked: Vec<(Group<'r>, String)>,
    pub(super) applications: BTreeMap<ChannelName, Application>,
}

/// Fetches the credentials of the whole batch, a call a channel, and those of the applications.
pub(super) async fn with_credentials<'r, P: Poller, K: CredentialStore>(
    groups: Groups<'r>,
    poller: &P,
    store: &K,
) -> Equipped<'r> {
    let mut ready = Vec::with_capacity(groups.0.len());
    let (mut locked, mut applications) = (Vec::new(), BTreeMap::new());
    for (channel, mut groups) in by_channel(groups) {
        if poller.uses_application(&channel) {
            match store.application(&channel).await {
                Ok(found) => drop(applications.insert(channel.clone(), found.unwrap_or_default())),
                Err(error) => {
                    locked.extend(groups.into_iter().map(|group| (group, error.chain())));
                    continue;
                }
            }
        }
        let accounts: Vec<AccountId> =
            groups.iter().map(|group| group.message.row.job.account.clone()).collect();
        let mut answers = store.credentials(&channel, &accounts).await;
        // Missing answers are failures, never "no credentials".
        for group in groups.drain(answers.len().min(groups.len())..) {
            locked.push((group, "the account's credentials were not answered for".to_owned()));
        }
        for (mut group, answer) in groups.into_iter().zip(answers.drain(..)) {
            match answer {
                Ok(found) => {
                    group.credentials = found;
                    ready.push(group);
                }
                Err(error) => locked.push((group, error.chain())),
            }
        }
    }
    Equipped { ready, locked, applications }
}

fn by_channel(groups: Groups<'_>) -> BTreeMap<ChannelName, Vec<Group<'_>>> {
    let mut channels = BTreeMap::<_, Vec<_>>::new();
    for group in groups.0 {
        channels.entry(group.channel.clone()).or_default().push(group);
    }
    channels
}
