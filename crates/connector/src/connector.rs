//! The [`Poller`] port over HTTP.

use std::num::NonZeroU16;
use std::time::SystemTime;

use ::http::{HeaderValue, Uri, header};
use pollwheel_core::budget::Spend;
use pollwheel_core::id::ChannelName;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::row::JobRow;
use tokio::time::Instant;

use crate::auth;
use crate::channel::{Auth, ChannelSet};
use crate::conversation::{Conversation, Moment, Step, polled};
use crate::http::{Http, TlsError};
use crate::wait::Scale;
use crate::watch::{Watch, Watched};

/// Whether requests may go to loopback, private and other special addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateAddresses {
    /// Refused before connecting.
    #[default]
    Refused,
    /// Allowed: for tests, demos and APIs in the own network.
    Allowed,
}

/// A word that is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither `refused` nor `allowed`")]
pub struct NoSuchChoice;

impl std::str::FromStr for PrivateAddresses {
    type Err = NoSuchChoice;

    fn from_str(text: &str) -> Result<Self, NoSuchChoice> {
        match text {
            "refused" => Ok(Self::Refused),
            "allowed" => Ok(Self::Allowed),
            _ => Err(NoSuchChoice),
        }
    }
}

/// How to speak to third parties.
#[derive(Debug, Clone)]
pub struct ConnectorOptions {
    /// Whether requests may go to special addresses.
    pub private_addresses: PrivateAddresses,
    /// Seconds of the wheel in a second of the third parties: 1.0, unless the wheel is accelerated. What a server asks
    /// for in its seconds is multiplied by it.
    pub time_scale: f64,
    /// A URL or mail address, sent in the User-Agent, at which an API's operator reaches the operator of this deployment.
    pub contact: Option<String>,
    /// Idle connections kept for each host. Polls above this number at a time open and close connections.
    pub idle_connections_per_host: usize,
}

impl Default for ConnectorOptions {
    fn default() -> Self {
        Self {
            private_addresses: PrivateAddresses::Refused,
            time_scale: 1.0,
            contact: None,
            idle_connections_per_host: 256,
        }
    }
}

/// Why there is no connector.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The contact cannot be part of a header.
    #[error("the contact has a character that a User-Agent cannot hold: use a URL or a mail address")]
    Contact,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Polls third parties as their channels declare.
#[derive(Debug)]
pub struct Connector {
    channels: ChannelSet,
    http: Http,
    scale: Scale,
    private: PrivateAddresses,
    user_agent: HeaderValue,
}

impl Connector {
    /// A connector for these channels. Opens no connection yet.
    ///
    /// # Errors
    /// When the contact is no text for a header, or TLS cannot be set up.
    pub fn new(mut channels: ChannelSet, options: &ConnectorOptions) -> Result<Self, ConnectorError> {
        let user_agent = user_agent(options.contact.as_deref())?;
        channels.set_header(header::USER_AGENT, &user_agent);
        channels.set_header(header::ACCEPT_ENCODING, &HeaderValue::from_static("gzip"));
        let http = Http::new(options.private_addresses, options.idle_connections_per_host)?;
        let (scale, private) = (Scale::new(options.time_scale), options.private_addresses);
        Ok(Self { channels, http, scale, private, user_agent })
    }

    /// The channels.
    #[must_use]
    pub const fn channels(&self) -> &ChannelSet {
        &self.channels
    }

    /// Makes one poll, as [`Poller::poll`] does, and tells `watch` of every exchange.
    pub async fn poll_watched(&self, request: Request<'_>, watch: &dyn Watch) -> Polled {
        self.converse(request, Some(watch)).await
    }

    /// Makes one exchange of credentials, as [`Poller::refresh`] does, and tells `watch` of it.
    pub async fn refresh_watched(&self, refresh: Refresh<'_>, watch: &dyn Watch) -> Refreshed {
        self.exchange(refresh, Some(watch)).await
    }

    async fn exchange(&self, refresh: Refresh<'_>, watch: Option<&dyn Watch>) -> Refreshed {
        let deadline = Instant::now() + refresh.budget;
        let auth = self.channels.get(refresh.channel.as_str()).map(|channel| &channel.auth);
        let oauth2 = match auth {
            Some(Auth::By(rules)) => rules.oauth2.as_ref(),
            Some(Auth::None) | None => None,
        };
        // Nothing to exchange is nothing that a second try would mend.
        let asked = oauth2
            .and_then(|oauth2| Some((oauth2, auth::ask(oauth2, refresh.credentials, refresh.application)?)));
        let Some((oauth2, mut outbound)) = asked else { return Refreshed::Refused };
        if !may_carry_secrets(&outbound.uri, self.private) {
            let reason = "the token endpoint is not at an https URL".to_owned();
            return Refreshed::Failed(Outcome::BadResponse { reason });
        }
        outbound.headers.insert(header::USER_AGENT, self.user_agent.clone());
        let watched = Watched::start(watch, &outbound);
        let answer = self.http.fetch_once(outbound, deadline).await;
        if let Some(watched) = watched {
            watched.end(&answer);
        }
        auth::answered(oauth2, answer, SystemTime::now(), self.scale)
    }

