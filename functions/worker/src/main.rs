//! The worker function on Lambda.

mod start;

use std::process::ExitCode;

use pollwheel_aws::lambda::serve;
use pollwheel_worker::ChannelWorker;

/// The root Cargo.toml says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    serve(start::start, ChannelWorker::handle).await
}
