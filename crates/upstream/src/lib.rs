#![doc = include_str!("../README.md")]

mod accounts;
mod api;
mod call;
mod channel;
mod clock;
mod config;
mod control;
mod dates;
mod draw;
mod fate;
mod fault;
mod feed;
mod github;
mod mastodon;
mod prose;
mod reply;
mod server;
mod service;
mod stats;
mod timeline;
mod window;

pub use channel::{Channel, PerChannel, UnknownChannel};
pub use clock::Clock;
pub use config::{Auth, Config, ConfigError, Growth, Limit};
pub use fault::{Fault, PerFault, UnknownFault};
pub use server::{Running, Upstream};
pub use stats::{AccountStats, ChannelStats, Stats};
