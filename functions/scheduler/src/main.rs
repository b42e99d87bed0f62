//! The scheduler function on Lambda.

mod start;

use std::process::ExitCode;

use pollwheel_aws::lambda::serve;
use pollwheel_scheduler::Scheduler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    serve(start::start, Scheduler::handle).await
}
