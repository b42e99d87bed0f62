//! One poll, without its I/O: what to ask, what an answer means, what to ask next, what it all came to.
//!
//! [`Conversation::start`] gives the first request; [`Conversation::answer`] takes each answer and gives the next request or
//! the result. Whoever drives it makes the requests: over HTTP, from a recording, from a test. It is also why jq's values,
//! which stay on one thread, never wait for the network.

mod walk;

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{StatusCode, Uri, header};
use pollwheel_core::event::Item;
use pollwheel_core::outcome::{Hints, LimitReading, Outcome};
use pollwheel_core::ports::{Polled, Request};

use self::walk::{Next, Start, Verdict, Walk};
use crate::answer::Answer;
use crate::auth::Sending;
use crate::base_url::{self, BaseUrl, Origin};
use crate::channel::{Channel, FirstPoll, Follow, JobType, Token};
use crate::exchange::{FetchError, Outbound, Response};
use crate::items::{self, Page, Wanted};
use crate::reading::{Host, Reader};
use crate::request::{JobValues, Parameter};
use crate::state::{self, Gap, State, Validators};
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

/// One poll.
pub(crate) struct Conversation<'a> {
    job: &'a JobType,
    request: Request<'a>,
    reader: Reader<'a>,
    base: Cow<'a, BaseUrl>,
    sending: Sending,
    /// The state as it was.
    before: Option<State>,
    /// The state as it becomes.
    state: State,
    walk: Walk,
    pages_left: u32,
    /// Validators were sent with the request under way.
    asked_for_changes: bool,
    /// The key of the first page's request, and the validators in its answer.
    first_page: Option<(String, Option<Validators>)>,
    found: Vec<Item>,
    seen: HashSet<String>,
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
        let before = State::of(&request.row.context).map_err(|error| bad(error.to_string()))?;
        let base = channel.base_of(job, request.row);
        let base = base.map_err(|reason| bad(format!("the account's `base_url`: {reason}")))?;
        let state = before.clone().unwrap_or_default();
        let is_channels = channel.base_url.as_ref().is_some_and(|own| own.origin() == base.origin());
        let host = if is_channels { Host::Channels } else { Host::Accounts };
        let sending = Sending::of(&channel.auth, job.need, host, request).map_err(refused)?;
        let token = if sending.is_something() { Token::Present } else { Token::Absent };
        let pool = request.token;
        let reader = Reader { channel, job, token, pool, host, now: moment.now, scale: moment.scale };
        let mut conversation = Self {
            walk: first_walk(job, &state, base.origin()),
            pages_left: job.pages.as_ref().map_or(1, |pages| pages.limit),
            job,
            request,
            reader,
            base,
            sending,
            before,
            state,
            asked_for_changes: false,
            first_page: None,
            found: Vec::new(),
            seen: HashSet::new(),
            hints: Hints::default(),
            requests: 0,
        };
        let outbound = conversation.ask().map_err(bad)?;
        Ok((conversation, outbound))
    }

    /// Takes an answer. `time_left` is what remains of the request's budget.
    pub(crate) fn answer(&mut self, answer: Result<Response, FetchError>, time_left: Duration) -> Step {
        self.requests += 1;
        let response = match answer {
            Ok(response) => {
                self.requests += response.redirects;
                response
            }
            Err(error) => return self.stop(error.into()),
        };
        let answer = Answer::new(&response, self.job.items.format);
        let limits = self.take_hints(&answer);
        match response.status {
            StatusCode::OK => match self.reader.ruled(&answer, &limits) {
                Some(outcome) => self.stop(outcome),
                None => self.page(&answer, time_left),
            },
            StatusCode::NOT_MODIFIED if self.asked_for_changes => {
                self.first_page = None;
                self.walked(Verdict::Reached, time_left)
            }
            _ => self.refused(&answer, &limits),
        }
    }

    fn take_hints(&mut self, answer: &Answer<'_>) -> Vec<LimitReading> {
        let limits = self.reader.limits(answer);
        if !limits.is_empty() {
            self.hints.limits.clone_from(&limits);
        }
        let floor = self.reader.floor(answer);
        self.hints.floor_seconds = self.hints.floor_seconds.max(floor);
        limits
    }

    fn page(&mut self, answer: &Answer<'_>, time_left: Duration) -> Step {
        let response = answer.response;
        let document = match answer.body() {
            Ok(document) => document.text(),
            Err(error) => return self.bad(format!("the body cannot be used: {error}")),
        };
        let most = match (&self.before, self.job.first_poll) {
            (Some(_), _) => usize::MAX,
            (None, FirstPoll::Seed) => 0,
            (None, FirstPoll::Publish(most)) => usize::try_from(most).unwrap_or(usize::MAX),
        };
        let wanted = Wanted {
            order: self.job.order(),
            low: self.state.cursor.as_deref(),
            below: self.walk.below.as_deref(),
            seen: &self.seen,
            most,
        };
        let page = match items::read(&self.job.items, document, wanted) {
            Ok(page) => page,
            Err(reason) => return self.bad(reason),
        };
        if let Some((key, validators)) = &mut self.first_page {
            // Only the answer to the first page's request comes while its key is fresh.
            if validators.is_none() && self.walk.next == Next::First && self.job.conditional {
                *validators = Validators::read(&response.headers, key.clone());
            }
        }
        if self.before.is_none() {
            return self.first_poll(page);
        }
        let link = match self.next_link(response) {
            Ok(link) => link,
            Err(reason) => return self.bad(reason),
        };
        let verdict = self.walk.after(&page, self.job.pages.as_ref(), link, self.job.order());
        if verdict == Verdict::Onwards {
            self.seen.extend(page.items.iter().map(|item| item.id.clone()));
        }
        self.found.extend(page.items);
        self.walked(verdict, time_left)
    }

    /// The first poll ever: it learns where the timeline stands.
    fn first_poll(&mut self, page: Page) -> Step {
        self.state.cursor = page.newest;
        self.found = page.items;
        self.finish()
    }

    /// The next page's URL, when the channel follows links. It must not lead the credentials elsewhere.
    fn next_link(&self, response: &Response) -> Result<Option<Uri>, String> {
        match &self.job.pages {
            Some(pages) if matches!(pages.follow, Follow::LinkHeader) => {}
            Some(_) | None => return Ok(None),
        }
        let links = response.headers.get_all(header::LINK).iter();
        let Some(link) = base_url::next_link(links) else { return Ok(None) };
        let uri = base_url::join(&response.uri, link);
        let uri = uri.map_err(|error| format!("the link to the next page cannot be followed: {error}"))?;
        let uri = self.sending.unsigned(uri);
        // Also where a redirect led elsewhere: the credentials were left behind there.
        if self.base.origin().holds(&uri) {
            Ok(Some(uri))
        } else {
            Err("the link to the next page leads to another origin".to_owned())
        }
    }

    fn walked(&mut self, verdict: Verdict, time_left: Duration) -> Step {
        let may_go_on = self.pages_left > 0
            && time_left >= self.request.budget / 4
            && !self.hints.limits.iter().any(LimitReading::is_spent);
        match verdict {
            Verdict::Circle(reason) => self.bad(reason.to_owned()),
            Verdict::Onwards if may_go_on => self.go_on(),
            Verdict::Onwards => {
                self.leave_gap();
                self.finish()
            }
            Verdict::Reached => {
                self.reach();
                // Above a closed gap there may be more.
                if self.walk.start == Start::Gap && may_go_on {
                    self.walk = Walk::from_top();
                    return self.go_on();
                }
                self.finish()
            }
        }
    }

    fn go_on(&mut self) -> Step {
        match self.ask() {
            Ok(outbound) => Step::Ask(outbound),
            Err(reason) => self.bad(reason),
        }
    }

    /// The low-water mark moves up to the newest item published.
    fn reach(&mut self) {
        let newest = match (self.walk.start, self.state.gap.take()) {
            (Start::Gap, Some(gap)) => Some(gap.newest),
            (Start::Top, _) | (Start::Gap, None) => self.walk.newest.clone(),
        };
        if let Some(newest) = newest {
            let cursor = self.state.cursor.as_ref();
            if cursor.is_none_or(|cursor| self.job.order().is_newer(&newest, cursor)) {
                self.state.cursor = Some(newest);
            }
        }
    }

    /// The walk ends above the low-water mark: what is between waits for the next poll.
    fn leave_gap(&mut self) {
        let next = match &self.walk.next {
            Next::At(uri) => Some(uri.to_string()),
            Next::First | Next::Below(_) => None,
        };
        let before = self.state.gap.take();
        let newest = match self.walk.start {
            Start::Gap => before.as_ref().map(|gap| gap.newest.clone()),
            Start::Top => self.walk.newest.clone(),
        };
        let oldest = self.walk.oldest.clone().or_else(|| before.map(|gap| gap.oldest));
        if let (Some(newest), Some(oldest)) = (newest, oldest) {
            self.state.gap = Some(Gap { newest, oldest, next });
        }
    }

    /// The request for the walk's next page.
    fn ask(&mut self) -> Result<Outbound, String> {
        self.pages_left = self.pages_left.saturating_sub(1);
        let uri = match &self.walk.next {
            Next::At(uri) => uri.clone(),
            Next::First => self.uri(None)?,
            Next::Below(id) => self.uri(Some(id))?,
        };
        if let Verdict::Circle(reason) = self.walk.visit(&uri) {
            return Err(reason.to_owned());
        }
        let values = JobValues::of(self.request).after(self.state.cursor.as_deref());
        let mut outbound = self.job.endpoint.outbound(uri, &values).map_err(|error| error.to_string())?;
        self.asked_for_changes = false;
        if self.job.conditional && self.walk.start == Start::Top && self.walk.next == Next::First {
            let key = state::request_key(&outbound.uri);
            if let Some(validators) = self.state.validators.as_ref().filter(|validators| validators.of == key)
            {
                validators.write(&mut outbound.headers);
                self.asked_for_changes = true;
            }
            self.first_page = Some((key, None));
        }
        self.sending.sign(&mut outbound);
        Ok(outbound)
    }

    fn uri(&self, below: Option<&str>) -> Result<Uri, String> {
        let below = match (below, self.job.pages.as_ref().map(|pages| &pages.follow)) {
            (Some(id), Some(Follow::MaxId(parameter))) => Some(Parameter { name: parameter, value: id }),
            (Some(_) | None, Some(_) | None) => None,
        };
        let values = JobValues::of(self.request).after(self.state.cursor.as_deref());
        let target = self.job.endpoint.target(self.base.prefix(), &values, below);
        let target = target.map_err(|error| error.to_string())?;
        self.base.origin().uri(target).map_err(|error| format!("the request's URL: {error}"))
    }

    fn refused(&mut self, answer: &Answer<'_>, limits: &[LimitReading]) -> Step {
        let outcome = self.reader.refusal(answer, limits);
        let is_lost = matches!(outcome, Outcome::Gone | Outcome::BadResponse { .. });
        let at_stored_page = self.walk.start == Start::Gap && matches!(self.walk.next, Next::At(_));
        if is_lost && at_stored_page && self.found.is_empty() && self.pages_left > 0 {
            // Pages move: the one that was kept is no more. From the first page the gap is found again.
            self.walk.next = Next::First;
            return self.go_on();
        }
        self.stop(outcome)
    }

    /// A failure. What earlier pages brought is kept where the server merely did not answer; an answer that contradicts
    /// the channel casts doubt on them too.
    fn stop(&mut self, outcome: Outcome) -> Step {
        let has_progress =
            !self.found.is_empty() || self.before.as_ref().is_some_and(|before| before.gap != self.state.gap);
        let wait = match &outcome {
            Outcome::Timeout | Outcome::Network { .. } => None,
            Outcome::ServerError { retry_after_seconds, .. } => *retry_after_seconds,
            Outcome::RateLimited { reset_seconds, .. } => *reset_seconds,
            Outcome::Unchanged { .. }
            | Outcome::Seeded { .. }
            | Outcome::New { .. }
            | Outcome::Unauthorized
            | Outcome::Gone
            | Outcome::BadResponse { .. }
            | Outcome::BusRefused { .. }
            | Outcome::Crashed
            | Outcome::Deferred { .. } => return self.done(outcome),
        };
        if !has_progress {
            return self.done(outcome);
        }
        if let Outcome::RateLimited { scope, reset_seconds } = outcome {
            // The outcome tells of items: that the limit is spent, only its reading still says.
            self.hints.limits.push(LimitReading { scope, remaining: 0, cushion: 0, reset_seconds });
        }
        self.hints.floor_seconds = self.hints.floor_seconds.max(wait);
        if !self.found.is_empty() && self.walk.oldest.is_some() {
            self.leave_gap();
        }
        self.finish()
    }

    fn bad(&mut self, reason: String) -> Step {
        self.done(Outcome::BadResponse { reason })
    }

    /// What was found, and the state that goes with it.
    fn finish(&mut self) -> Step {
        let order = self.job.order();
        self.found.sort_by(|a, b| order.compare(&a.id, &b.id));
        let before = self.before.take();
        let moved = before
            .as_ref()
            .is_none_or(|before| (&before.cursor, &before.gap) != (&self.state.cursor, &self.state.gap));
        let has_validators = self.keep_validators(before.as_ref());
        if !moved && !has_validators && self.found.is_empty() {
            return self.done(Outcome::Unchanged { context: None });
        }
        let more = self.state.gap.is_some();
        let context = match std::mem::take(&mut self.state).into_context(&self.request.row.context) {
            Ok(context) => context,
            Err(error) => return self.bad(error.to_string()),
        };
        let items = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.done(match before {
            None if items == 0 => Outcome::Seeded { context },
            Some(_) if items == 0 && !more => Outcome::Unchanged { context: Some(context) },
            Some(_) | None => Outcome::New { items, more, context },
        })
    }

    /// Puts the first page's validators into the new state. Whether they alone are worth a write.
    fn keep_validators(&mut self, before: Option<&State>) -> bool {
        let Some((_, fresh)) = self.first_page.take() else { return false };
        let moved =
            before.is_none_or(|before| before.cursor != self.state.cursor) || self.state.gap.is_some();
        if moved && self.job.endpoint.follows_cursor() {
            // The next request is another one.
            self.state.validators = None;
            return false;
        }
        if fresh.is_none() || fresh == self.state.validators {
            return false;
        }
        let minute = self.wheel_minute();
        let is_quiet = self.found.is_empty() && before.is_some();
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

    fn done(&mut self, outcome: Outcome) -> Step {
        let is_new = matches!(outcome, Outcome::New { .. });
        let items = if is_new { std::mem::take(&mut self.found) } else { Vec::new() };
        Step::Done(Polled { outcome, hints: std::mem::take(&mut self.hints), items, requests: self.requests })
    }
}

/// A result without a request.
pub(crate) fn polled(outcome: Outcome) -> Polled {
    Polled { outcome, hints: Hints::default(), items: Vec::new(), requests: 0 }
}

fn first_walk(job: &JobType, state: &State, origin: &Origin) -> Walk {
    let Some(gap) = &state.gap else { return Walk::from_top() };
    // The account may have moved since.
    let stored =
        gap.next.as_ref().and_then(|next| next.parse().ok()).filter(|uri| origin.holds(uri)).map(Next::At);
    let next = match job.pages.as_ref().map(|pages| &pages.follow) {
        Some(Follow::MaxId(_)) => Next::Below(gap.oldest.clone()),
        Some(
            Follow::LinkHeader
            | Follow::Cursor { .. }
            | Follow::Url(_)
            | Follow::Page { .. }
            | Follow::Offset { .. }
            | Follow::Token,
        )
        | None => stored.unwrap_or(Next::First),
    };
    Walk::from_gap(gap.oldest.clone(), next)
}

#[cfg(test)]
mod tests;
