//! What went wrong on the wire, in words of our own: the libraries' messages may repeat what they were given.

use std::error::Error;

use super::dial::DialError;
use crate::exchange::FetchError;

/// Why there is no response.
pub(super) fn of_request(error: &hyper_util::client::legacy::Error) -> FetchError {
    of(error)
}

/// Why a body ended before its end.
pub(super) fn of_body(error: &hyper::Error) -> FetchError {
    of(error)
}

fn of(error: &(dyn Error + 'static)) -> FetchError {
    let mut cause = Some(error);
    let mut kind = None;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<DialError>() {
            return match error {
                DialError::Timeout => FetchError::Timeout,
                DialError::Forbidden(_) | DialError::Unresolved | DialError::Refused(_) => {
                    FetchError::Network(error.to_string())
                }
            };
        }
        if error.downcast_ref::<rustls::Error>().is_some() {
            return FetchError::Network(
                "TLS failed: no common version, or the certificate is not valid".to_owned(),
            );
        }
        if let Some(answer) = error.downcast_ref::<hyper::Error>().and_then(of_hyper) {
            return answer;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            // rustls hides inside.
            if let Some(inner) = error.get_ref().filter(|inner| inner.is::<rustls::Error>()) {
                let inner: &(dyn Error + 'static) = inner;
                cause = Some(inner);
                continue;
            }
            kind = Some(error.kind());
        }
        cause = error.source();
    }
    FetchError::Network(match kind {
        Some(kind) => format!("the connection broke ({kind})"),
        None => "the connection broke".to_owned(),
    })
}

fn of_hyper(error: &hyper::Error) -> Option<FetchError> {
    if error.is_parse_too_large() {
        return Some(FetchError::Bad("the response has too many or too large headers".to_owned()));
    }
    if error.is_parse() {
        return Some(FetchError::Bad("the response is not HTTP".to_owned()));
    }
    if error.is_incomplete_message() {
        return Some(FetchError::Network(
            "the connection was closed before the end of the response".to_owned(),
        ));
    }
    None
}
