//! A job type: an endpoint, and what becomes of its responses.

use jiff::Timestamp;
use pollwheel_core::context::Context;
use pollwheel_core::policy::JobTypeSpec;

pub(crate) use super::file::FirstPoll;
use super::{AccountProblem, Cursor, ErrorRule, ItemRules, Limit, Need, Order, Pages};
use crate::cursor::{CursorError, Ledger};
use crate::request::Endpoint;
use crate::state::State;
use crate::wait::FloorSource;

/// A job type, compiled.
#[derive(Debug)]
pub struct JobType {
    pub(crate) spec: JobTypeSpec,
    /// Whether there must be a token.
    pub(crate) need: Need,
    #[expect(dead_code, reason = "for the static check")]
    pub(crate) oauth_scopes: Vec<String>,
    pub(crate) endpoint: Endpoint,
    pub(crate) conditional: bool,
    pub(crate) items: ItemRules,
    pub(crate) cursor: Cursor,
    pub(crate) pages: Option<Pages>,
    pub(crate) first_poll: FirstPoll,
    pub(crate) floor: Vec<FloorSource>,
    /// Its own limits. The channel's hold too.
    pub(crate) limits: Vec<Limit>,
    /// Its own rules, looked at before the channel's.
    pub(crate) rules: Vec<ErrorRule>,
}

impl JobType {
    /// What the core needs to know of it.
    #[must_use]
    pub const fn spec(&self) -> &JobTypeSpec {
        &self.spec
    }

    /// Whether it polls several things of an account: a template names `target`.
    #[must_use]
    pub fn takes_target(&self) -> bool {
        self.endpoint.takes_target()
    }

    /// Whether a poll could start from a context.
    pub(super) fn check_context(&self, context: &Context) -> Result<(), AccountProblem> {
        let refuse = |field, reason| Err(AccountProblem::Context { field, reason });
        let Ok(state) = State::of(context) else {
            return refuse(
                "context.poll",
                "cannot be read: write `{\"cursor\": \"<id>\"}` to start after an item, or leave it away",
            );
        };
        let Some(state) = state else { return Ok(()) };
        match Ledger::read(self.cursor.kind(), &state, Timestamp::UNIX_EPOCH) {
            Ok(_) => Ok(()),
            Err(CursorError::Unreadable("cursor")) => refuse(
                "context.poll.cursor",
                match self.cursor {
                    Cursor::GreatestId(Order::Numeric) => {
                        "is not an id of this job type: its ids are ASCII digits"
                    }
                    Cursor::GreatestId(Order::Lexicographic) => {
                        "is empty: write an item's id, or leave it away"
                    }
                    Cursor::Time { .. } => "is not a time: write one like `2026-11-23T07:45:00Z`",
                    Cursor::Seen { .. } | Cursor::Token(_) => "cannot be read: leave it away",
                },
            ),
            Err(CursorError::Unreadable(_) | CursorError::Ties | CursorError::LongList(_)) => refuse(
                "context.poll",
                "cannot be read: write `{\"cursor\": \"...\"}` and nothing else, or leave it away",
            ),
        }
    }
}
