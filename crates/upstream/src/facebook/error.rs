//! Errors, told by the code in the body: <https://developers.facebook.com/docs/graph-api/guides/error-handling>.

use hyper::StatusCode;
use serde_json::json;

use super::usage::TokenKind;
use crate::api::{self, Answer, Problem};
use crate::call::Call;
use crate::draw;

/// The code that an account's id asks for: `error-613-...`.
pub(super) fn asked_for(account: &str) -> Option<u16> {
    account.strip_prefix("error-")?.split('-').next()?.parse().ok()
}

pub(super) fn answer(problem: Problem, call: &Call<'_>) -> Answer {
    let (code, subcode) = match problem {
        Problem::Limited => (TokenKind::of(call).code(), None),
        Problem::Unauthorized if call.token().is_none() => (104, None),
        Problem::Unauthorized => (190, Some(460)),
        Problem::Expired => (190, Some(463)),
        Problem::Forbidden => (10, None),
        // It does not tell what was deleted from what never was, nor from what may not be seen.
        Problem::Missing | Problem::Gone => (100, Some(33)),
        Problem::ServerError => (2, None),
        Problem::Throttled => (613, None),
        Problem::Code(code) => (code, None),
        Problem::NoUserAgent | Problem::TooFarBack | Problem::Invalid(_) => (100, None),
    };
    let status = match code {
        2 => StatusCode::INTERNAL_SERVER_ERROR,
        4 | 10 => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut error = json!({
        "message": message(code, call),
        "type": if code == 100 { "GraphMethodException" } else { "OAuthException" },
        "code": code,
        "fbtrace_id": format!("A{:016x}", draw::key(call.now_ms, &call.account)),
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    let mut answer = api::json(status, json!({ "error": error }).to_string());
    if code == 190 {
        let challenge = "OAuth \"Facebook Platform\" \"invalid_token\"";
        api::set(answer.headers_mut(), "www-authenticate", challenge);
    }
    answer
}

fn message(code: u16, call: &Call<'_>) -> String {
    match code {
        2 => "An unexpected error has occurred. Please retry your request later.".to_owned(),
        4 => "(#4) Application request limit reached".to_owned(),
        10 => "(#10) This endpoint requires the 'pages_read_engagement' permission".to_owned(),
        17 => "(#17) User request limit reached".to_owned(),
        32 => "(#32) Page request limit reached".to_owned(),
        100 => format!("Unsupported get request. Object with ID '{}' does not exist.", call.account),
        104 => "An access token is required to request this resource.".to_owned(),
        190 => "Error validating access token: The session is invalid.".to_owned(),
        613 => "(#613) Calls to this api have exceeded the rate limit.".to_owned(),
        _ => format!("(#{code}) An error"),
    }
}
