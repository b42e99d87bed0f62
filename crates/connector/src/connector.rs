//! The [`Poller`] port over HTTP.

use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::ports::{Polled, Poller, Request};

use crate::channel::ChannelSet;

/// Whether requests may go to loopback, private and other special addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateAddresses {
    /// Refused before connecting.
    #[default]
    Refused,
    /// Allowed: for tests, demos and APIs in the own network.
    Allowed,
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

/// Polls third parties as their channels declare.
#[derive(Debug)]
pub struct Connector {
    channels: ChannelSet,
    options: ConnectorOptions,
}

impl Connector {
    /// A connector for these channels. Opens no connection yet.
    #[must_use]
    pub fn new(channels: ChannelSet, options: ConnectorOptions) -> Self {
        Self { channels, options }
    }

    /// The channels.
    #[must_use]
    pub const fn channels(&self) -> &ChannelSet {
        &self.channels
    }
}

impl Poller for Connector {
    async fn poll(&self, request: Request<'_>) -> Polled {
        let _ = (&self.options, request);
        Polled { outcome: Outcome::Timeout, hints: Hints::default(), items: Vec::new(), requests: 0 }
    }
}
