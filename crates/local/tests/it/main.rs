//! The integration tests of the crate: this list is their index.

mod contract;
mod fixture;
mod queue;
mod queue_model;
mod scorecard;
mod sim;
mod store_control;
mod store_damage;
mod store_file;
mod store_full_disk;
mod store_kill;
mod store_model;
