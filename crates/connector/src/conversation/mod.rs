//! One poll, without its I/O: what to ask, what an answer means, what to ask next, what it all came to.
//!
//! [`Conversation::start`] gives the first request; [`Conversation::answer`] takes each answer and gives the next request or
//! the result. Whoever drives it makes the requests: over HTTP, from a recording, from a test. It is also why jq's values,
//! which stay on one thread, never wait for the network.

mod asking;
mod ending;
mod following;
mod stepping;
mod walk;

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use jiff::Timestamp;
use pollwheel_core::outcome::{Hints, LimitReading, Outcome};
use pollwheel_core::ports::{Polled, Request};

use self::walk::{Place, Verdict, Walk};
use crate::answer::Answer;
use crate::auth::Sending;
use crate::base_url::BaseUrl;
use crate::channel::{Channel, FirstPoll, JobType, Token};
use crate::cursor::{IdHash, Ledger};
use crate::exchange::{FetchError, Outbound, Response};
use crate::items::{self, Found, Page, Wanted};
use crate::reading::Reader;
use crate::state::{RequestKey, State, Validators};
use crate::wait::Scale;

/// The clock and scale of a poll.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Our clock.
    pub(crate) now: SystemTime,
    pub(crate) scale: Scale,
}

/// What happens next.
pub(crate) enum Step {
    /// This request, and then its answer.
    Ask(Outbound),
    /// Nothing: this is what it came to.
    Done(Polled),
}

/// What went before a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    /// It is the first.
    Nothing,
    /// The first poll has not come to the end of its pages yet.
    Seeding,
    /// The job knows where its timeline stands.
    Polled,
}

/// One poll.
pub(crate) struct Conversation<'a> {
    job: &'a JobType,
    request: Request<'a>,
    reader: Reader<'a>,
    base: Cow<'a, BaseUrl>,
    sending: Sending,
    past: Past,
    /// The state as it becomes, but for what the ledger knows.
    state: State,
    ledger: Ledger,
    /// Whether ledger or gap have changed.
    has_moved: bool,
    walk: Walk,
    pages_left: u32,
    /// Pages asked for, and their bytes, decoded.
    pages: u32,
    bytes: usize,
    /// Validators were sent with the request under way.
    asked_for_changes: bool,
    /// The key of the first page's request, and the validators in its answer.
    first_page: Option<(RequestKey, Option<Validators>)>,
    found: Vec<Found>,
    /// Wanted elements, also those that were dropped.
    fresh: usize,
    /// What the pages of the walk brought.
    met: HashSet<IdHash>,
    /// A token leads to more pages than this poll may ask for.
    has_more: bool,
    hints: Hints,
    requests: u32,
}

impl<'a> Conversation<'a> {
    /// Begins a poll.
    ///
    /// # Errors
    /// The outcome, when the job cannot be polled at all. Boxed, because it is the rare case.
    pub(crate) fn start(
        channel: &'a Channel,
        job: &'a JobType,
        request: Request<'a>,
        moment: Moment,
    ) -> Result<(Self, Outbound), Box<Polled>> {
        let refused = |outcome| Box::new(polled(outcome));
        let bad = |reason: String| refused(Outcome::BadResponse { reason });
        let state = State::of(&request.row.context).map_err(|error| bad(error.to_string()))?;
        let base = channel.base_of(job, request.row);
        let base = base.map_err(|reason| bad(format!("the account's `base_url`: {reason}")))?;
        let past = match &state {
            None => Past::Nothing,
            Some(state) if state.seeding => Past::Seeding,
            Some(_) => Past::Polled,
        };
        let state = state.unwrap_or_default();
        let now = Timestamp::try_from(moment.now).unwrap_or(Timestamp::MAX);
        let ledger = Ledger::read(job.cursor.kind(), &state, now).map_err(|error| bad(error.to_string()))?;
        let host = channel.whose(&base);
        let sending = Sending::of(&channel.auth, job.need, host, request).map_err(refused)?;
        let token = if sending.is_something() { Token::Present } else { Token::Absent };
        let pool = request.token;
        let reader = Reader { channel, job, token, pool, host, now: moment.now, scale: moment.scale };
        let mut conversation = Self {
            walk: stepping::first_walk(job, &state, base.origin()),
            pages_left: job.pages.as_ref().map_or(1, |pages| pages.limit),
            pages: 0,
            bytes: 0,
            job,
            request,
            reader,
            base,
            sending,
            past,
            state,
            ledger,
            has_moved: false,
            asked_for_changes: false,
            first_page: None,
            found: Vec::new(),
            fresh: 0,
            met: HashSet::new(),
            has_more: false,
            hints: Hints::default(),
            requests: 0,
        };
        let outbound = conversation.ask().map_err(bad)?;
        Ok((conversation, outbound))
    }

