//! How requests authenticate ([`sending`]), and how tokens are renewed ([`exchange`]): both without I/O, so that recordings
//! drive them as well as the network does.
//!
//! No secret is in the state of a job, in a log or in an error: a request is signed last, when the key of its validators is
//! taken and the walk has seen it, and what comes back with the secret in a URL has it taken out first.

mod base64;
mod exchange;
mod renewing;
mod sending;
#[cfg(test)]
mod tests;

pub(crate) use self::exchange::{answered, ask};
pub(crate) use self::renewing::{expires_within, renewal, uses_application};
pub(crate) use self::sending::Sending;
