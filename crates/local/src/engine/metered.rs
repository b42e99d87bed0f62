//! The ports as the passes see them: each behind the run's meter.

use super::Engine;
use crate::meter::{Meter, MeteredBus, MeteredCredentials, MeteredPoller, MeteredQueues, MeteredStore};

/// The ports of one pass.
pub(super) struct MeteredPorts<'a, S, Q, B, P, K> {
    pub(super) store: MeteredStore<'a, S>,
    pub(super) queues: MeteredQueues<'a, Q>,
    pub(super) bus: MeteredBus<'a, B>,
    pub(super) poller: MeteredPoller<'a, P>,
    pub(super) credentials: MeteredCredentials<'a, K>,
}

impl<S, Q, B, P, K> Engine<'_, S, Q, B, P, K> {
    pub(super) const fn metered<'m>(&'m self, meter: &'m Meter) -> MeteredPorts<'m, S, Q, B, P, K> {
        let ports = &self.ports;
        MeteredPorts {
            store: MeteredStore { inner: ports.store, meter },
            queues: MeteredQueues { inner: ports.queues, meter },
            bus: MeteredBus { inner: ports.bus, meter },
            poller: MeteredPoller { inner: ports.poller, meter },
            credentials: MeteredCredentials { inner: ports.credentials, meter },
        }
    }
}
