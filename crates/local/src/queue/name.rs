//! The names of queues: those that the passes send to, and the dead-letter queue of each.

use std::fmt;

use pollwheel_core::ports::QueueName;

/// A queue of the process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueId {
    /// A queue that the passes send to.
    Live(QueueName),
    /// The dead-letter queue of one: only redrive puts messages into it.
    DeadLetters(QueueName),
}

impl fmt::Display for QueueId {
    /// `jobs:mastodon/statuses`, `completed-dead-letters`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, suffix) = match self {
            Self::Live(name) => (name, ""),
            Self::DeadLetters(name) => (name, "-dead-letters"),
        };
        match name {
            QueueName::Jobs(job_type) => write!(f, "jobs{suffix}:{job_type}"),
            QueueName::Completed => write!(f, "completed{suffix}"),
            QueueName::Drains => write!(f, "drains{suffix}"),
        }
    }
}
