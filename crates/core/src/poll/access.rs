//! What one job polls with, from its first call to its last: the account's credentials, the application's, a token of its
//! pool. A call that was refused is made again with others when there are any, and only then is the job unauthorized.

use std::cell::RefCell;
use std::sync::Arc;

use super::batch::Group;
use super::keyring::{Keyring, Locked, Wish, pick};
use super::purse::{Need, Purse, Spent};
use super::stops::Stops;
use super::till::Till;
use super::{Worker, one};
use crate::budget::Spend;
use crate::outcome::{Hints, LimitReading, Outcome, Scope};
use crate::ports::{
    Application, Clock, ControlStore, CredentialStore, Credentials, Grant, Holder, Polled, Poller, Renewal,
    Request,
};
use crate::time::Timestamp;

/// One job's means of access.
pub(super) struct Access<'a, 'w, P, B, Q, S, K, C> {
    group: &'a Group<'a>,
    worker: &'a Worker<'w, P, B, Q, S, K, C>,
    keyring: &'a Keyring<'w, P, K>,
    stops: &'a Stops,
    purse: &'a Purse,
    /// What the next request is for.
    need: Need,
    credentials: Option<Credentials>,
    tried: Tried,
}

/// What was tried already after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Nothing,
    /// What the store has by now.
    Kept,
    /// A new token.
    Renewed,
}

