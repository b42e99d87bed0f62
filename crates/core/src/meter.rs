//! What work costs on AWS, in the units that AWS bills: pure arithmetic, shared by the meter of the embedded engine, the
//! simulator, the AWS adapters and `pollwheel cost`.
//!
//! A **unit** is what a price is for: half a read unit, a request of 64 KB, a MB-millisecond. **Usage** counts them.
//! **Standing** usage is what a deployment uses whether or not anything is polled: ticks, empty partitions, long polls.
//! This module knows how the deployment is sized ([`deployment`]) and what a price table looks like; it knows no price,
//! and it does not measure: adapters and engines count with it.

mod bill;
pub mod deployment;
mod gathering;
pub mod items;
pub mod units;
mod usage;

pub use bill::{
    Bill, CachePrices, DatabasePrices, EventPrices, FunctionPrices, KeyPrices, KubernetesPrices,
    MachinePrices, MonitoringPrices, Prices, QueuePrices, SchedulePrices, WorkflowPrices,
};
pub use gathering::{Gathered, Gathering};
pub use usage::{Metered, Usage};
