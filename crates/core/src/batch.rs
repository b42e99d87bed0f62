//! A batch of queue records and what became of each. A record stands alone: one that fails does not fail the others.

/// A message as a queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The message id: what a failure is reported by.
    pub id: String,
    /// Its text.
    pub body: String,
}

/// A record that must come back, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The message id.
    pub id: String,
    /// The reason, without content.
    pub reason: String,
}

/// Which records of a batch must come back. Those not named are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResult {
    /// The failures.
    pub failed: Vec<Failure>,
}

impl BatchResult {
    /// Reports a record as failed: the queue delivers it again.
    pub fn fail(&mut self, record: &Record, reason: impl Into<String>) {
        self.failed.push(Failure { id: record.id.clone(), reason: reason.into() });
    }
}
