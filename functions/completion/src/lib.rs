#![doc = include_str!("../README.md")]

mod handler;
mod metrics;
mod settings;

pub use handler::{Completer, CompletionError, seed_of};
pub use settings::Settings;
