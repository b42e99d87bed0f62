#![doc = include_str!("../README.md")]
#![expect(
    async_fn_in_trait,
    reason = "ports are used through generics, where the compiler knows each future"
)]

mod accounts;
mod answer;
mod aws;
mod command;
mod handler;
mod import;
mod jobs;
mod listing;
mod parking;
mod ports;
mod request;
mod selection;
mod settings;

pub use answer::{Answer, Refusal};
pub use handler::{Control, ControlError};
pub use import::{Phase, Progress};
pub use ports::{ObjectName, Objects, Part, Pauses, Registry, Vault};
pub use settings::Settings;
