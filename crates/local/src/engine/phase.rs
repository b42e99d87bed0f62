//! Where a run is: ticking, draining what the last ticks dispatched, or stopping.

use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::mappings::Mappings;
use crate::queue::LocalQueues;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Ticks come, messages are received.
    Ticking,
    /// The ticks are over; what they dispatched is still polled, up to a deadline.
    Draining {
        /// The deadline.
        until: Instant,
    },
    /// Nothing new is polled; what is under way is finished and applied, up to a deadline.
    Stopping {
        /// The deadline.
        until: Instant,
    },
}

impl Phase {
    pub(super) const fn is_ticking(self) -> bool {
        matches!(self, Self::Ticking)
    }

    pub(super) const fn is_stopping(self) -> bool {
        matches!(self, Self::Stopping { .. })
    }

    /// Completes at the phase's deadline.
    pub(super) async fn deadline(self) {
        match self {
            Self::Ticking => std::future::pending().await,
            Self::Draining { until } | Self::Stopping { until } => tokio::time::sleep_until(until).await,
        }
    }

    /// Whether the phase has nothing left to wait for.
    pub(super) fn is_over<F>(
        self,
        functions: &FuturesUnordered<F>,
        mappings: &Mappings,
        queues: &LocalQueues,
    ) -> bool {
        match self {
            Self::Ticking => false,
            Self::Draining { .. } | Self::Stopping { .. } => {
                functions.is_empty() && mappings.has_nothing_left(queues, self)
            }
        }
    }
}
