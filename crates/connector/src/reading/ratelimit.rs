//! The `RateLimit` and `RateLimit-Policy` fields: `RateLimit: "default";r=50;t=30` and
//! `RateLimit-Policy: "default";q=100;w=60`.
//!
//! As in the IETF's draft <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>. The separate
//! `RateLimit-Remaining` and `RateLimit-Reset` of its early versions are headers like others.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, List, ListEntry, Parameters, Parser};

use super::limits::Left;
use crate::channel::PolicyName;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left under a policy; of several the least, and the longest wait for it. Without a reset in the response it
/// comes after a whole window at the latest, if the response tells how long one is.
pub(super) fn left(headers: &HeaderMap, policy: &PolicyName) -> Option<Left> {
    let states = list(headers, &RATE_LIMIT)?;
    let policies = list(headers, &RATE_LIMIT_POLICY).unwrap_or_default();
    let found = states.iter().filter_map(|entry| {
        let (name, parameters) = named(entry)?;
        let is_meant = match policy {
            PolicyName::Any => true,
            PolicyName::Named(wanted) => wanted == name,
        };
        let remaining = whole(parameters, "r").filter(|_| is_meant)?;
        let reset_seconds = whole(parameters, "t").or_else(|| window(&policies, name));
        Some(Left { remaining, reset_seconds })
    });
    // Of two that have as little, the later reset. One without a reset is not known to end soon.
    found.min_by_key(|left| (left.remaining, std::cmp::Reverse(left.reset_seconds)))
}

/// A malformed field says nothing: <https://www.rfc-editor.org/rfc/rfc9651#section-4.2>.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<List> {
    let lines = headers.get_all(name).iter().map(|value| value.to_str().ok());
    let lines: Option<Vec<&str>> = lines.collect();
    let lines = lines.filter(|lines| !lines.is_empty())?;
    Parser::new(&lines.join(", ")).parse::<List>().ok()
}

fn named(entry: &ListEntry) -> Option<(&str, &Parameters)> {
    let ListEntry::Item(item) = entry else { return None };
    let name = match &item.bare_item {
        BareItem::String(name) => name.as_str(),
        // Servers that were written for an earlier version.
        BareItem::Token(name) => name.as_str(),
        BareItem::Integer(_)
        | BareItem::Decimal(_)
        | BareItem::Boolean(_)
        | BareItem::ByteSequence(_)
        | BareItem::Date(_)
        | BareItem::DisplayString(_) => return None,
    };
    Some((name, &item.params))
}

/// A parameter that counts. What is negative is 0.
fn whole(parameters: &Parameters, name: &str) -> Option<u64> {
    let number = parameters.get(name)?.as_integer()?;
    Some(u64::try_from(i64::from(number)).unwrap_or(0))
}

/// Seconds of a policy's window.
fn window(policies: &List, name: &str) -> Option<u64> {
    let windows = policies.iter().filter_map(|entry| {
        let (policy, parameters) = named(entry)?;
        (policy == name).then(|| whole(parameters, "w"))?
    });
    windows.max()
}
