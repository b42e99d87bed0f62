//! What one poll came to.

use serde::{Deserialize, Serialize};

use crate::context::Context;

/// Longest text kept of why a poll failed, in bytes: rows are read at every dispatch.
pub const MAX_ERROR_BYTES: usize = 160;

/// Seconds after which a job is polled again that could not be polled for a reason of our own, unless its cadence brings it
/// round sooner: soon after we are mended, and not so often that all of them together stand in the way of that.
pub const UNAVAILABLE_SECONDS: u64 = 15 * 60;

/// What a rate limit counts. Declared by the channel, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The account's own token: only this job waits.
    Account,
    /// The application's key: every job of the channel waits.
    Application,
    /// The application's calls of one endpoint: every job of the job type waits.
    Endpoint,
    /// One token of the application's pool, by its name: its calls stop, others take over.
    Token(Box<str>),
    /// One host, by its authority: every job that polls it waits.
    Host(Box<str>),
}

/// What a response said of a limit. Numbers come from outside: large, small or absurd, they are only ever compared,
/// saturated and capped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReading {
    /// What the limit counts.
    pub scope: Scope,
    /// Units left in the window: calls, unless requests have costs of their own.
    pub remaining: u64,
    /// Units that we leave unused: at or under it we stop until the reset. Where one request takes `cost` units, the
    /// connector adds `cost - 1`.
    pub cushion: u64,
    /// Seconds until the window resets, from the poll. Unknown when the answer did not say so in a way we can read: the
    /// policy's default wait applies then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_seconds: Option<u64>,
}

impl LimitReading {
    /// Whether so few calls are left that we stop until the reset.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.remaining <= self.cushion
    }
}

/// What a response said about when to come back, whatever else it said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// Seconds that the server asks to leave between two polls (`max-age`, `X-Poll-Interval`): a floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_seconds: Option<u64>,
    /// Every declared limit that the response gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReading>,
}

/// What one poll came to. Closed: a new case must make someone think about what the completion does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 304, or nothing new. A context is given only when it is worth a write (a new validator).
    Unchanged {
        /// The context with fresh validators.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Context>,
    },
    /// The first poll of a job: it learned where the source stands and published nothing.
    Seeded {
        /// The context to go on from.
        context: Context,
    },
    /// New items, all accepted by the bus.
    New {
        /// How many.
        items: u32,
        /// Whether a page limit was reached before the last seen item: a follow-up poll closes the gap.
        more: bool,
        /// The context to go on from.
        context: Context,
    },
    /// The third party refused the call because of a limit.
    RateLimited {
        /// What the limit counts.
        scope: Scope,
        /// Seconds until it resets, when it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reset_seconds: Option<u64>,
    },
    /// The credentials are refused.
    Unauthorized,
    /// The account or resource does not exist (404, 410).
    Gone,
    /// A 5xx.
    ServerError {
        /// The status.
        status: u16,
        /// Seconds of `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
    },
    /// No whole answer in time.
    Timeout,
    /// No connection, or a broken one; also an address that is not allowed.
    Network {
        /// What happened, without URL or token.
        reason: String,
    },
    /// An answer that is not what the channel declares: its definition is out of date.
    BadResponse {
        /// What differs, without content.
        reason: String,
    },
    /// New items that the bus did not accept: nothing advances, the poll is repeated.
    BusRefused {
        /// What the bus said.
        reason: String,
    },
    /// The job came back from the dead-letter queue.
    Crashed,
    /// Nothing was asked, because of us: the credentials could not be read, or new ones not be kept (a key or a table that is
    /// out of reach, a permission that was taken away). It says nothing about the job, so nothing is counted against it.
    Unavailable {
        /// What failed, without secrets.
        reason: String,
    },
    /// Nothing was asked and nothing is known: somebody else is renewing the credentials, say. Nothing changes, no failure
    /// is counted, and the job is polled again at its next phase.
    Deferred {
        /// Why.
        reason: String,
        /// Seconds after which it is polled again even so: it did not fit a shared limit, and is owed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_seconds: Option<u64>,
    },
}

impl Outcome {
    /// The context that the poll leaves to the next one; none when it stays as it was.
    #[must_use]
    pub const fn context(&self) -> Option<&Context> {
        match self {
            Self::Unchanged { context } => context.as_ref(),
            Self::Seeded { context } | Self::New { context, .. } => Some(context),
            Self::RateLimited { .. }
            | Self::Unauthorized
            | Self::Gone
            | Self::ServerError { .. }
            | Self::Timeout
            | Self::Network { .. }
            | Self::BadResponse { .. }
            | Self::BusRefused { .. }
            | Self::Crashed
            | Self::Unavailable { .. }
            | Self::Deferred { .. } => None,
        }
    }

    /// The scope whose limit refused the call, and the seconds until it resets when the answer said so.
    #[must_use]
    pub const fn refusal(&self) -> Option<(&Scope, Option<u64>)> {
        if let Self::RateLimited { scope, reset_seconds } = self {
            Some((scope, *reset_seconds))
        } else {
            None
        }
    }

    /// Seconds after which a poll that did not fit a shared limit is owed.
    #[must_use]
    pub const fn deferred_seconds(&self) -> Option<u64> {
        if let Self::Deferred { again_seconds, .. } = self { *again_seconds } else { None }
    }

    /// Seconds after which a poll that was not made is owed; none when its cadence will do.
    #[must_use]
    pub const fn owed_seconds(&self) -> Option<u64> {
        if let Self::Unavailable { .. } = self { Some(UNAVAILABLE_SECONDS) } else { self.deferred_seconds() }
    }

    /// Why a poll failed, in at most [`MAX_ERROR_BYTES`]: the outcome's name and its reason. None for a poll that worked,
    /// and for a limit, one that was put off, and our own fault, which say nothing about whether it would have.
    #[must_use]
    pub fn error(&self) -> Option<Box<str>> {
        let mut text = match self {
            Self::Unchanged { .. }
            | Self::Seeded { .. }
            | Self::New { .. }
            | Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::Deferred { .. } => return None,
            Self::Unauthorized | Self::Gone | Self::Timeout | Self::Crashed => self.name().to_owned(),
            Self::ServerError { status, .. } => format!("{}: status {status}", self.name()),
            Self::Network { reason } | Self::BadResponse { reason } | Self::BusRefused { reason } => {
                format!("{}: {reason}", self.name())
            }
        };
        let end =
            text.char_indices().map(|(start, _)| start).take_while(|&start| start <= MAX_ERROR_BYTES).last();
        if text.len() > MAX_ERROR_BYTES {
            text.truncate(end.unwrap_or(0));
        }
        Some(text.into())
    }

    /// The outcome's name, for logs and counters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unchanged { .. } => "unchanged",
            Self::Seeded { .. } => "seeded",
            Self::New { .. } => "new",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Gone => "gone",
            Self::ServerError { .. } => "server_error",
            Self::Timeout => "timeout",
            Self::Network { .. } => "network",
            Self::BadResponse { .. } => "bad_response",
            Self::BusRefused { .. } => "bus_refused",
            Self::Crashed => "crashed",
            Self::Unavailable { .. } => "unavailable",
            Self::Deferred { .. } => "deferred",
        }
    }
}
