//! The integration tests of the function: this list is their index.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their functions, not their helpers"
)]

mod commands;
mod events;
mod fixture;
mod imports;
mod jobs;
mod log;
mod memory;
mod refusals;
mod secrets;
mod settings;
