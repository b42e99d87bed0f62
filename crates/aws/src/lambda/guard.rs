//! The edge of an invocation: a panic or a spent deadline is an error in words, not a process that dies.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};

use super::Deadline;

/// Kept back for reporting that the time was up. Lambda ends a process that does not answer, and says only that.
const REPORT: Duration = Duration::from_millis(500);

/// Why an invocation failed. Lambda tries it again: the queue delivers its messages again, an event is sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// The handler said so.
    #[error("{0}")]
    Failed(String),
    /// There was no time left.
    #[error("the time of the invocation was up before its work was done")]
    TimedOut,
    /// A bug. What the panic said stays inside: it may repeat what it choked on.
    #[error("the function panicked")]
    Panicked,
}

impl InvocationError {
    /// Its name for the caller.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "Pollwheel.Failed",
            Self::TimedOut => "Pollwheel.TimedOut",
            Self::Panicked => "Pollwheel.Panicked",
        }
    }
}

/// Runs a handler within its deadline, and logs what it fails with.
///
/// # Errors
/// [`InvocationError`].
pub async fn guard<T, E: Display>(
    deadline: Deadline,
    handler: impl Future<Output = Result<T, E>>,
) -> Result<T, InvocationError> {
    // Boxed, because the compiler counts how deep futures are nested, and those of the SDK are deep already.
    let handler: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(AssertUnwindSafe(handler).catch_unwind());
    let end = pin!(deadline.earlier_by(REPORT).passed());
    let ended = match select(handler, end).await {
        Either::Left((Ok(answer), _)) => answer.map_err(|error| InvocationError::Failed(error.to_string())),
        Either::Left((Err(_), _)) => Err(InvocationError::Panicked),
        Either::Right(_) => Err(InvocationError::TimedOut),
    };
    ended.inspect_err(|error| tracing::error!(%error, "the invocation failed"))
}

#[cfg(test)]
mod tests {
    use pollwheel_core::time::Timestamp;

    use super::*;

    fn ten_seconds() -> Deadline {
        Deadline::new(10_000, Timestamp::from_millis(0))
    }

    #[tokio::test(start_paused = true)]
    async fn r13_a_handler_that_hangs_ends_as_an_error_before_lambda_ends_it() {
        let started = tokio::time::Instant::now();
        let ended = guard(ten_seconds(), std::future::pending::<Result<(), String>>()).await;
        assert_eq!(ended, Err(InvocationError::TimedOut));
        assert_eq!(started.elapsed(), Duration::from_millis(9500));
    }

    #[tokio::test(start_paused = true)]
    async fn r28_what_a_panic_says_stays_inside() {
        let handler = async {
            if Timestamp::from_millis(0).millis() == 0 {
                panic!("planted-s3cret");
            }
            Ok::<(), String>(())
        };
        let error = guard(ten_seconds(), handler).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("planted")), ("Pollwheel.Panicked", false));
    }
}
