//! The life of a function: it starts once, and handles one invocation after another until Lambda ends it.

use std::error::Error;
use std::fmt::Display;
use std::pin::Pin;
use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use pollwheel_core::ports::Clock;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Deadline, Environment, InvocationError, guard, init_error, logging};
use crate::SystemClock;

/// Starts a function and serves it. `start` reads the configuration and makes the clients, none of which connects before it
/// is used: the first question to Lambda comes within milliseconds. When it fails, Lambda is told all of the reason.
///
/// `handle` is given the event as it came. It ends by the deadline, and its panics are contained.
pub async fn serve<F, A, E>(
    start: impl FnOnce(Environment<'_>) -> Result<F, Box<dyn Error>>,
    handle: impl AsyncFn(&F, &str, Deadline) -> Result<A, E>,
) -> ExitCode
where
    A: Serialize,
    E: Display,
{
    let mut environment = Environment::of_process();
    logging::start(&mut environment);
    let function = match start(environment) {
        Ok(function) => function,
        Err(error) => {
            init_error::report(&*error);
            return ExitCode::FAILURE;
        }
    };
    let (function, handle) = (&function, &handle);
    let invocation = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let deadline = Deadline::new(event.context.deadline, SystemClock.now());
        // Boxed, because the compiler counts how deep futures are nested, and those of the SDK are deep already.
        let work: Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(handle(function, event.payload.get(), deadline));
        guard(deadline, work).await.map_err(diagnostic)
    });
    // It ends only when Lambda does.
    match Runtime::new(invocation).run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn diagnostic(error: InvocationError) -> Diagnostic {
    Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() }
}
