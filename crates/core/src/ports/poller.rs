//! The third party: polls, and exchanges of credentials for new ones.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Application, Credentials, PoolToken, Secrets};
use crate::budget::Spend;
use crate::event::Item;
use crate::id::ChannelName;
use crate::outcome::{Hints, Outcome};
use crate::policy::JobTypeSpec;
use crate::row::JobRow;

/// One poll to make.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The job, as it was dispatched.
    pub row: &'a JobRow,
    /// What the account authenticates with.
    pub credentials: Option<&'a Credentials>,
    /// The deployment's own credentials, for a channel that uses them.
    pub application: Option<&'a Application>,
    /// The token of the application's pool to use. Picked by the pass among those that are not throttled.
    pub token: Option<&'a PoolToken>,
    /// Time left for the whole poll.
    pub budget: Duration,
    /// Asked for leave before every request, where its shared limits are reserved. Without it every request may be made.
    pub permits: Option<&'a dyn Permits>,
}

/// Leave to make requests that take from shared limits.
///
/// A poller asks right before it sends a request, redirects and pages included; the first one that it sends at once need
/// not be asked for. After a refusal it makes no request any more: a first page that was not asked for is
/// [`Outcome::Deferred`], of further ones the poll ends as at its page limit.
pub trait Permits: fmt::Debug + Sync {
    /// Whether the next request may be made. Pending until the store has answered; one asks at a time.
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<bool>;
}

/// What a poll brought.
#[derive(Debug)]
pub struct Polled {
    /// What it came to. For `New`, `items` is the length of the list below.
    pub outcome: Outcome,
    /// What the responses said about when to come back. Seconds of the wheel.
    pub hints: Hints,
    /// New items, oldest first. Only with `New`.
    pub items: Vec<Item>,
    /// HTTP requests made.
    pub requests: u32,
}

/// What new access tokens of a channel are had for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The account's refresh token. <https://www.rfc-editor.org/rfc/rfc6749#section-6>
    RefreshToken,
    /// The application's client id and secret. <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>
    ClientCredentials,
}

/// How a channel's access tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// What for.
    pub grant: Grant,
    /// How long before its end a token is renewed, in time of the wheel.
    pub before: Duration,
}

/// One exchange of credentials for new ones.
#[derive(Debug, Clone, Copy)]
pub struct Refresh<'a> {
    /// The channel.
    pub channel: &'a ChannelName,
    /// The credentials to renew: the account's, or the application's own for [`Grant::ClientCredentials`].
    pub credentials: &'a Credentials,
    /// The deployment's own credentials: client id and secret.
    pub application: Option<&'a Application>,
    /// Time left for the exchange.
    pub budget: Duration,
}

/// What an exchange brought.
#[derive(Debug)]
pub enum Refreshed {
    /// New secrets, by the names of those that they replace.
    Renewed {
        /// The access token, and a refresh token when it was rotated.
        secrets: Secrets,
        /// Seconds of the wheel until the access token ends, when the answer said so.
        expires_in_seconds: Option<u64>,
    },
    /// What was exchanged is not good, or not there: no second try will do better.
    Refused,
    /// The exchange did not happen, or nobody knows: a failure of the third party, as a poll would report it.
    Failed(Outcome),
}

/// The third party.
///
/// Contract: every failure is an outcome; nothing is published and no state is kept that a second poll from the same
/// context would miss. An exchange touches no store; the pass saves what it brought before anything uses it.
///
/// The defaults are a third party whose credentials are never renewed.
pub trait Poller {
    /// Makes one poll.
    async fn poll(&self, request: Request<'_>) -> Polled;

    /// What each request of a poll takes from the shared limits of its job type. Without a default: a wrapper that forgot to
    /// pass it on would count for itself. [`Spend::of_every`] is for a poller that knows no more than the job type.
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend>;

    /// Whether and how a channel's access tokens are renewed.
    fn renewal(&self, _channel: &ChannelName) -> Option<Renewal> {
        None
    }

    /// Whether polls of a channel need the deployment's own credentials. They are not read otherwise.
    fn uses_application(&self, _channel: &ChannelName) -> bool {
        false
    }

    /// The host whose own limit a poll of this row would take from, when the channel declares one by host.
    fn limited_host(&self, _row: &JobRow) -> Option<Box<str>> {
        None
    }

    /// Makes one exchange of credentials.
    async fn refresh(&self, _refresh: Refresh<'_>) -> Refreshed {
        Refreshed::Refused
    }
}
