//! From page to page: what an answer means for the walk, and when the walk ends.

use std::time::Duration;

use pollwheel_core::outcome::{LimitReading, Outcome};
use pollwheel_core::ports::{Request, Secret};

use super::following::{self, Trail};
use super::walk::{Footing, Place, Start, Verdict, Walk};
use super::{Conversation, Past, Step};
use crate::base_url::Origin;
use crate::body_filter::JsonBody;
use crate::channel::{Cursor, Follow, JobType, TokenSource};
use crate::cursor::Ledger;
use crate::exchange::Response;
use crate::items::Page;
use crate::state::State;
use crate::template::percent_encode;

/// Most pages of one poll, also of one that has to find its place again.
const MAX_PAGES: u32 = 50;
/// Bytes of pages, decoded, after which a poll asks for no more.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;

impl Conversation<'_> {
    /// What comes after a page.
    pub(super) fn verdict(
        &mut self,
        response: &Response,
        body: &JsonBody<'_>,
        page: &Page,
    ) -> Result<Verdict, String> {
        let has_moved = self.take_token(response, body, page)?;
        if self.past == Past::Nothing && !matches!(self.ledger, Ledger::Token(_)) {
            // The first poll learns where the timeline stands, and no more.
            return Ok(Verdict::Reached);
        }
        let trail = Trail {
            response,
            body,
            page,
            here: &self.walk.next,
            origin: self.base.origin(),
            sending: &self.sending,
        };
        let next = match &self.job.pages {
            Some(pages) => following::next(pages, trail)?,
            None => None,
        };
        if next == Some(Place::Token) && !has_moved {
            return Ok(Verdict::Circle("the token that leads to the next page is the same again"));
        }
        Ok(self.walk.after(page, &self.ledger, self.job.pages.as_ref(), next))
    }

    /// Takes the API's own token from an answer. Whether it is another one than before.
    fn take_token(&mut self, response: &Response, body: &JsonBody<'_>, page: &Page) -> Result<bool, String> {
        let Cursor::Token(source) = &self.job.cursor else { return Ok(false) };
        let failed = |reason: &str| Err(format!("`cursor.token.from`: {reason}"));
        let token = match source {
            TokenSource::Body(filter) => match filter.scalar(body) {
                Ok(token) => token,
                Err(error) => return failed(&error.to_string()),
            },
            TokenSource::Header(name) => {
                let value = response.headers.get(name).and_then(|value| value.to_str().ok());
                value.map(str::to_owned)
            }
        };
        let token = token.filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| token.len() > MAX_TOKEN_BYTES) {
            return failed(&format!("it is longer than {MAX_TOKEN_BYTES} bytes"));
        }
        let Ledger::Token(known) = &mut self.ledger else { return Ok(false) };
        let has_moved = token.is_some() && token != *known;
        match token {
            // Without a token that goes on, the same items would come again and again.
            None if page.elements > 0 => return failed("there is none beside the items"),
            Some(_) if page.elements > 0 && !has_moved => {
                return failed("it is the same as before, although there are items");
            }
            Some(token) if has_moved => *known = Some(token),
            Some(_) | None => {}
        }
        self.has_moved |= has_moved;
        Ok(has_moved)
    }

    /// A page or its end was read: on, or done.
    pub(super) fn walked(&mut self, verdict: Verdict, time_left: Duration) -> Step {
        let may_go_on = self.may_go_on(time_left);
        match verdict {
            Verdict::Circle(reason) => self.bad(reason.to_owned()),
            Verdict::Astray => self.restart(),
            Verdict::Onwards | Verdict::Lookback if may_go_on => self.go_on(),
            Verdict::Onwards => self.pause(),
            Verdict::Lookback | Verdict::Reached => {
                if let Err(error) = self.reach() {
                    return self.bad(error);
                }
                // Above a closed gap there may be more.
                if self.walk.start == Start::Gap && may_go_on {
                    self.walk = Walk::from_top();
                    return self.go_on();
                }
                self.finish()
            }
        }
    }

    /// Whether the poll may ask for another page.
    fn may_go_on(&self, time_left: Duration) -> bool {
        // A walk in a gap gets somewhere, however many pages it takes to find its place again.
        let is_lost = self.walk.start == Start::Gap && self.fresh == 0 && self.pages < MAX_PAGES;
        (self.pages_left > 0 || is_lost)
            && self.bytes < MAX_BYTES
            && time_left >= self.request.budget / 4
            // What a request costs counts in the reading's cushion.
            && !self.hints.limits.iter().any(LimitReading::is_spent)
    }

    pub(super) fn go_on(&mut self) -> Step {
        match self.ask() {
            Ok(outbound) => Step::Ask(outbound),
            Err(reason) => self.bad(reason),
        }
    }

    /// The walk ends here for now.
    fn pause(&mut self) -> Step {
        match self.ledger {
            Ledger::Token(_) => {
                self.has_more = true;
                self.state.seeding = self.is_first_poll();
                if self.state.seeding {
                    // The newest of them are yet to come.
                    self.found.clear();
                }
            }
            Ledger::Greatest(_) | Ledger::Time(_) | Ledger::Seen(_) => self.leave_gap(),
        }
        self.finish()
    }

    /// The low-water mark moves up to the newest item published.
    fn reach(&mut self) -> Result<(), String> {
        self.has_moved |= self.fresh > 0 || self.state.gap.is_some() || self.state.seeding;
        self.state.seeding = false;
        self.state.gap = None;
        self.ledger.raise().map_err(|error| error.to_string())
    }

    /// The walk ends above the low-water mark: what is between waits for the next poll.
    fn leave_gap(&mut self) {
        let next = self.walk.resumption().kept().filter(|next| !self.holds_secret(next));
        let gap = Some(self.ledger.gap(next));
        self.has_moved |= gap != self.state.gap;
        self.state.gap = gap;
    }

    /// Whether a text that is to be kept has a secret in it, as the server may have put it there.
    fn holds_secret(&self, text: &str) -> bool {
        let Request { credentials, application, token, .. } = self.request;
        let credentials =
            credentials.into_iter().chain(application.map(|application| &application.credentials));
        let secrets = credentials.flat_map(|credentials| credentials.secrets.values());
        let secrets = secrets.chain(token.map(|token| &token.token)).map(Secret::expose);
        secrets.filter(|secret| !secret.is_empty()).any(|secret| {
            let mut encoded = String::new();
            percent_encode(secret, &mut encoded);
            text.contains(secret) || text.contains(&encoded)
        })
    }

    /// An answer that is no page.
    pub(super) fn refuse(&mut self, outcome: Outcome) -> Step {
        let is_lost = matches!(outcome, Outcome::Gone | Outcome::BadResponse { .. });
        if is_lost && self.walk.footing == Footing::Kept {
            self.restart()
        } else if matches!(outcome, Outcome::Unchanged { .. }) && self.fresh > 0 {
            self.bad("a further page says that nothing is new".to_owned())
        } else {
            self.stop(outcome)
        }
    }

    /// An answer that is not what the channel declares.
    pub(super) fn unusable(&mut self, reason: String) -> Step {
        if self.walk.footing == Footing::Kept { self.restart() } else { self.bad(reason) }
    }

    /// Pages move: the one that was kept is no more, or is elsewhere. From the first page the gap is found again.
    pub(super) fn restart(&mut self) -> Step {
        self.walk.restart();
        self.ledger.forget_walk();
        self.met.clear();
        self.go_on()
    }

    /// A failure. What earlier pages brought is kept where the server merely did not answer; an answer that contradicts
    /// the channel casts doubt on them too.
    pub(super) fn stop(&mut self, outcome: Outcome) -> Step {
        let wait = match &outcome {
            Outcome::Timeout | Outcome::Network { .. } | Outcome::Deferred { .. } => None,
            Outcome::ServerError { retry_after_seconds, .. } => *retry_after_seconds,
            Outcome::RateLimited { reset_seconds, .. } => *reset_seconds,
            Outcome::Unchanged { .. }
            | Outcome::Seeded { .. }
            | Outcome::New { .. }
            | Outcome::Unauthorized
            | Outcome::Gone
            | Outcome::BadResponse { .. }
            | Outcome::BusRefused { .. }
            | Outcome::Unavailable { .. }
            | Outcome::Crashed => return self.done(outcome),
        };
        if self.fresh == 0 && !self.has_moved {
            return self.done(outcome);
        }
        if let Outcome::RateLimited { scope, reset_seconds } = outcome {
            // The outcome tells of items: that the limit is spent, only its reading still says.
            self.hints.limits.push(LimitReading { scope, remaining: 0, cushion: 0, reset_seconds });
        }
        self.hints.floor_seconds = self.hints.floor_seconds.max(wait);
        // Of a walk that has read nothing yet, because it began above a gap that was closed, nothing is left to do.
        if self.walk.here.is_some() { self.pause() } else { self.finish() }
    }

    pub(super) fn bad(&mut self, reason: String) -> Step {
        self.done(Outcome::BadResponse { reason })
    }
}

/// Where a poll begins.
pub(super) fn first_walk(job: &JobType, state: &State, origin: &Origin) -> Walk {
    let (Some(gap), Some(pages)) = (&state.gap, &job.pages) else { return Walk::from_top() };
    if matches!(job.cursor, Cursor::Token(_)) {
        return Walk::from_top();
    }
    let mut place = Place::read(gap.next.as_deref(), &pages.follow);
    if let (Cursor::GreatestId(_), Follow::MaxId(_), Some(oldest)) = (&job.cursor, &pages.follow, &gap.oldest)
    {
        place = Place::Below(oldest.clone());
    }
    // The account may have moved since.
    if matches!(&place, Place::At(uri) if !origin.holds(uri)) {
        place = Place::First;
    }
    let mut walk = Walk::from_gap(place);
    if gap.newest.is_none() && gap.known.is_none() {
        // Nothing is published that a page could be compared with.
        walk.footing = Footing::Sure;
    }
    walk
}
