//! One job's poll: may it be made, what came of it, and its events on the bus.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use super::access::Access;
use super::batch::Group;
use super::keyring::{Keyring, Locked};
use super::purse::{Purse, Spent};
use super::stops::Stops;
use super::{CUT_OFF_MARGIN, End, Ended, Tally, Worker};
use crate::event::{Event, Item};
use crate::message::PollMessage;
use crate::outcome::{Hints, Outcome, Scope};
use crate::ports::{Bus, Clock, ControlStore, CredentialStore, Polled, Poller};
use crate::spread::Spread;
use crate::throttle::ThrottleScope;
use crate::time::Timestamp;

/// Polls a job; a panic is its own affair.
pub(super) async fn poll_group<'r, P, B, Q, S, K, C>(
    group: Group<'r>,
    worker: &Worker<'_, P, B, Q, S, K, C>,
    keyring: &Keyring<'_, P, K>,
    shared: (&Stops, &Purse),
) -> (Group<'r>, End)
where
    P: Poller,
    B: Bus,
    S: ControlStore,
    K: CredentialStore,
    C: Clock,
{
    let poll = poll_one(&group, worker, keyring, shared);
    let end = match AssertUnwindSafe(poll).catch_unwind().await {
        Ok(end) => end,
        Err(_) => End::Panicked,
    };
    (group, end)
}

async fn poll_one<P, B, Q, S, K, C>(
    group: &Group<'_>,
    worker: &Worker<'_, P, B, Q, S, K, C>,
    keyring: &Keyring<'_, P, K>,
    (stops, purse): (&Stops, &Purse),
) -> End
where
    P: Poller,
    B: Bus,
    S: ControlStore,
    K: CredentialStore,
    C: Clock,
{
    let message = &group.message;
    let now = worker.clock.now();
    let uncalled = |outcome| completed(now, outcome, Hints::default(), Tally::default());
    if let Some((scope, until)) = stopped(group, worker.poller, stops, now) {
        return uncalled(refused_until(scope, until, now));
    }
    if time_left(worker).is_zero() {
        return End::Unstarted;
    }
    let mut access = Access::new(group, worker, keyring, (stops, purse));
    let polled = match access.renew_if_due(now).await {
        Ok(()) => access.poll().await,
        Err(locked) => Err(locked),
    };
    match polled {
        Ok(polled) => publish_polled(message, worker, polled, now).await,
        Err(Locked::Outcome(outcome)) => uncalled(outcome),
        Err(Locked::Store(error)) => uncalled(Outcome::Unavailable { reason: error.chain() }),
    }
}

async fn publish_polled<P, B: Bus, Q, S, K, C: Clock>(
    message: &PollMessage,
    worker: &Worker<'_, P, B, Q, S, K, C>,
    polled: Polled,
    began: Timestamp,
) -> End {
    let Polled { outcome, hints, items, requests } = polled;
    let at = worker.clock.now();
    let mut tally = Tally {
        items: items.len() as u64,
        requests,
        lateness: Some(lateness(message, began)),
        ..Tally::default()
    };
    if items.is_empty() {
        return completed(at, outcome, hints, tally);
    }
    let ages = ages(message, &items, at);
    let events: Vec<Event> =
        items.into_iter().map(|item| Event::of_item(&message.row.job, item, at)).collect();
    // Boxed, as all that few polls do: what every poll is made of is to stay small.
    let outcome = match Box::pin(publish(worker.bus, events)).await {
        Ok(count) => {
            (tally.events, tally.freshness) = (count, ages);
            outcome
        }
        Err(Refused { accepted, reason }) => {
            tally.events = accepted;
            Outcome::BusRefused { reason }
        }
    };
    completed(at, outcome, hints, tally)
}

/// Time left for calls: what must remain for sending outcomes is not in it.
pub(super) fn time_left<P, B, Q, S, K, C>(worker: &Worker<'_, P, B, Q, S, K, C>) -> Duration {
    (worker.time_left)().saturating_sub(worker.limits.reserve + CUT_OFF_MARGIN)
}

/// What a poll comes to that is not made because a scope is stopped. Rounded down: a throttle that is reported again must
/// not grow.
pub(super) fn refused_until(scope: Scope, until: Timestamp, now: Timestamp) -> Outcome {
    Outcome::RateLimited { scope, reset_seconds: Some(until.since(now).as_secs()) }
}

/// What a poll comes to that is not made because a limit that it shares has no room.
pub(super) fn deferred(spent: Spent) -> Outcome {
    Outcome::Deferred { reason: spent.reason, again_seconds: Some(spent.again_seconds) }
}

/// What a poll comes to that we could not make: a failure of our own, which is nothing against the job.
pub(super) fn unavailable(reason: String, at: Timestamp) -> Ended {
    Ended { at, outcome: Outcome::Unavailable { reason }, hints: Hints::default() }
}

const fn completed(at: Timestamp, outcome: Outcome, hints: Hints, tally: Tally) -> End {
    End::Completed { poll: Ended { at, outcome, hints }, tally }
}

struct Refused {
    accepted: u64,
    reason: String,
}

/// Publishes a poll's events: all of them, or the poll does not advance.
async fn publish<B: Bus>(bus: &B, events: Vec<Event>) -> Result<u64, Refused> {
    let expected = events.len();
    let answers = bus.publish(events).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    if accepted == expected && answers.len() == expected {
        return Ok(accepted as u64);
    }
    let reason = match answers.into_iter().find_map(Result::err) {
        Some(error) => error.chain(),
        None => format!("the bus answered for {accepted} of {expected} events"),
    };
    Err(Refused { accepted: accepted as u64, reason })
}

/// How long before `at` items came to be, as far as the third party tells. What a job's first poll finds was there before it.
fn ages(message: &PollMessage, items: &[Item], at: Timestamp) -> Spread {
    let mut ages = Spread::default();
    if message.row.applied.is_none() {
        return ages;
    }
    let created = items.iter().filter_map(|item| item.time.as_deref()?.parse::<jiff::Timestamp>().ok());
    for created in created {
        let created = Timestamp::from_millis(u64::try_from(created.as_millisecond()).unwrap_or(0));
        ages.record(at.since(created).as_secs());
    }
    ages
}

/// How long after its planned instant a poll begins.
fn lateness(message: &PollMessage, now: Timestamp) -> Duration {
    let first_due = message.row.first_due(message.due, message.missed);
    now.since(first_due.start().plus(Duration::from_secs(u64::from(message.spread))))
}

/// The stopped scope that a poll would take from, if there is one: the one that stops most.
fn stopped<P: Poller>(
    group: &Group<'_>,
    poller: &P,
    stops: &Stops,
    now: Timestamp,
) -> Option<(Scope, Timestamp)> {
    if stops.is_empty() {
        return None;
    }
    let job_type = &group.message.row.job.job_type;
    let shared = [Scope::Application, Scope::Endpoint].into_iter();
    let host = poller.limited_host(&group.message.row).map(Scope::Host);
    shared.chain(host).find_map(|scope| {
        let until = stops.until(&ThrottleScope::of(job_type, &scope)?, now)?;
        Some((scope, until))
    })
}
