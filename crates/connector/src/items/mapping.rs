//! From the wanted elements of a page to items, oldest first.

use std::borrow::Cow;

use jiff::fmt::temporal::DateTimePrinter;
use pollwheel_core::event::Item;
use serde_json::value::RawValue;

use super::{Found, Picked, element};
use crate::channel::{ItemRules, Kind};
use crate::cursor::{Element, Ledger};
use crate::select::Selector;

/// Writes times without a detour over formatting.
const RFC_3339: DateTimePrinter = DateTimePrinter::new();
/// Longest event type, in bytes.
const MAX_TYPE_BYTES: usize = 128;
/// Longest subject, in bytes. The item's id takes the place of a longer one.
const MAX_SUBJECT_BYTES: usize = 2048;

/// The items of the elements that `items.keep` lets through: at most `most`, the newest.
pub(super) fn items(
    rules: &ItemRules,
    ledger: &Ledger,
    mut fresh: Vec<Picked<'_>>,
    most: usize,
) -> Result<Vec<Found>, String> {
    if most == 0 || fresh.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(keep) = &rules.keep {
        fresh = kept(keep, rules, fresh)?;
    }
    if !matches!(ledger, Ledger::Time(_))
        && let Some(selector) = &rules.time
    {
        for picked in &mut fresh {
            let time = element::time(selector, rules, &mut picked.element);
            picked.time = time.map_err(|error| failed("time", &error))?;
        }
    }
    put_in_order(ledger, &mut fresh);
    let surplus = fresh.len().saturating_sub(most);
    let mut items = Vec::with_capacity(fresh.len() - surplus);
    for picked in fresh.into_iter().skip(surplus) {
        items.push(item(rules, picked)?);
    }
    Ok(items)
}

fn kept<'t>(keep: &Selector, rules: &ItemRules, fresh: Vec<Picked<'t>>) -> Result<Vec<Picked<'t>>, String> {
    let mut kept = Vec::with_capacity(fresh.len());
    for mut picked in fresh {
        let value = keep.value(&mut picked.element, &rules.names).map_err(|error| failed("keep", &error))?;
        if value.is_some_and(|value| value.get() != "false") {
            kept.push(picked);
        }
    }
    Ok(kept)
}

/// Oldest first. Without an order of ids or times the page's own is all there is: newest first, but for tokens.
fn put_in_order(ledger: &Ledger, fresh: &mut Vec<Picked<'_>>) {
    match ledger {
        // Pages come newest first, nearly all.
        Ledger::Greatest(_) if fresh.is_sorted_by(|a, b| ledger.compare(place(a), place(b)).is_gt()) => {
            fresh.reverse();
        }
        Ledger::Greatest(_) => {
            fresh.sort_by(|a, b| ledger.compare(place(a), place(b)));
            fresh.dedup_by(|a, b| a.id == b.id);
        }
        Ledger::Time(_) => fresh.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.id.cmp(&b.id))),
        Ledger::Seen(_) => {
            fresh.reverse();
            if fresh.iter().all(|picked| picked.time.is_some()) {
                fresh.sort_by_key(|picked| picked.time);
            }
        }
        Ledger::Token(_) => {}
    }
}

fn place<'p>(picked: &'p Picked<'_>) -> Element<'p> {
    Element { id: &picked.id, time: picked.time }
}

fn failed(field: &str, error: &dyn std::fmt::Display) -> String {
    format!("`items.{field}` of an element: {error}")
}

fn item(rules: &ItemRules, picked: Picked<'_>) -> Result<Found, String> {
    let Picked { id, time, mut element } = picked;
    let kind = match &rules.kind {
        Kind::Fixed(kind) => kind.clone(),
        Kind::Selected(selector) => {
            let kind = selector.scalar(&mut element, &rules.names).map_err(|error| failed("type", &error))?;
            let kind = kind.filter(|kind| is_type(kind));
            kind.ok_or_else(|| failed("type", &"it is not 1 to 128 letters, digits, `.`, `_` and `-`"))?
                .into()
        }
    };
    let subject = match &rules.subject {
        None => None,
        Some(selector) => {
            let subject =
                selector.scalar(&mut element, &rules.names).map_err(|error| failed("subject", &error))?;
            let usable = subject.filter(|text| {
                !text.is_empty() && text.len() <= MAX_SUBJECT_BYTES && element::is_carried(text)
            });
            usable.map(Cow::into_owned)
        }
    };
    let data = rules.data.value(&mut element, &rules.names).map_err(|error| failed("data", &error))?;
    let item = Item {
        id: id.into_owned(),
        kind,
        time: time.map(|time| RFC_3339.timestamp_to_string(&time)),
        subject,
        data: match data {
            Some(data) => data.into_raw().map_err(|error| failed("data", &error))?,
            None => RawValue::NULL.to_owned(),
        },
        dedupe_version: rules.dedupe_version,
    };
    Ok(Found { item, time })
}

fn is_type(text: &str) -> bool {
    (1..=MAX_TYPE_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
