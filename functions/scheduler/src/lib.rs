#![doc = include_str!("../README.md")]

mod event;
mod handler;
mod metrics;
mod settings;

pub use event::{Event, EventError, TickTime};
pub use handler::{Answer, Scheduler, SchedulerError};
pub use settings::Settings;
