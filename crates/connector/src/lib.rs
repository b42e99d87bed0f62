#![doc = include_str!("../README.md")]

pub mod accounts;
mod answer;
pub mod applications;
mod auth;
mod base_url;
mod body_filter;
pub mod channel;
mod connector;
mod conversation;
mod cursor;
mod exchange;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod instant;
mod items;
mod jq;
mod json;
pub mod members;
pub mod nearest;
mod order;
mod pick;
mod reading;
pub mod recording;
mod replay;
mod request;
#[cfg(test)]
mod sample;
mod select;
mod state;
mod template;
mod wait;
pub mod watch;

pub use channel::{AccountProblem, Channel, ChannelErrors, ChannelSet, JobType, Problem, Token, Warning};
pub use connector::{Connector, ConnectorError, ConnectorOptions, NoSuchChoice, PrivateAddresses};
pub use http::{TlsError, special_host};
pub use replay::{Answered, Asked, Replayer, replay};
