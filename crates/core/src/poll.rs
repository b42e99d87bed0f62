//! The poll pass: a batch of jobs polled at once, their new items published, their outcomes sent on.
//!
//! Order matters: publish, then send the outcome, then confirm the record. A crash in between repeats events under the
//! same ids; it never skips one. This pass writes nothing to the store but renewed credentials.

mod access;
mod batch;
mod keyring;
mod one;
mod purse;
mod send;
mod stops;
mod till;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt, stream};

use crate::batch::{BatchResult, Record};
use crate::id::JobId;
use crate::outcome::{Hints, Outcome};
use crate::policy::Catalog;
use crate::ports::{Bus, Clock, ControlStore, CredentialStore, Poller, Queues};
use crate::row::JobRow;
use crate::spread::{Freshness, Lateness, Spread};
use crate::time::Timestamp;
use batch::{Equipped, Groups};
use keyring::Keyring;
use purse::Purse;
pub use send::MAX_OUTCOME_BYTES;
use stops::Stops;

/// A poll's own time ends this long before the batch is cut off, so that one without an answer is a time-out and not a
/// message that comes back.
const CUT_OFF_MARGIN: Duration = Duration::from_millis(500);

/// What the poll pass works with.
pub struct Worker<'a, P, B, Q, S, K, C> {
    /// Every job type of this deployment.
    pub catalog: &'a Catalog,
    /// The third parties.
    pub poller: &'a P,
    /// Where new items go.
    pub bus: &'a B,
    /// Where outcomes go.
    pub queues: &'a Q,
    /// Which shared scopes are throttled.
    pub control: &'a S,
    /// What accounts authenticate with.
    pub credentials: &'a K,
    /// The time of the wheel.
    pub clock: &'a C,
    /// Real time left for the batch: no poll starts that could not end in it.
    pub time_left: &'a (dyn Fn() -> Duration + Sync),
    /// Limits of a batch.
    pub limits: Limits,
}

/// Limits of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Polls under way at once.
    pub concurrency: usize,
    /// Longest poll, all its requests together.
    pub poll: Duration,
    /// Kept back at the end of the time left, for sending outcomes.
    pub reserve: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 32, poll: Duration::from_secs(20), reserve: Duration::from_secs(3) }
    }
}

/// What a batch came to.
#[derive(Debug, Default)]
pub struct PollReport {
    /// Records in the batch.
    pub records: u64,
    /// Polls made.
    pub polled: u64,
    /// Records of a job that another record of the batch was polled for.
    pub duplicates: u64,
    /// Records that could not be read. They are kept.
    pub unreadable: u64,
    /// Jobs not started because the time would not have been enough.
    pub unstarted: u64,
    /// Records whose poll was given up because the time was up.
    pub cut_off: u64,
    /// Jobs not called because their channel, job type or host is throttled.
    pub throttled: u64,
    /// Jobs not called because a limit that they share had no room.
    pub over_budget: u64,
    /// Jobs not called for a reason of our own: their credentials could not be read, or new ones not be kept.
    pub unavailable: u64,
    /// Those reasons, and how many jobs met each.
    pub unavailable_because: BTreeMap<Box<str>, u64>,
    /// Polls that panicked.
    pub panics: u64,
    /// Outcomes by name.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Why polls failed, with the job that met it first, and how many did.
    pub errors: BTreeMap<Box<str>, (JobId, u64)>,
    /// New items found.
    pub items: u64,
    /// Events that the bus accepted.
    pub events: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// Credentials that were renewed and saved.
    pub renewed: u64,
    /// Jobs whose outcome could not be sent on.
    pub unsent: u64,
    /// For each poll, how long after its planned instant it began. The plan is the first due minute that the dispatch
    /// answers for, and the job's place in the spread.
    pub lateness: Vec<Duration>,
    /// The same in seconds, by job type and service level.
    pub lateness_by_level: Lateness,
    /// How old items were when the bus had accepted them.
    pub freshness: Freshness,
}

