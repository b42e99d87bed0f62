//! The adapters against an AWS inside the process, at the wire: real requests of the real SDK, answered by a DynamoDB
//! emulator and by small models of SQS, EventBridge and KMS; and, when one is running, against a whole emulator.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their functions, not their helpers; figures are printed"
)]

mod bus;
mod contract;
mod cost;
mod credentials;
mod emulator;
mod faults;
mod fixture;
mod queues;
