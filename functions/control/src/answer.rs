//! What the function answers. Nothing here holds a token.

use pollwheel_connector::members::Flaw;
use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::register::Registered;
use pollwheel_core::time::EpochMinute;
use serde::Serialize;

use crate::import::{Imported, Progress};
use crate::jobs::{JobState, Poll};
use crate::listing::Listed;

/// An answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The command cannot be done as it stands. Nothing was changed.
    Refused {
        /// Everything that is wrong with it, of an import the first hundred lines.
        refused: Vec<Refusal>,
    },
    /// To `register`.
    Registered {
        /// What became of the account's jobs.
        #[serde(flatten)]
        counts: Counts,
        /// The shared limits of these jobs that are asked for more than they bear: all that share one are polled less often.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        overdrawn: Vec<Overdrawn>,
    },
    /// To `change`, to `unpark`, and to `pause` and `resume` of an account.
    Changed {
        /// Jobs that are not as they were.
        changed: u64,
        /// Jobs that were so already.
        unchanged: u64,
    },
    /// To `unpark` without an account: of a page of registrations.
    Unparked {
        /// Jobs taken back into the wheel.
        unparked: u64,
        /// Jobs that were parked for another reason.
        unchanged: u64,
        /// The same command goes on from here. None: that was the last page.
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// To `remove`.
    Removed {
        /// Jobs that were unregistered.
        removed: u64,
    },
    /// To `list`.
    Listed(Listed),
    /// To `show`.
    Shown {
        /// The jobs.
        jobs: Vec<JobState>,
    },
    /// To `poll_now`.
    Polling {
        /// The jobs, each with what became of the wish.
        jobs: Vec<Poll>,
    },
    /// To `pause`.
    Paused {
        /// The channel or job type.
        paused: String,
    },
    /// To `resume`.
    Resumed {
        /// The channel or job type.
        resumed: String,
    },
    /// To `set_application`.
    ApplicationSet {
        /// The channel.
        application: String,
        /// Tokens in its pool.
        tokens: u64,
    },
    /// To `remove_application`.
    ApplicationRemoved {
        /// The channel.
        removed_application: String,
    },
    /// To an `import` that is complete.
    Imported {
        /// Yes.
        done: bool,
        /// What became of the accounts.
        #[serde(flatten)]
        imported: Imported,
    },
    /// To an `import` that ran out of time.
    Unfinished {
        /// No.
        done: bool,
        /// The same command goes on from here, given as `from`.
        next: Progress,
    },
}

/// One thing that is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The line of a file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// A flaw of a command.
    pub(crate) fn of(flaw: Flaw) -> Self {
        Self { line: None, field: flaw.field, message: flaw.message }
    }

    /// A flaw of a line.
    pub(crate) fn at(line: u32, flaw: Flaw) -> Self {
        Self { line: Some(line), ..Self::of(flaw) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            Some(field) => write!(f, "`{field}` {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A shared limit of which more is asked for than it bears. A job is registered all the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overdrawn {
    /// What shares it.
    pub limit: String,
    /// The window's length.
    pub window_seconds: u64,
    /// Turns of which a job is dispatched in one; 1: in every.
    pub turns: f64,
    /// By how much the cadences of all jobs are slower than usual; 1: not at all.
    pub slower: f64,
}

impl Overdrawn {
    /// The least factor that is told of: a price moves a little in every minute.
    const LEAST: f64 = 1.05;
    /// Minutes for which the scheduler's word is good: every job of a limit has had its turn in them.
    const GOOD_MINUTES: u32 = 1440;

    /// None when all that is asked for fits.
    pub(crate) fn of(limit: PaceKey, pace: Pace, now: EpochMinute) -> Option<Self> {
        // What is as old says nothing: nobody has asked for anything since.
        if pace.at.is_none_or(|at| now.since(at) > Self::GOOD_MINUTES) {
            return None;
        }
        let (turns, slower) =
            (pace.turns(), (f64::from(pace.price().thousandths()) / 1000.0).sqrt().max(1.0));
        let PaceKey { scope, window_seconds } = limit;
        (turns.max(slower) >= Self::LEAST).then(|| Self {
            limit: scope.to_string(),
            window_seconds,
            turns,
            slower,
        })
    }
}

/// What became of jobs that were registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones.
    pub inserted: u64,
    /// Those whose subject or level changed.
    pub changed: u64,
    /// Those taken back into the wheel.
    pub unparked: u64,
    /// Those that were there already.
    pub unchanged: u64,
}

impl From<Registered> for Counts {
    fn from(registered: Registered) -> Self {
        let Registered { inserted, changed, unparked, unchanged } = registered;
        Self { inserted, changed, unparked, unchanged }
    }
}