impl<'a, 'w, P, B, Q, S, K, C> Access<'a, 'w, P, B, Q, S, K, C>
where
    P: Poller,
    S: ControlStore,
    K: CredentialStore,
    C: Clock,
{
    pub(super) fn new(
        group: &'a Group<'a>,
        worker: &'a Worker<'w, P, B, Q, S, K, C>,
        keyring: &'a Keyring<'w, P, K>,
        (stops, purse): (&'a Stops, &'a Purse),
    ) -> Self {
        let credentials = group.credentials.clone();
        let (need, tried) = (Need::First, Tried::Nothing);
        Self { group, worker, keyring, stops, purse, need, credentials, tried }
    }

    /// Has a token renewed that ends soon. Where that fails the old one is used as long as it is good.
    pub(super) async fn renew_if_due(&mut self, now: Timestamp) -> Result<(), Locked> {
        let Some((renewal, held)) = self.renewable() else { return Ok(()) };
        let ends_by = |instant| held.expires_at.is_some_and(|end| end <= instant);
        let has_ended = held.token().is_none() || ends_by(now);
        if !has_ended && !ends_by(now.plus(renewal.before)) {
            return Ok(());
        }
        match Box::pin(self.renew(&held)).await {
            Err(_) if !has_ended => Ok(()),
            renewed => renewed,
        }
    }

    /// Polls, again while the credentials are refused and there are others.
    pub(super) async fn poll(&mut self) -> Result<Polled, Locked> {
        let mut requests = 0_u32;
        loop {
            let once = self.poll_once().await;
            self.need = Need::Further;
            let (mut polled, used) = match once {
                // The first poll was refused, and for a second one there is no room now.
                Err(Locked::Outcome(outcome)) if requests > 0 => {
                    return Ok(Polled { outcome, hints: Hints::default(), items: Vec::new(), requests });
                }
                once => once?,
            };
            requests = requests.saturating_add(polled.requests);
            polled.requests = requests;
            if polled.outcome != Outcome::Unauthorized {
                return Ok(polled);
            }
            if let Some(token) = used {
                return Ok(Box::pin(self.poll_with_another(token, polled)).await);
            }
            match Box::pin(self.take_others()).await {
                Ok(true) => {}
                Ok(false) => return Ok(polled),
                Err(Locked::Outcome(outcome)) => return Ok(Polled { outcome, ..polled }),
                Err(error) => return Err(error),
            }
        }
    }

    /// One poll, and the name of the pool's token that it used.
    async fn poll_once(&self) -> Result<(Polled, Option<Box<str>>), Locked> {
        let now = self.worker.clock.now();
        let application = self.keyring.application(&self.group.channel);
        let tokens = application.as_ref().map_or(&[][..], |application| &application.tokens);
        let job = &self.group.message.row.job;
        let token = pick(tokens, &self.group.channel, job, self.stops, now)
            .map_err(|until| one::refused_until(Scope::Application, until, now))?;
        let request = Request {
            row: &self.group.message.row,
            credentials: self.credentials.as_ref(),
            application: application.as_deref(),
            token,
            budget: one::time_left(self.worker).min(self.worker.limits.poll),
            permits: None,
        };
        let polled = self.poll_within(request).await?;
        let at = self.worker.clock.now();
        self.stops.note(&job.job_type, at, &polled.outcome, &polled.hints);
        Ok((polled, token.map(|token| token.name.clone())))
    }

    /// Makes a poll within the limits that its job shares with others.
    async fn poll_within(&self, request: Request<'_>) -> Result<Polled, Locked> {
        let Worker { poller, catalog, .. } = self.worker;
        let spec = catalog.get(&request.row.job.job_type).filter(|spec| !spec.budgets.is_empty());
        let spends = spec.map_or_else(Vec::new, |spec| poller.spends(&request, spec));
        if spends.is_empty() {
            return Ok(poller.poll(request).await);
        }
        Box::pin(self.poll_by_permits(request, &spends)).await
    }

    /// Makes a poll that asks for leave before every request.
    async fn poll_by_permits(&self, request: Request<'_>, spends: &[Spend]) -> Result<Polled, Locked> {
        let Worker { poller, control, clock, .. } = self.worker;
        let paid = self.purse.take(spends, self.need, *control, *clock).await;
        let paid = paid.map_err(|spent| Locked::Outcome(one::deferred(spent)))?;
        let refused: RefCell<Option<Spent>> = RefCell::default();
        let take = async || {
            let taken = self.purse.take(spends, Need::Further, *control, *clock).await;
            taken.map_err(|spent| *refused.borrow_mut() = Some(spent)).is_ok()
        };
        let till = Till::default();
        let poll = poller.poll(Request { permits: Some(&till), ..request });
        let mut polled = till.serve(poll, paid, *clock, take).await;
        if let (Outcome::Deferred { .. }, Some(spent)) = (&polled.outcome, refused.into_inner()) {
            polled.outcome = one::deferred(spent);
        }
        Ok(polled)
    }

    /// A token of the pool was refused. When another is not, the token is at fault and rests; otherwise the account is.
    async fn poll_with_another(&self, refused: Box<str>, first: Polled) -> Polled {
        let job_type = &self.group.message.row.job.job_type;
        let limit =
            LimitReading { scope: Scope::Token(refused), remaining: 0, cushion: 0, reset_seconds: None };
        let resting = self.stops.rest(job_type, self.worker.clock.now(), &limit.scope);
        match self.poll_once().await {
            Ok((mut polled, Some(_))) if polled.outcome != Outcome::Unauthorized => {
                polled.requests = polled.requests.saturating_add(first.requests);
                polled.hints.limits.push(limit);
                polled
            }
            Ok(_) | Err(_) => {
                self.stops.release(resting.as_ref());
                first
            }
        }
    }

    /// Takes other credentials after a refusal: what the store has by now, or else what an exchange brings.
    async fn take_others(&mut self) -> Result<bool, Locked> {
        if self.tried == Tried::Nothing {
            self.tried = Tried::Kept;
            let holder = self.holder();
            let held = self.held(&holder);
            if let Some(fresh) = self.keyring.reread(&self.group.channel, &holder, held.as_ref()).await? {
                self.take(&holder, fresh);
                return Ok(true);
            }
        }
        if self.tried == Tried::Renewed || one::time_left(self.worker).is_zero() {
            return Ok(false);
        }
        self.tried = Tried::Renewed;
        let Some((_, held)) = self.renewable() else { return Ok(false) };
        self.renew(&held).await.map(|()| true)
    }

    async fn renew(&mut self, held: &Credentials) -> Result<(), Locked> {
        let holder = self.holder();
        let wish = Wish {
            channel: &self.group.channel,
            holder: &holder,
            stale: held,
            now: self.worker.clock.now(),
            budget: one::time_left(self.worker),
        };
        let renewed = self.keyring.renew(wish).await?;
        self.take(&holder, renewed);
        Ok(())
    }

    /// What can be renewed: the credentials that the channel's grant is made with.
    fn renewable(&self) -> Option<(Renewal, Credentials)> {
        let renewal = self.worker.poller.renewal(&self.group.channel)?;
        let held = self.held(&self.holder())?;
        let can = match renewal.grant {
            Grant::RefreshToken => held.get(Credentials::REFRESH_TOKEN).is_some(),
            Grant::ClientCredentials => true,
        };
        can.then_some((renewal, held))
    }

    /// Whose credentials the polls are made with, as far as others of them may be had.
    fn holder(&self) -> Holder {
        let channel = &self.group.channel;
        let account = || Holder::Account(self.group.message.row.job.account.clone());
        match self.worker.poller.renewal(channel).map(|renewal| renewal.grant) {
            Some(Grant::RefreshToken) => account(),
            Some(Grant::ClientCredentials) => Holder::Application,
            // An account that has none of its own is polled with the application's.
            None if self.credentials.is_none() && self.worker.poller.uses_application(channel) => {
                Holder::Application
            }
            None => account(),
        }
    }

    fn held(&self, holder: &Holder) -> Option<Credentials> {
        match holder {
            Holder::Account(_) => self.credentials.clone(),
            Holder::Application => {
                let application: Option<Arc<Application>> = self.keyring.application(&self.group.channel);
                application.map(|application| application.credentials.clone())
            }
        }
    }

    /// The application's are the keyring's, for every job of the batch.
    fn take(&mut self, holder: &Holder, credentials: Credentials) {
        match holder {
            Holder::Account(_) => self.credentials = Some(credentials),
            Holder::Application => {}
        }
    }
}
