//! The real binary, end to end, against a third party on loopback. Each module is one promise to whoever runs it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, also outside of a test function"
)]

mod channels;
mod crash;
mod demo;
mod inspection;
mod live;
mod operating;
mod outage;
mod planning;
mod polling;
mod process;
mod refusals;
mod secrets;
mod simulate;
mod site;
