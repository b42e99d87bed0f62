//! The integration tests of the function: this list is their index.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy knows tests by their functions, not their helpers"
)]

mod batches;
mod fixture;
mod process;
mod settings;
