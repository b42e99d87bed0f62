//! Polls, by their time: what a worker's invocation is paid for.

use pollwheel_core::budget::Spend;
use pollwheel_core::id::ChannelName;
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::row::JobRow;
use tokio::time::Instant;

use super::Meter;

/// A third party before a meter.
#[derive(Debug)]
pub struct MeteredPoller<'a, P> {
    /// The poller itself.
    pub inner: &'a P,
    /// What counts.
    pub meter: &'a Meter,
}

impl<P: Poller> Poller for MeteredPoller<'_, P> {
    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        self.inner.spends(request, spec)
    }

    async fn poll(&self, request: Request<'_>) -> Polled {
        let started = Instant::now();
        let polled = self.inner.poll(request).await;
        self.meter.polled(started.elapsed());
        polled
    }

    fn renewal(&self, channel: &ChannelName) -> Option<Renewal> {
        self.inner.renewal(channel)
    }

    fn uses_application(&self, channel: &ChannelName) -> bool {
        self.inner.uses_application(channel)
    }

    fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        self.inner.limited_host(row)
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        self.inner.refresh(refresh).await
    }
}
