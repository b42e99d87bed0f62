#![doc = include_str!("../README.md")]

mod handler;
mod metrics;
mod settings;

pub use handler::{ChannelWorker, WorkerError};
pub use settings::Settings;
