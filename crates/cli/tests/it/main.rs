//! The real binary, end to end, against a third party on loopback. Each module is one promise to whoever runs it.

mod crash;
mod demo;
mod inspection;
mod outage;
mod polling;
mod process;
mod refusals;
mod secrets;
mod site;
