//! The integration tests of the function: this list is their index.
#![expect(clippy::unwrap_used, reason = "clippy knows tests by their functions, not their helpers")]

mod drains;
mod fixture;
mod settings;
mod ticks;