/// Polls the jobs of a batch. Records that are not named as failed are done: their outcome is durably sent.
///
/// When `cut_off` completes, polls that are still under way are given up and their records come back, so that one that
/// hangs does not take its neighbours with it. It must leave enough of the invocation to send the outcomes.
pub async fn poll<P, B, Q, S, K, C>(
    records: &[Record],
    worker: &Worker<'_, P, B, Q, S, K, C>,
    cut_off: impl Future<Output = ()>,
) -> (BatchResult, PollReport)
where
    P: Poller,
    B: Bus,
    Q: Queues,
    S: ControlStore,
    K: CredentialStore,
    C: Clock,
{
    let mut result = BatchResult::default();
    let mut report = PollReport { records: records.len() as u64, ..PollReport::default() };
    let groups = Groups::read(records, worker.catalog, &mut result, &mut report);
    let Equipped { ready: groups, locked, applications } =
        batch::with_credentials(groups, worker.poller, worker.credentials).await;
    let keyring = Keyring::new(worker.poller, worker.credentials, applications);
    let mut scopes = batch::scopes(&groups, worker.poller);
    scopes.extend(keyring.scopes());
    let stops = Stops::read(scopes, worker.control).await;
    let purse = Purse::default();
    batch::expect(&groups, worker, &keyring, &purse).await;

    let mut under_way: Vec<Option<Vec<&Record>>> =
        groups.iter().map(|group| Some(group.records().to_vec())).collect();
    let polls = groups.into_iter().enumerate().map(|(place, group)| {
        // Boxed at once: it is large, and is moved several times before it is first polled.
        let poll = Box::pin(one::poll_group(group, worker, &keyring, (&stops, &purse)));
        poll.map(move |(group, end)| (place, group, end))
    });
    let mut finished = stream::iter(polls).buffer_unordered(worker.limits.concurrency.max(1));
    let mut completed = Vec::with_capacity(records.len());
    for (group, reason) in locked {
        let poll = one::unavailable(reason, worker.clock.now());
        report.add(&group.message.row, &poll.outcome, &Tally::default());
        completed.push((group, poll));
    }
    let mut cut_off = pin!(cut_off);
    while let Either::Left((Some((place, group, end)), _)) = select(finished.next(), cut_off.as_mut()).await {
        if let Some(records) = under_way.get_mut(place) {
            *records = None;
        }
        match end {
            End::Completed { poll, tally } => {
                report.add(&group.message.row, &poll.outcome, &tally);
                completed.push((group, poll));
            }
            End::Unstarted => {
                report.unstarted += 1;
                group.fail(&mut result, "there was no time left to poll the job");
            }
            End::Panicked => {
                report.panics += 1;
                group.fail(&mut result, "the poll panicked");
            }
        }
    }
    drop(finished);
    for record in under_way.into_iter().flatten().flatten() {
        report.cut_off += 1;
        result.fail(record, "the poll was still under way when the time was up");
    }
    let (exchanges, renewed) = keyring.counts();
    report.requests += exchanges;
    report.renewed = renewed;
    send::send(completed, worker.queues, &mut result, &mut report).await;
    (result, report)
}

impl PollReport {
    fn add(&mut self, row: &JobRow, outcome: &Outcome, tally: &Tally) {
        *self.outcomes.entry(outcome.name()).or_default() += 1;
        if let Some(error) = outcome.error() {
            self.errors.entry(error).or_insert_with(|| (row.job.clone(), 0)).1 += 1;
        }
        self.items += tally.items;
        self.events += tally.events;
        self.requests += u64::from(tally.requests);
        if !tally.freshness.is_empty() {
            let key = (row.job.job_type.clone(), row.level.clone());
            *self.freshness.entry(key).or_default() += &tally.freshness;
        }
        match tally.lateness {
            Some(lateness) => {
                self.polled += 1;
                self.lateness.push(lateness);
                self.lateness_by_level.record(&row.job.job_type, &row.level, lateness.as_secs());
            }
            None => {
                if let Outcome::Unavailable { reason } = outcome {
                    self.unavailable += 1;
                    *self.unavailable_because.entry(reason.as_str().into()).or_default() += 1;
                }
                self.throttled += u64::from(outcome.refusal().is_some());
                self.over_budget += u64::from(outcome.deferred_seconds().is_some());
            }
        }
    }
}

enum End {
    Completed { poll: Ended, tally: Tally },
    Unstarted,
    Panicked,
}

/// What a poll came to, when, and what it was told besides.
struct Ended {
    at: Timestamp,
    outcome: Outcome,
    hints: Hints,
}

#[derive(Default)]
struct Tally {
    items: u64,
    events: u64,
    requests: u32,
    /// Of the items that were published.
    freshness: Spread,
    /// None when no call was made.
    lateness: Option<Duration>,
}
