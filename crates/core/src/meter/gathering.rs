//! How messages of a queue gather into batches, as a mapping of Lambda gathers them: up to a number of messages, or for a
//! window of time. The pollers receive and delete ten messages a request.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
//!
//! One batch gathers at a time. Lambda has five pollers or more; when few messages come they may share them, and make
//! smaller batches than these.

use super::units::{REQUEST_MESSAGES, chunks};
use crate::time::Timestamp;

/// Messages on their way into a batch.
#[derive(Debug, Clone)]
pub struct Gathering {
    most: u64,
    window_ms: u64,
    since: Option<Timestamp>,
    messages: u64,
    bytes: usize,
    /// Of the request under way: its messages and their bytes.
    received: usize,
    received_bytes: usize,
    requests: u64,
}

/// A batch that was gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathered {
    /// Its messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: usize,
    /// Requests to receive and to delete them.
    pub requests: u64,
    /// When the last of them came, or the window ended.
    pub at: Timestamp,
}

impl Gathering {
    /// Batches of at most so many messages, gathered for at most so long.
    #[must_use]
    pub const fn new(most: u64, window_ms: u64) -> Self {
        Self {
            most,
            window_ms,
            since: None,
            messages: 0,
            bytes: 0,
            received: 0,
            received_bytes: 0,
            requests: 0,
        }
    }

    /// A message came. Gives the batch that it fills; a batch whose window is over is due before it, see
    /// [`close_by`](Self::close_by).
    #[must_use = "a batch that is full is to be counted"]
    pub fn add(&mut self, at: Timestamp, bytes: usize) -> Option<Gathered> {
        if self.since.is_none() {
            self.since = Some(at);
        }
        if self.received == REQUEST_MESSAGES {
            self.end_request();
        }
        self.received += 1;
        self.received_bytes += bytes;
        self.messages += 1;
        self.bytes += bytes;
        if self.messages >= self.most { self.close(at) } else { None }
    }

    /// The batch whose window is over by an instant.
    #[must_use = "a batch that is over is to be counted"]
    pub fn close_by(&mut self, now: Timestamp) -> Option<Gathered> {
        let ends = self.since?.millis().saturating_add(self.window_ms);
        if now.millis() >= ends { self.close(Timestamp::from_millis(ends)) } else { None }
    }

    /// What has gathered so far, as a batch.
    #[must_use = "a batch that is over is to be counted"]
    pub fn close(&mut self, at: Timestamp) -> Option<Gathered> {
        if self.messages == 0 {
            return None;
        }
        self.end_request();
        let gathered = Gathered { messages: self.messages, bytes: self.bytes, requests: self.requests, at };
        *self = Self::new(self.most, self.window_ms);
        Some(gathered)
    }

    fn end_request(&mut self) {
        // One to receive, by bytes; one to delete, which carries no bodies.
        self.requests += chunks(self.received_bytes) + 1;
        (self.received, self.received_bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_full_batch_closes_at_once_with_a_receive_and_a_delete_for_ten() {
        let mut gathering = Gathering::new(100, 1000);
        for _ in 0..99 {
            assert_eq!(gathering.add(at(5), 450), None);
        }
        let full = Gathered { messages: 100, bytes: 45_000, requests: 20, at: at(6) };
        assert_eq!(gathering.add(at(6), 450), Some(full));
        assert_eq!(gathering.close(at(7)), None, "nothing is left of it");
    }

    #[test]
    fn a_window_ends_a_batch_that_is_not_full() {
        let mut gathering = Gathering::new(100, 1000);
        assert_eq!(gathering.close_by(at(9)), None);
        for _ in 0..11 {
            assert_eq!(gathering.add(at(10), 450), None);
        }
        assert_eq!(gathering.close_by(at(1009)), None);
        let eleven = Gathered { messages: 11, bytes: 4_950, requests: 4, at: at(1010) };
        assert_eq!(gathering.close_by(at(5000)), Some(eleven));
        assert_eq!(gathering.close_by(at(5000)), None);
    }

    #[test]
    fn large_messages_are_received_in_chunks() {
        let mut gathering = Gathering::new(10, 1000);
        let batch = (0..10).filter_map(|_| gathering.add(at(0), 50_000)).last();
        assert_eq!(batch.map(|batch| batch.requests), Some(8 + 1), "500,000 bytes are eight chunks");
    }
}