    async fn converse(&self, request: Request<'_>, watch: Option<&dyn Watch>) -> Polled {
        let deadline = Instant::now() + request.budget;
        let (channel, job_type) = match self.channels.find(&request.row.job.job_type) {
            Ok(found) => found,
            // The row outlived its channel.
            Err(error) => return polled(Outcome::BadResponse { reason: error.to_string() }),
        };
        let cap = NonZeroU16::new(channel.max_concurrent_per_host).unwrap_or(NonZeroU16::MIN);
        let permits = request.permits;
        let moment = Moment { now: SystemTime::now(), scale: self.scale };
        let (mut conversation, mut outbound) = match Conversation::start(channel, job_type, request, moment) {
            Ok(started) => started,
            Err(polled) => return *polled,
        };
        loop {
            let watched = Watched::start(watch, &outbound);
            let answer = self.http.fetch(outbound, cap, deadline, permits).await;
            if let Some(watched) = watched {
                watched.end(&answer);
            }
            match conversation.answer(answer, deadline.saturating_duration_since(Instant::now())) {
                Step::Ask(next) => outbound = next,
                Step::Done(polled) => return polled,
            }
        }
    }
}

/// Whether a client's secret and a refresh token may be posted to a URL: by https, or without leaving the machine where
/// private addresses are allowed. <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>
fn may_carry_secrets(uri: &Uri, private: PrivateAddresses) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match (uri.scheme_str(), private) {
        (Some("https"), _) => true,
        (Some("http"), PrivateAddresses::Allowed) => is_loopback,
        (_, PrivateAddresses::Refused | PrivateAddresses::Allowed) => false,
    }
}

fn user_agent(contact: Option<&str>) -> Result<HeaderValue, ConnectorError> {
    const PRODUCT: &str = concat!("pollwheel/", env!("CARGO_PKG_VERSION"));
    let text = match contact {
        // A bracket would end the comment that the contact stands in.
        Some(contact) if contact.contains(['(', ')']) => return Err(ConnectorError::Contact),
        Some(contact) => format!("{PRODUCT} (+{contact})"),
        None => PRODUCT.to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| ConnectorError::Contact)
}

impl Poller for Connector {
    async fn poll(&self, request: Request<'_>) -> Polled {
        self.converse(request, None).await
    }

    fn renewal(&self, channel: &ChannelName) -> Option<Renewal> {
        auth::renewal(self.channels.get(channel.as_str())?, self.scale)
    }

    fn uses_application(&self, channel: &ChannelName) -> bool {
        self.channels.get(channel.as_str()).is_some_and(auth::uses_application)
    }

    fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        self.channels.limited_host(row)
    }

    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        match self.channels.find(&request.row.job.job_type) {
            Ok((channel, job_type)) => channel.spends(job_type, request, spec),
            // Nothing is asked of a channel that is not there.
            Err(_) => Vec::new(),
        }
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        self.exchange(refresh, None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_tells_the_truth_and_whom_to_ask() {
        let text = |contact| user_agent(contact).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(text(None).unwrap(), concat!("pollwheel/", env!("CARGO_PKG_VERSION")));
        assert!(text(Some("https://example.com/bot")).unwrap().ends_with(" (+https://example.com/bot)"));
        assert!(matches!(text(Some("a\nb")), Err(ConnectorError::Contact)));
        assert!(matches!(text(Some("a) Mozilla/5.0 (b")), Err(ConnectorError::Contact)));
    }

    #[test]
    fn secrets_are_posted_by_https_or_within_the_machine() {
        let may = |uri: &str, private| may_carry_secrets(&uri.parse().unwrap(), private);
        assert!(may("https://a.example/token", PrivateAddresses::Refused));
        for uri in ["http://127.0.0.1:8080/token", "http://[::1]/token", "http://localhost/token"] {
            assert!(may(uri, PrivateAddresses::Allowed) && !may(uri, PrivateAddresses::Refused), "{uri}");
        }
        for uri in ["http://a.example/token", "http://127.0.0.1.a.example/token", "http://10.0.0.1/token"] {
            assert!(!may(uri, PrivateAddresses::Allowed), "{uri}");
        }
    }

    #[test]
    fn a_poll_can_move_between_threads() {
        fn is_send<T: Send>(_: &T) {}
        let connector = Connector::new(ChannelSet::default(), &ConnectorOptions::default()).unwrap();
        let row = crate::sample::row("1", "{}");
        let request = Request {
            row: &row,
            credentials: None,
            application: None,
            token: None,
            budget: std::time::Duration::from_secs(1),
            permits: None,
        };
        is_send(&connector.poll(request));
    }
}
