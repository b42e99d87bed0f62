#![doc = include_str!("../README.md")]

mod batches;
mod bus;
mod clock;
mod connection;
mod credentials;
mod failure;
pub mod lambda;
mod meter;
mod object;
mod queues;
mod reads;
mod tables;

pub use bus::EventBridgeBus;
pub use clock::SystemClock;
pub use connection::{Connection, ConnectionSettings};
pub use credentials::{CredentialTable, CredentialVault};
pub use meter::{Meter, Usage};
pub use object::{ObjectPart, Objects};
pub use queues::SqsQueues;
pub use tables::{ControlTable, JobTables, Store};
