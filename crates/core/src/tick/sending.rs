//! Sending and waking until everything is taken, a few times. Nothing that was taken is sent again for the sake of what was
//! not.

use crate::ports::{Applied, Change, JobStore, Outgoing, PortError, QueueName, Queues, Retry};
use crate::row::WakeUp;

/// Times that something is sent whatever comes of it.
pub(super) const ATTEMPTS: u32 = 3;
/// Times that it is sent while most of it is taken each time.
pub(super) const MOST_ATTEMPTS: u32 = 6;

/// A message that was not taken.
#[derive(Debug)]
pub(super) struct Untaken {
    /// Its place among those that were to be sent.
    pub(super) place: usize,
    pub(super) error: PortError,
}

/// Whether to try once more, after so many attempts, the last of which left so many of those that it was for.
pub(super) const fn goes_on(attempts: u32, left: usize, of: usize) -> bool {
    left > 0 && (attempts < ATTEMPTS || (attempts < MOST_ATTEMPTS && left * 2 <= of))
}

/// The answers to messages, an answer that is missing among them.
pub(super) fn answers(sent: Vec<Result<(), PortError>>) -> impl Iterator<Item = Result<(), PortError>> {
    let missing = || PortError::new("sending", Retry::Transient, "a message was not answered for");
    sent.into_iter().chain(std::iter::repeat_with(move || Err(missing())))
}

/// Sends messages. Gives back which were not taken, in order.
pub(super) async fn send<Q: Queues>(queue: &QueueName, messages: Vec<Outgoing>, queues: &Q) -> Vec<Untaken> {
    let mut left: Vec<(usize, Outgoing)> = messages.into_iter().enumerate().collect();
    let mut hopeless = Vec::new();
    let mut untaken = Vec::new();
    let mut attempts = 0;
    while !left.is_empty() {
        let of = left.len();
        let sent = queues.send(queue, left.iter().map(|(_, message)| message.clone()).collect()).await;
        untaken.clear();
        let mut again = Vec::new();
        for ((place, message), answer) in left.into_iter().zip(answers(sent)) {
            let Err(error) = answer else { continue };
            if error.retry == Retry::Never {
                hopeless.push(Untaken { place, error });
            } else {
                untaken.push(Untaken { place, error });
                again.push((place, message));
            }
        }
        left = again;
        attempts += 1;
        if !goes_on(attempts, left.len(), of) {
            break;
        }
    }
    untaken.append(&mut hopeless);
    untaken.sort_unstable_by_key(|untaken| untaken.place);
    untaken
}

/// Sets wake-ups. Gives back those that may not be set.
pub(super) async fn wake<S: JobStore>(mut wakes: Vec<WakeUp>, store: &S) -> Vec<WakeUp> {
    let mut attempts = 0;
    while !wakes.is_empty() {
        let of = wakes.len();
        let mut answers = store.apply(wakes.iter().cloned().map(Change::Wake).collect()).await.into_iter();
        wakes.retain(|_| !matches!(answers.next(), Some(Ok(Applied::Done))));
        attempts += 1;
        if !goes_on(attempts, wakes.len(), of) {
            break;
        }
    }
    wakes
}
