//! What one job polls with, from its first call to its last: the account's credentials, the application's, a token of its
//! pool. A call that was refused is made again with others when there are any, and only then is the job unauthorized.

use std::sync::Arc;

use super::batch::Group;
use super::keyring::{Keyring, Locked, Wish, pick};
use super::stops::Stops;
use super::{Worker, one};
use crate::outcome::{LimitReading, Outcome, Scope};
use crate::ports::{
    Application, Clock, CredentialStore, Credentials, Grant, Holder, Polled, Poller, Renewal, Request,
};
use crate::time::Timestamp;

/// One job's means of access.
pub(super) struct Access<'a, 'w, P, B, Q, S, K, C> {
    group: &'a Group<'a>,
    worker: &'a Worker<'w, P, B, Q, S, K, C>,
    keyring: &'a Keyring<'w, P, K>,
    stops: &'a Stops,
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
    K: CredentialStore,
    C: Clock,
{
    pub(super) fn new(
        group: &'a Group<'a>,
        worker: &'a Worker<'w, P, B, Q, S, K, C>,
        keyring: &'a Keyring<'w, P, K>,
        stops: &'a Stops,
    ) -> Self {
        let credentials = group.credentials.clone();
        Self { group, worker, keyring, stops, credentials, tried: Tried::Nothing }
    }

    /// Has a token renewed that ends soon. Where that fails the old one is used as long as it is good.
    pub(super) async fn renew_if_due(&mut self, now: Timestamp) -> Result<(), Locked> {
        let Some((renewal, held)) = self.renewable() else { return Ok(()) };
        let ends_by = |instant| held.expires_at.is_some_and(|end| end <= instant);
        let has_ended = held.token().is_none() || ends_by(now);
        if !has_ended && !ends_by(now.plus(renewal.before)) {
            return Ok(());
        }
        match self.renew(&held).await {
            Err(_) if !has_ended => Ok(()),
            renewed => renewed,
        }
    }

    /// Polls, again while the credentials are refused and there are others.
    pub(super) async fn poll(&mut self) -> Result<Polled, Locked> {
        let mut requests = 0_u32;
        loop {
            let (mut polled, used) = self.poll_once().await?;
            requests = requests.saturating_add(polled.requests);
            polled.requests = requests;
            if polled.outcome != Outcome::Unauthorized {
                return Ok(polled);
            }
            if let Some(token) = used {
                return Ok(self.poll_with_another(token, polled).await);
            }
            match self.take_others().await {
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
        };
        let polled = self.worker.poller.poll(request).await;
        let at = self.worker.clock.now();
        self.stops.note(&job.job_type, at, &polled.outcome, &polled.hints);
        Ok((polled, token.map(|token| token.name.clone())))
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
