//! The server over real HTTP. Each module drives one part of what it promises.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their functions, not their helpers"
)]

mod accounts;
mod client;
mod command;
mod control;
mod faults;
mod github;
mod growth;
mod lifecycle;
mod limits;
mod mastodon;
