//! A third party during whose calls the worker panics or is killed.

use pollwheel_core::budget::Spend;
use pollwheel_core::id::ChannelName;
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::row::JobRow;

use super::Faults;
use super::kills::Edge;

/// A poller behind faults.
#[derive(Debug)]
pub struct FaultyPoller<'a, P> {
    /// The poller itself.
    pub inner: &'a P,
    /// What goes wrong.
    pub faults: &'a Faults,
}

impl<P: Poller> Poller for FaultyPoller<'_, P> {
    #[expect(clippy::panic, reason = "the fault that it injects")]
    async fn poll(&self, request: Request<'_>) -> Polled {
        self.faults.edge(Edge::Call).await;
        if self.faults.happens("panics", self.faults.rates.panics) {
            panic!("injected: the poll panics");
        }
        let polled = self.inner.poll(request).await;
        self.faults.edge(Edge::Call).await;
        polled
    }

    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        self.inner.spends(request, spec)
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
        self.faults.edge(Edge::Call).await;
        let refreshed = self.inner.refresh(refresh).await;
        self.faults.edge(Edge::Call).await;
        refreshed
    }
}
