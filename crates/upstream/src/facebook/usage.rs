//! Usage in percent, counted by what kind of token a request carries: page tokens by page (business use case limits),
//! all others by platform limits. <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>

use hyper::header::HeaderMap;
use serde_json::json;

use crate::api;
use crate::call::Call;
use crate::draw;
use crate::window::{Standing, Verdict};

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `{app-id}|{app-secret}`, as documented.
    Application,
    /// Begins with `user-`.
    User,
    /// Any other.
    Page,
}

impl TokenKind {
    pub(super) fn of(call: &Call<'_>) -> Self {
        match call.token() {
            Some(token) if token.contains('|') => Self::Application,
            Some(token) if token.starts_with("user-") => Self::User,
            Some(_) | None => Self::Page,
        }
    }

    /// An application's tokens share its window, all that ask for a page share the page's.
    pub(super) fn counts_by(self, call: &Call<'_>) -> u64 {
        match self {
            Self::Application => {
                let id = call.token().and_then(|token| token.split('|').next()).unwrap_or_default();
                draw::key(7, id)
            }
            Self::User => call.caller(),
            Self::Page => draw::key(8, &call.account),
        }
    }

    /// The error when the window is used up.
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Application => 4,
            Self::User => 17,
            Self::Page => 32,
        }
    }
}

pub(super) fn add_headers(headers: &mut HeaderMap, call: &Call<'_>, standing: &Standing) {
    // Rounded up: 100 is said when nothing is left, and no sooner than that is less than the truth.
    let percent = (u64::from(standing.used) * 100).div_ceil(u64::from(standing.limit).max(1));
    let (time, cpu) = (percent * 3 / 4, percent / 2);
    match TokenKind::of(call) {
        TokenKind::Application | TokenKind::User => {
            let usage = json!({"call_count": percent, "total_time": time, "total_cputime": cpu});
            api::set(headers, "x-app-usage", &usage.to_string());
        }
        TokenKind::Page => {
            let minutes = match standing.verdict {
                Verdict::Allowed => 0,
                Verdict::Exhausted => standing.resets_at_ms.saturating_sub(call.now_ms).div_ceil(60_000),
            };
            let usage = json!({(call.account.as_ref()): [{
                "type": "pages",
                "call_count": percent,
                "total_cputime": cpu,
                "total_time": time,
                "estimated_time_to_regain_access": minutes,
            }]});
            api::set(headers, "x-business-use-case-usage", &usage.to_string());
        }
    }
}
