//! What some responses really mean.

use http::{HeaderName, StatusCode};

pub(crate) use super::file::RuleOutcome;
use super::limits::{LimitScope, WaitUnit};
use crate::body_filter::BodyFilter;

/// What a response that says otherwise by its status really is.
#[derive(Debug)]
pub(crate) struct ErrorRule {
    pub(crate) statuses: Vec<StatusMatch>,
    pub(crate) header: Option<HeaderName>,
    pub(crate) body_contains: Option<String>,
    pub(crate) body: Option<BodyFilter>,
    pub(crate) outcome: RuleOutcome,
    pub(crate) scope: Option<LimitScope>,
    pub(crate) wait: Option<Wait>,
}

/// A status, or all that begin with a digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusMatch {
    One(StatusCode),
    /// `4xx` is 4.
    Class(u16),
}

impl StatusMatch {
    pub(crate) fn holds(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }
}

/// A wait in the body.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) body: BodyFilter,
    pub(crate) unit: WaitUnit,
}
