//! What a poll came to: its items in order, and the context that goes with them.

use std::time::UNIX_EPOCH;

use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::Polled;

use super::{Conversation, Past, Step};
use crate::cursor::Ledger;

impl Conversation<'_> {
    /// What was found, and the state that goes with it.
    pub(super) fn finish(&mut self) -> Step {
        self.put_in_order();
        self.spare_token();
        let has_validators = self.keep_validators();
        let has_moved = self.has_moved || self.past == Past::Nothing;
        if !has_moved && !has_validators && self.found.is_empty() {
            return self.done(Outcome::Unchanged { context: None });
        }
        if has_moved {
            self.ledger.write(&mut self.state);
        }
        let more = self.state.gap.is_some() || self.has_more;
        let context = match std::mem::take(&mut self.state).into_context(&self.request.row.context) {
            Ok(context) => context,
            Err(error) => return self.bad(error.to_string()),
        };
        let items = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.done(match self.past {
            Past::Nothing | Past::Seeding if items == 0 && !more => Outcome::Seeded { context },
            Past::Polled if items == 0 && !more => Outcome::Unchanged { context: Some(context) },
            Past::Nothing | Past::Seeding | Past::Polled => Outcome::New { items, more, context },
        })
    }

    /// A token that came with nothing new is worth a write as seldom as validators are: with the one before it, what comes
    /// next will come as well.
    fn spare_token(&mut self) {
        let is_quiet = matches!(self.ledger, Ledger::Token(_)) && self.fresh == 0 && !self.has_more;
        if !is_quiet || self.is_first_poll() || self.state.cursor.is_none() {
            return;
        }
        let minute = self.wheel_minute();
        if self.state.may_save(minute) {
            self.state.saved = Some(minute);
        } else {
            self.has_moved = false;
        }
    }

    /// Oldest first. A token's pages go forward; the pages of a walk go down.
    fn put_in_order(&mut self) {
        if let Some(order) = self.ledger.order() {
            self.found.sort_by(|a, b| order.compare(&a.item.id, &b.item.id));
            return;
        }
        match &self.ledger {
            Ledger::Time(_) | Ledger::Seen(_) if self.found.iter().all(|found| found.time.is_some()) => {
                self.found.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.item.id.cmp(&b.item.id)));
            }
            Ledger::Greatest(_) | Ledger::Time(_) | Ledger::Seen(_) | Ledger::Token(_) => {}
        }
    }

    /// Puts the first page's validators into the new state. Whether they alone are worth a write.
    fn keep_validators(&mut self) -> bool {
        let Some((_, fresh)) = self.first_page.take() else { return false };
        if (self.has_moved || self.past == Past::Nothing) && self.job.endpoint.follows_cursor() {
            // The next request is another one.
            self.state.validators = None;
            return false;
        }
        if fresh.is_none() || fresh == self.state.validators {
            return false;
        }
        let minute = self.wheel_minute();
        let is_quiet = !self.has_moved && self.past != Past::Nothing;
        if is_quiet && !self.state.may_save(minute) {
            return false;
        }
        self.state.validators = fresh;
        if is_quiet {
            self.state.saved = Some(minute);
        }
        is_quiet
    }

    /// Minutes, in the wheel's measure of time: an accelerated wheel has them more often.
    fn wheel_minute(&self) -> u64 {
        let since_epoch = self.reader.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.reader.scale.wheel_seconds(since_epoch.as_secs()) / 60
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Step {
        let is_new = matches!(outcome, Outcome::New { .. });
        let found = if is_new { std::mem::take(&mut self.found) } else { Vec::new() };
        let items = found.into_iter().map(|found| found.item).collect();
        Step::Done(Polled { outcome, hints: std::mem::take(&mut self.hints), items, requests: self.requests })
    }
}
