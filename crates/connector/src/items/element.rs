//! What every element is asked for: its id, and its time where the cursor is one of time.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::channel::{ItemRules, Order};
use crate::cursor::Ledger;
use crate::instant;
use crate::select::{Element, Selector};

/// Longest id, in bytes.
const MAX_ID_BYTES: usize = 512;

/// The element's id, or the reason why it has no usable one.
pub(super) fn id<'t>(
    rules: &ItemRules,
    ledger: &Ledger,
    element: &mut Element<'t>,
) -> Result<Cow<'t, str>, String> {
    let id = rules.id.scalar(element, &rules.names).map_err(|error| error.to_string())?;
    let id = id.ok_or("there is no string or number")?;
    if id.len() > MAX_ID_BYTES {
        return Err(format!("it is longer than {MAX_ID_BYTES} bytes"));
    }
    if !is_carried(&id) {
        return Err("it has a control character or a Unicode noncharacter".to_owned());
    }
    match ledger.order() {
        Some(order) if !order.accepts(&id) => Err(match order {
            Order::Numeric => {
                "it is not a whole number, which `cursor.greatest_id: numeric` needs".to_owned()
            }
            Order::Lexicographic => "it is empty".to_owned(),
        }),
        None if id.is_empty() => Err("it is empty".to_owned()),
        Some(_) | None => Ok(id),
    }
}

/// As for account ids: what a queue would not carry is no id.
pub(super) fn is_carried(text: &str) -> bool {
    if text.is_ascii() {
        // All of it, which is several bytes at a time.
        return !text.bytes().fold(false, |found, byte| found | byte.is_ascii_control());
    }
    !text.chars().any(|c| c.is_control() || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF))
}

/// The time that places an element, where the cursor is one of time: there must be one.
pub(super) fn placing_time(
    rules: &ItemRules,
    ledger: &Ledger,
    element: &mut Element<'_>,
) -> Result<Option<Timestamp>, String> {
    match (ledger, &rules.time) {
        (Ledger::Time(_), Some(selector)) => {
            let time = time(selector, rules, element)?;
            time.map(Some).ok_or_else(|| "there is none, which `cursor.time` needs".to_owned())
        }
        (Ledger::Time(_), None) => Err("`cursor.time` needs it".to_owned()),
        (Ledger::Greatest(_) | Ledger::Seen(_) | Ledger::Token(_), _) => Ok(None),
    }
}

/// The time of an element; none when it is null.
pub(super) fn time(
    selector: &Selector,
    rules: &ItemRules,
    element: &mut Element<'_>,
) -> Result<Option<Timestamp>, String> {
    let value = selector.value(element, &rules.names).map_err(|error| error.to_string())?;
    value.map(|value| instant::of(value.get()).map_err(|error| error.to_string())).transpose()
}
