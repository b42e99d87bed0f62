//! The paths by which a test looks behind the scenes: counts, whole timelines, and items on demand.
//!
//! No limits, faults or counts apply to them.

use std::fmt::Write;

use hyper::{Method, StatusCode};

use crate::api::{Answer, json};
use crate::call::{Query, is_account_id};
use crate::channel::Channel;
use crate::service::{Detail, Service};

/// Ids in one answer: about 20 MB of JSON.
const MAX_IDS: usize = 1_000_000;

const PATHS: &str =
    "GET /_stats[?accounts=0], GET /_accounts/{channel}/{id}/ids, POST /_accounts/{channel}/{id}/post?n=1";

/// Answers a request whose path begins with `/_`. `path` has no leading slash.
pub(crate) fn answer(service: &Service, method: &Method, path: &str, query: Query<'_>) -> Answer {
    let segments: Vec<_> = path.split('/').collect();
    match (method, segments.as_slice()) {
        (&Method::GET, ["_stats"]) => stats(service, query),
        (&Method::GET, ["_accounts", channel, id, "ids"]) => {
            on_account(channel, id, |channel| ids(service, channel, id))
        }
        (&Method::POST, ["_accounts", channel, id, "post"]) => {
            on_account(channel, id, |channel| post(service, channel, id, query))
        }
        _ => error(StatusCode::NOT_FOUND, &format!("no such control path: there are {PATHS}")),
    }
}

fn on_account(channel: &str, id: &str, answer: impl FnOnce(Channel) -> Answer) -> Answer {
    match channel.parse() {
        Ok(_) if !is_account_id(id) => {
            error(StatusCode::BAD_REQUEST, "an id is made of letters, digits and `-_.@:`")
        }
        Ok(channel) => answer(channel),
        Err(unknown) => error(StatusCode::NOT_FOUND, &unknown.to_string()),
    }
}

fn stats(service: &Service, query: Query<'_>) -> Answer {
    let detail =
        if query.get("accounts").as_deref() == Some("0") { Detail::Totals } else { Detail::Accounts };
    match serde_json::to_string(&service.stats(detail)) {
        Ok(body) => json(StatusCode::OK, body),
        Err(cause) => error(StatusCode::INTERNAL_SERVER_ERROR, &cause.to_string()),
    }
}

fn ids(service: &Service, channel: Channel, id: &str) -> Answer {
    let feed = service.accounts.feed(channel, id, service.now_ms());
    let ids: Vec<_> = feed.oldest_first(0).take(MAX_IDS + 1).collect();
    if ids.len() > MAX_IDS {
        return error(
            StatusCode::INSUFFICIENT_STORAGE,
            &format!("the timeline has more than {MAX_IDS} items"),
        );
    }
    let history = ids.partition_point(|&id| id < service.accounts.first_id_since_start());
    json(StatusCode::OK, format!(r#"{{"history":{history},"ids":{}}}"#, list(service, channel, id, &ids)))
}

fn post(service: &Service, channel: Channel, id: &str, query: Query<'_>) -> Answer {
    let n = usize::try_from(query.number("n").unwrap_or(1)).unwrap_or(usize::MAX);
    match service.accounts.post(channel, id, n.min(MAX_IDS), service.now_ms()) {
        Ok(ids) => json(StatusCode::OK, format!(r#"{{"ids":{}}}"#, list(service, channel, id, &ids))),
        Err(cause) => error(StatusCode::CONFLICT, &cause.to_string()),
    }
}

/// Ids as the API writes them.
fn list(service: &Service, channel: Channel, account: &str, ids: &[u64]) -> String {
    let api = service.apis.get(channel);
    let mut out = String::with_capacity(2 + 21 * ids.len());
    out.push('[');
    for (position, &id) in ids.iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{}\"", api.item_id(account, id));
    }
    out.push(']');
    out
}

fn error(status: StatusCode, message: &str) -> Answer {
    json(status, serde_json::json!({ "error": message }).to_string())
}