    /// Takes an answer. `time_left` is what remains of the request's budget.
    pub(crate) fn answer(&mut self, answer: Result<Response, FetchError>, time_left: Duration) -> Step {
        // A shared limit without room is as a limit of pages: what was read is kept, and the gap.
        if answer.as_ref().err() == Some(&FetchError::OverBudget) {
            return self.stop(FetchError::OverBudget.into());
        }
        self.requests += 1;
        let response = match answer {
            Ok(response) => {
                self.requests += response.redirects;
                response
            }
            Err(error) => return self.stop(error.into()),
        };
        let answer = Answer::new(&response, self.job.items.format);
        let limits = self.reader.limits(&answer);
        let is_unchanged = response.status == StatusCode::NOT_MODIFIED && self.asked_for_changes;
        let refusal = match response.status {
            StatusCode::OK => self.reader.ruled(&answer, &limits),
            _ if is_unchanged => None,
            _ => Some(self.reader.refusal(&answer, &limits)),
        };
        self.take_hints(limits, &answer);
        match refusal {
            Some(outcome) => self.refuse(outcome),
            None if is_unchanged => {
                self.first_page = None;
                self.walked(Verdict::Reached, time_left)
            }
            None => self.page(&answer, time_left),
        }
    }

    fn take_hints(&mut self, limits: Vec<LimitReading>, answer: &Answer<'_>) {
        if !limits.is_empty() {
            self.hints.limits = limits;
        }
        let floor = self.reader.floor(answer);
        self.hints.floor_seconds = self.hints.floor_seconds.max(floor);
    }

    /// A page of items, and where it leads.
    fn page(&mut self, answer: &Answer<'_>, time_left: Duration) -> Step {
        self.bytes = self.bytes.saturating_add(answer.response.body.len());
        let body = match answer.body() {
            Ok(body) => body,
            Err(error) => return self.unusable(format!("the body cannot be used: {error}")),
        };
        let most = self.most();
        let wanted = Wanted { ledger: &mut self.ledger, met: &mut self.met, most };
        let page = match items::read(&self.job.items, body.text(), wanted) {
            Ok(page) => page,
            Err(reason) => return self.unusable(reason),
        };
        if let Some((key, validators)) = &mut self.first_page {
            // Only the answer to the first page's request comes while its key is fresh.
            if validators.is_none() && self.walk.next == Place::First && self.job.conditional {
                *validators = Validators::read(&answer.response.headers, *key);
            }
        }
        match self.verdict(answer.response, body, &page) {
            Ok(verdict) => self.take(page, verdict, time_left),
            Err(reason) => self.unusable(reason),
        }
    }

    /// Takes a page's items, unless the walk turns back from it.
    fn take(&mut self, page: Page, verdict: Verdict, time_left: Duration) -> Step {
        if verdict == Verdict::Astray {
            return self.restart();
        }
        self.fresh += page.fresh;
        if matches!(self.ledger, Ledger::Greatest(_)) && verdict != Verdict::Reached {
            self.met.extend(page.items.iter().map(|found| IdHash::of(&found.item.id)));
        }
        self.found.extend(page.items);
        let surplus = self.found.len().saturating_sub(self.most());
        self.found.drain(..surplus);
        self.walked(verdict, time_left)
    }

    /// Whether what comes was there before the first poll.
    fn is_first_poll(&self) -> bool {
        matches!(self.past, Past::Nothing | Past::Seeding)
    }

    /// The most items that the poll may publish.
    fn most(&self) -> usize {
        match (self.is_first_poll(), self.job.first_poll) {
            (false, _) => usize::MAX,
            (true, FirstPoll::Seed) => 0,
            (true, FirstPoll::Publish(most)) => usize::try_from(most).unwrap_or(usize::MAX),
        }
    }
}

/// A result without a request.
pub(crate) fn polled(outcome: Outcome) -> Polled {
    Polled { outcome, hints: Hints::default(), items: Vec::new(), requests: 0 }
}

#[cfg(test)]
mod tests;
