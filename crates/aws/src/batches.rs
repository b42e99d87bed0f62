//! Sending many things to a service that takes a few at once and answers for each: cut into batches, several under way,
//! what is refused for a moment sent again, and every thing answered for in the end.
//!
//! What an answer does not name was not accepted.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use pollwheel_core::ports::{PortError, Retry};

use crate::failure::Shared;

/// A thing on its way, its place in the answer, and its size as the service counts it.
pub(crate) struct Entry<T> {
    pub(crate) position: usize,
    pub(crate) bytes: usize,
    pub(crate) thing: T,
}

/// What became of the thing at a position.
pub(crate) type Answer = (usize, Result<(), PortError>);

/// What one call came to.
pub(crate) struct Called<T> {
    /// Things that need no other call.
    pub(crate) answers: Vec<Answer>,
    /// Things that were refused, or not answered for, and why.
    pub(crate) refused: Vec<(Entry<T>, PortError)>,
}

/// How a service takes things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Things of a call.
    pub(crate) entries: usize,
    /// Bytes of all things of a call together.
    pub(crate) bytes: usize,
    /// Calls under way at once.
    pub(crate) calls: usize,
    /// Attempts at a thing that an answer refuses for a moment.
    pub(crate) attempts: u32,
    /// First wait before another attempt; each further one is twice as long.
    pub(crate) first_backoff: Duration,
}

/// Sends everything. Gives an answer for each of `count` positions, in order: those in `answered` have theirs already.
pub(crate) async fn send_all<T>(
    count: usize,
    answered: Vec<Answer>,
    entries: Vec<Entry<T>>,
    limits: Limits,
    what: impl Fn() -> String,
    call: impl AsyncFn(Vec<Entry<T>>) -> Called<T>,
) -> Vec<Result<(), PortError>> {
    let unanswered = |_| Err(PortError::new(what(), Retry::Transient, "it was not answered for"));
    let mut all: Vec<Result<(), PortError>> = (0..count).map(unanswered).collect();
    let mut fill = |answers: Vec<Answer>| {
        for (position, answer) in answers {
            if let Some(slot) = all.get_mut(position) {
                *slot = answer;
            }
        }
    };
    fill(answered);
    let batches = cut(entries, limits).into_iter().map(|batch| send_batch(batch, limits, &call));
    let mut done = stream::iter(batches).buffer_unordered(limits.calls);
    while let Some(answers) = done.next().await {
        fill(answers);
    }
    drop(done);
    all
}

async fn send_batch<T>(
    mut batch: Vec<Entry<T>>,
    limits: Limits,
    call: &impl AsyncFn(Vec<Entry<T>>) -> Called<T>,
) -> Vec<Answer> {
    let mut all = Vec::with_capacity(batch.len());
    let mut backoff = limits.first_backoff;
    for attempt in 1..=limits.attempts {
        let Called { answers, refused } = call(batch).await;
        all.extend(answers);
        let (again, never): (Vec<_>, Vec<_>) = refused
            .into_iter()
            .partition(|(_, error)| attempt < limits.attempts && error.retry != Retry::Never);
        all.extend(never.into_iter().map(|(entry, error)| (entry.position, Err(error))));
        if again.is_empty() {
            break;
        }
        batch = again.into_iter().map(|(entry, _)| entry).collect();
        tokio::time::sleep(backoff).await;
        backoff *= 2;
    }
    all
}

/// Batches within the limits, in order. One that is larger than the limit by itself is alone.
fn cut<T>(entries: Vec<Entry<T>>, limits: Limits) -> Vec<Vec<Entry<T>>> {
    let mut batches: Vec<Vec<Entry<T>>> = Vec::with_capacity(entries.len().div_ceil(limits.entries.max(1)));
    let mut bytes = 0;
    for entry in entries {
        let fits = |batch: &&mut Vec<_>| batch.len() < limits.entries && bytes + entry.bytes <= limits.bytes;
        match batches.last_mut().filter(fits) {
            Some(batch) => {
                bytes += entry.bytes;
                batch.push(entry);
            }
            None => {
                bytes = entry.bytes;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

/// The failure of a whole call, for each of its things: the client has tried again what is worth it.
pub(crate) fn failed_call<T>(batch: Vec<Entry<T>>, error: PortError) -> Called<T> {
    let error = Shared::from(error);
    let failed = |entry: Entry<T>| (entry.position, Err(PortError::from(error.clone())));
    Called { answers: batch.into_iter().map(failed).collect(), refused: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        entries: 10,
        bytes: 1_048_576,
        calls: 2,
        attempts: 3,
        first_backoff: Duration::from_millis(50),
    };

    fn entries(sizes: &[usize]) -> Vec<Entry<()>> {
        let entry = |(position, bytes): (usize, &usize)| Entry { position, bytes: *bytes, thing: () };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_batch_is_cut_by_count_and_by_bytes() {
        let sizes = |sizes: &[usize]| cut(entries(sizes), LIMITS).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[1; 25]), [10, 10, 5]);
        assert_eq!(sizes(&[1_048_576, 1, 1_048_576]), [1, 1, 1]);
        assert_eq!(sizes(&[1_048_575, 1, 1]), [2, 1], "the limit itself is allowed");
        assert_eq!(sizes(&[400_000; 5]), [2, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_call_answers_for_is_an_error() {
        let forgetful = async |mut batch: Vec<Entry<()>>| {
            batch.remove(0);
            let answers = batch.into_iter().map(|entry| (entry.position, Ok(()))).collect();
            Called { answers, refused: Vec::new() }
        };
        let what = || "sending".to_owned();
        let answers = send_all(3, Vec::new(), entries(&[1; 3]), LIMITS, what, forgetful).await;
        let retries: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().err().map(|error| error.retry)).collect();
        assert_eq!(retries, [Some(Retry::Transient), None, None]);
    }
}
