//! The server over real HTTP. Each module drives one part of what it promises.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their functions, not their helpers"
)]

mod accounts;
mod bluesky;
mod client;
mod command;
mod control;
mod facebook;
mod faults;
mod feeds;
mod github;
mod github_notifications;
mod growth;
mod hackernews;
mod lifecycle;
mod limits;
mod mastodon;
mod mastodon_notifications;
mod oauth;
mod reddit;
mod x;
mod youtube;
