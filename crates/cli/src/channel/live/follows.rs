//! What a deployment would do after a poll: the core's own decision, and the minute of the next poll.

use pollwheel_core::activity::Price;
use pollwheel_core::decide::{Decision, Finished, Step, decide};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::Polled;
use pollwheel_core::row::JobRow;
use pollwheel_core::time::{EpochMinute, Timestamp};
use serde_json::{Value, json};

use crate::job::{cause, next_poll};

/// What follows from a poll.
#[derive(Debug)]
pub(in crate::channel) struct Follows {
    pub(in crate::channel) decision: Decision,
    /// The row that the decision leaves.
    pub(in crate::channel) row: JobRow,
    pub(in crate::channel) next: Option<EpochMinute>,
    because: String,
    now: Timestamp,
}

impl Follows {
    /// What follows from a poll of `row` that ended `now`.
    pub(in crate::channel) fn of(row: &JobRow, polled: &Polled, spec: &JobTypeSpec, now: Timestamp) -> Self {
        let Polled { outcome, hints, .. } = polled;
        let finished = Finished { due: now.minute(), polled_at: now, outcome, hints, price: Price::USUAL };
        let decision = decide(now, row, &finished, spec, 0);
        let after = match &decision.step {
            Step::Stay => row.clone(),
            Step::Update(next) | Step::Move(next) | Step::Park(next) => (**next).clone(),
        };
        let wakes: Vec<EpochMinute> = decision.wake.into_iter().collect();
        let (next, because) = next_poll(&after, now.minute().plus(1), &wakes);
        Self { decision, row: after, next, because, now }
    }

    /// Seconds from the poll to the first moment that the next one may leave.
    pub(in crate::channel) fn wait_seconds(&self) -> Option<u64> {
        let mut wait = self.next?.start().since(self.now).as_secs();
        for throttle in &self.decision.throttles {
            wait = wait.max(throttle.until.since(self.now).as_secs());
        }
        Some(wait)
    }

    /// What is written, in words.
    pub(in crate::channel) fn step(&self) -> String {
        let cadence = |row: &JobRow| {
            row.place.cohort().map_or_else(|| "-".to_owned(), |cohort| cohort.cadence.to_string())
        };
        match &self.decision.step {
            Step::Stay => "nothing changes, nothing is written".to_owned(),
            Step::Update(row) => format!("one update of the row: {}", changes(row)),
            Step::Move(row) => {
                format!("the job moves to a cadence of {} min: {}", cadence(row), changes(row))
            }
            Step::Park(row) => {
                let reason = row.parked.map_or("", |parked| parked.reason.as_str());
                format!("the job is parked ({reason}), and a notice is published")
            }
        }
    }

    /// When the next poll would be, and why then.
    pub(in crate::channel) fn next_text(&self) -> String {
        match self.next {
            Some(minute) => {
                let minutes = minute.since(self.now.minute());
                format!("{minute}, in {minutes} min: {}", self.because)
            }
            None => format!("never: {}", self.because),
        }
    }

    pub(in crate::channel) fn json(&self) -> Value {
        let step = match self.decision.step {
            Step::Stay => "stay",
            Step::Update(_) => "update",
            Step::Move(_) => "move",
            Step::Park(_) => "park",
        };
        json!({
            "step": step,
            "terms": self.decision.terms,
            "wake_up": self.decision.wake.map(|minute| minute.to_string()),
            "throttles": self.throttles(),
            "notice": self.decision.notice.map(|reason| reason.as_str()),
            "next_poll": self.next.map(|minute| minute.to_string()),
            "because": self.because,
        })
    }

    /// Shared limits that stop others too.
    pub(in crate::channel) fn throttles(&self) -> Vec<String> {
        let text = |throttle: &pollwheel_core::decide::Throttle| {
            format!("{} stops until {}", throttle.scope, throttle.until.to_rfc3339())
        };
        self.decision.throttles.iter().map(text).collect()
    }
}

fn changes(row: &JobRow) -> String {
    let mut parts = Vec::new();
    if row.context_rev == row.rev {
        parts.push("a new context".to_owned());
    }
    if let Some(hold) = row.hold {
        parts.push(format!("on hold until {} ({})", hold.until, cause(hold.cause)));
    }
    if row.failures > 0 {
        parts.push(format!("{} failures in a row", row.failures));
    }
    if parts.is_empty() { "counters".to_owned() } else { parts.join(", ") }
}
