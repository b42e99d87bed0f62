#![doc = include_str!("../README.md")]
#![expect(
    async_fn_in_trait,
    reason = "ports are used through generics, where the compiler knows each future"
)]

pub mod activity;
pub mod batch;
pub mod budget;
pub mod cadence;
pub mod complete;
pub mod context;
#[cfg(feature = "contract")]
pub mod contract;
pub mod decide;
pub mod event;
pub mod hash;
pub mod id;
pub mod keys;
pub mod message;
pub mod meter;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod poll;
pub mod ports;
pub mod register;
pub mod row;
pub mod spread;
pub mod throttle;
pub mod tick;
pub mod time;
pub mod wheel;
