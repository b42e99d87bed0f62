//! The integration tests of the crate: this list is their index.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows tests by their functions, not their helpers; some print the figures that they assert"
)]

mod accounting;
mod contract;
mod failure_policy;
mod fixture;
mod limits;
mod partial;
mod queue;
mod queue_model;
mod registration;
mod renewal;
mod scorecard;
mod sim;
mod simulator;
mod store_control;
mod store_damage;
mod store_file;
mod store_full_disk;
mod store_kill;
mod store_model;
