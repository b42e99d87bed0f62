//! The control function on Lambda.

mod start;

use std::process::ExitCode;

use pollwheel_aws::lambda::serve;
use pollwheel_control::Control;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    serve(start::start, Control::handle).await
}
