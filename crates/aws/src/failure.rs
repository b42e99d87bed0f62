//! What a failed call means to the passes: whether to slow down, to try again, or to look for a person.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pollwheel_core::ports::{PortError, Retry};

/// The error of a call. `what` names the operation and its table, queue or key, so that a person knows where to look.
pub(crate) fn failure<E>(what: impl Into<String>, error: SdkError<E, HttpResponse>) -> PortError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let retry = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Retry::Transient
        }
        SdkError::ConstructionFailure(_) => Retry::Never,
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            service.err().code().map_or_else(|| of_status(status), |code| of_code(code, status))
        }
        // The SDK may add kinds: nothing is known of them, so nothing is given up.
        _ => Retry::Transient,
    };
    let reason = match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("an error without a code");
            let message = service.err().message().unwrap_or("no message");
            format!("{code}: {message}{}", advice(code))
        }
        SdkError::ConstructionFailure(_)
        | SdkError::TimeoutError(_)
        | SdkError::DispatchFailure(_)
        | SdkError::ResponseError(_)
        | _ => chain(&error),
    };
    let what = what.into();
    // Here, because every caller counts its failures and few keep the reasons.
    tracing::warn!(what, ?retry, reason, "a call to AWS failed");
    PortError::new(what, retry, reason)
}

/// A failure that several things share: an error of a port cannot be copied.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    what: String,
    retry: Retry,
    reason: String,
}

impl From<PortError> for Shared {
    fn from(PortError { what, retry, source }: PortError) -> Self {
        Self { what, retry, reason: source.map_or_else(String::new, |source| source.to_string()) }
    }
}

impl From<Shared> for PortError {
    fn from(Shared { what, retry, reason }: Shared) -> Self {
        Self::new(what, retry, reason)
    }
}

/// What the codes of refused entries and calls mean. The lists are those of the services' API references ("Errors").
pub(crate) fn of_code(code: &str, status: u16) -> Retry {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "SlowDown"
        | "LimitExceededException"
        | "RequestThrottledException" => Retry::Throttled,
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "InternalServerError"
        | "InternalFailure"
        | "InternalException"
        | "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "DependencyTimeoutException"
        | "KMSInternalException"
        | "KeyUnavailableException" => Retry::Transient,
        _ => of_status(status),
    }
}

const fn of_status(status: u16) -> Retry {
    match status {
        429 => Retry::Throttled,
        500..=599 => Retry::Transient,
        _ => Retry::Never,
    }
}

/// What to do about an error that only a person can mend.
fn advice(code: &str) -> &'static str {
    match code {
        "AccessDeniedException" | "AccessDenied" | "KMS.AccessDeniedException" => {
            "; the function's role lacks this permission"
        }
        "ResourceNotFoundException"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "NotFoundException"
        | "NoSuchKey"
        | "NoSuchBucket" => "; it is not in this account and region, or its variable names another",
        "UnrecognizedClientException" | "InvalidClientTokenId" | "ExpiredTokenException" | "ExpiredToken" => {
            "; the credentials of the environment are not valid here"
        }
        _ => "",
    }
}

/// An error and its causes on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
