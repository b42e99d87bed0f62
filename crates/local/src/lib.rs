#![doc = include_str!("../README.md")]

pub mod mapping;
pub mod memory;
pub mod queue;
pub mod store;

pub mod bus;
pub mod clock;
pub mod credentials;
pub mod engine;
pub mod faults;
pub mod meter;
pub mod sim;
