//! The worker function on Lambda.

mod start;

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use pollwheel_aws::SystemClock;
use pollwheel_aws::lambda::{
    Deadline, Environment, InvocationError, guard, report_init_error, start_logging,
};
use pollwheel_core::ports::Clock;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut environment = Environment::of_process();
    start_logging(&mut environment);
    let function = match start::start(environment) {
        Ok(function) => function,
        Err(error) => {
            report_init_error(&*error);
            return ExitCode::FAILURE;
        }
    };
    let function = &function;
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let deadline = Deadline::new(event.context.deadline, SystemClock.now());
        guard(deadline, function.handle(event.payload.get(), deadline)).await.map_err(diagnostic)
    });
    // It ends only when Lambda does.
    match Runtime::new(handler).run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn diagnostic(error: InvocationError) -> Diagnostic {
    Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() }
}
