//! The adapters against an AWS inside the process, at the wire: real requests of the real SDK, answered by a DynamoDB
//! emulator and by small models of SQS, EventBridge and KMS; and, when one is running, against a whole emulator.

mod bus;
mod contract;
mod cost;
mod credentials;
mod emulator;
mod faults;
mod fixture;
mod queues;
