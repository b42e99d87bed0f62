//! The modelled third party with access tokens that end, refresh tokens that are good for one use, and a pool of tokens
//! with a limit each.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use pollwheel_core::budget::Spend;
use pollwheel_core::id::ChannelName;
use pollwheel_core::outcome::{Hints, LimitReading, Outcome, Scope};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{
    Clock, Credentials, Grant, Polled, Poller, Refresh, Refreshed, Renewal, Request, Secret, Secrets,
};
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::WheelClock;

/// How long an access token is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// Calls of one token of the pool in one window.
pub(crate) const POOL_CALLS: u64 = 100;
/// Seconds of a window.
pub(crate) const POOL_WINDOW: u64 = 900;
/// Calls that are left unused: as many as all workers may have under way.
pub(crate) const POOL_CUSHION: u64 = 40;

/// What the token endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Works,
    /// It rotates the refresh token, and the answer never comes.
    LosesAnswers,
    Fails,
}

pub(crate) struct Vendor {
    pub(crate) clock: WheelClock,
    pub(crate) grant: Option<Grant>,
    pub(crate) endpoint: Cell<Endpoint>,
    /// Generation of the tokens in force, and when the access token ends.
    grants: RefCell<BTreeMap<Box<str>, (u64, Timestamp)>>,
    pub(crate) exchanges: Cell<u64>,
    /// Exchanges with a refresh token that is spent.
    pub(crate) reused: Cell<u64>,
    under_way: Cell<u32>,
    pub(crate) most_under_way: Cell<u32>,
    /// Calls by token and window.
    pub(crate) calls: RefCell<BTreeMap<(Box<str>, u64), u64>>,
    /// Tokens of the pool that are refused.
    pub(crate) revoked: RefCell<Vec<Box<str>>>,
}

impl Vendor {
    pub(crate) fn new(clock: WheelClock, grant: Option<Grant>) -> Self {
        Self {
            clock,
            grant,
            endpoint: Cell::new(Endpoint::Works),
            grants: RefCell::default(),
            exchanges: Cell::new(0),
            reused: Cell::new(0),
            under_way: Cell::new(0),
            most_under_way: Cell::new(0),
            calls: RefCell::default(),
            revoked: RefCell::default(),
        }
    }

    /// New credentials of a holder, as after a person's consent.
    pub(crate) fn consent(&self, holder: &str) -> Credentials {
        let generation = self.grants.borrow().get(holder).map_or(1, |(generation, _)| generation + 1);
        let end = self.clock.now().plus(LIFETIME);
        self.grants.borrow_mut().insert(holder.into(), (generation, end));
        Credentials { secrets: secrets(holder, generation), expires_at: Some(end), version: 0 }
    }

    fn is_good(&self, token: &str) -> bool {
        let Some((holder, generation)) = token.split_once('/') else { return false };
        let grants = self.grants.borrow();
        let Some((current, end)) = grants.get(holder) else { return false };
        format!("access{current}") == generation && self.clock.now() < *end
    }
}

fn secrets(holder: &str, generation: u64) -> Secrets {
    let secret = |kind: &str| Secret::new(format!("{holder}/{kind}{generation}"));
    let refresh = (Credentials::REFRESH_TOKEN.into(), secret("refresh"));
    Secrets::from([(Credentials::TOKEN.into(), secret("access")), refresh])
}

impl Poller for Vendor {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Spend::of_every(spec, None, request.token.map(|token| &*token.name))
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        let mut hints = Hints::default();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let is_good = match (request.token, self.grant) {
            (Some(token), _) if self.revoked.borrow().contains(&token.name) => false,
            (Some(token), _) => {
                let seconds = self.clock.now().millis() / 1000;
                let mut calls = self.calls.borrow_mut();
                let made = calls.entry((token.name.clone(), seconds / POOL_WINDOW)).or_default();
                *made += 1;
                let scope = Scope::Token(token.name.clone());
                let reset_seconds = Some(POOL_WINDOW - seconds % POOL_WINDOW);
                let remaining = POOL_CALLS.saturating_sub(*made);
                hints.limits.push(LimitReading { scope, remaining, cushion: POOL_CUSHION, reset_seconds });
                true
            }
            (None, Some(Grant::ClientCredentials)) => {
                let application = request.application.map(|application| &application.credentials);
                let token = application.and_then(Credentials::token);
                token.is_some_and(|token| self.is_good(token.expose()))
            }
            (None, Some(Grant::RefreshToken) | None) => {
                let token = request.credentials.and_then(Credentials::token);
                token.is_some_and(|token| self.is_good(token.expose()))
            }
        };
        let outcome = if is_good { Outcome::Unchanged { context: None } } else { Outcome::Unauthorized };
        Polled { outcome, hints, items: vec![], requests: 1 }
    }

    fn renewal(&self, _: &ChannelName) -> Option<Renewal> {
        self.grant.map(|grant| Renewal { grant, before: Duration::from_secs(60) })
    }

    fn uses_application(&self, _: &ChannelName) -> bool {
        self.grant != Some(Grant::RefreshToken)
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        self.exchanges.set(self.exchanges.get() + 1);
        self.under_way.set(self.under_way.get() + 1);
        self.most_under_way.set(self.most_under_way.get().max(self.under_way.get()));
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.under_way.set(self.under_way.get() - 1);
        let token = refresh.credentials.get(Credentials::REFRESH_TOKEN).unwrap().expose();
        let (holder, spent) = token.split_once('/').unwrap();
        if self.endpoint.get() == Endpoint::Fails {
            return Refreshed::Failed(Outcome::ServerError { status: 503, retry_after_seconds: None });
        }
        let (generation, _) = self.grants.borrow()[holder];
        if format!("refresh{generation}") != spent {
            self.reused.set(self.reused.get() + 1);
            return Refreshed::Refused;
        }
        let renewed = self.consent(holder);
        if self.endpoint.get() == Endpoint::LosesAnswers {
            std::future::pending::<()>().await;
        }
        Refreshed::Renewed { secrets: renewed.secrets, expires_in_seconds: Some(LIFETIME.as_secs()) }
    }
}
