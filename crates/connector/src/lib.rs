#![doc = include_str!("../README.md")]

pub mod channel;
mod connector;

pub use channel::{AccountProblem, Channel, ChannelErrors, ChannelSet, JobType, Problem, Token};
pub use connector::{Connector, ConnectorOptions, PrivateAddresses};
