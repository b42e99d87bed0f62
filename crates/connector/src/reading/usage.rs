//! Headers with a JSON object of percentages: `{"call_count": 28, "total_time": 25, "total_cputime": 25}`, or one level of
//! lists below ids, `{"123": [{"type": "pages", "call_count": 28, ...}]}`.
//!
//! As Meta documents them: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting/>.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::limits::Left;
use crate::channel::Usage;
use crate::wait::number;

/// Percent that are left by the greatest of the percentages, and the longest of the waits that are not 0.
pub(super) fn left(headers: &HeaderMap, rule: &Usage) -> Option<Left> {
    let values = headers.get_all(&rule.header).iter();
    let found: Vec<Value> =
        values.filter_map(|value| serde_json::from_slice(value.as_bytes()).ok()).collect();
    let objects = || found.iter().filter_map(Value::as_object).flat_map(objects);
    let percents = objects().flat_map(|object| rule.percents.iter().filter_map(|name| count(object, name)));
    let used = percents.max()?;
    let wait = rule.wait.as_ref().and_then(|(name, unit)| {
        let waits = objects().filter_map(|object| count(object, name));
        waits.max().filter(|wait| *wait > 0).map(|wait| unit.seconds(wait))
    });
    Some(Left { remaining: 100_u64.saturating_sub(used), reset_seconds: wait })
}

/// The object itself, and those one level of members or elements below it.
fn objects(object: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let mut all = vec![object];
    for member in object.values() {
        all.extend(member.as_object());
        all.extend(member.as_array().into_iter().flatten().filter_map(Value::as_object));
    }
    all
}

/// A number or the text of one, rounded up: what is nearly used up counts as used up.
fn count(object: &Map<String, Value>, name: &str) -> Option<u64> {
    match object.get(name)? {
        Value::Number(count) => number(&count.to_string()),
        Value::String(count) => number(count),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
