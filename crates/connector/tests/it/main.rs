//! The connector over real connections, against servers that behave badly.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their functions, not their helpers"
)]

mod addresses;
mod bodies;
mod cost;
mod limits;
mod memory;
mod planted;
mod recorded;
mod redirects;
mod reuse;
mod server;
mod setup;
mod tokens;
