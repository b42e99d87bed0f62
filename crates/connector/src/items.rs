//! From the body of a page to the items in it that are new.
//!
//! Every element must have an id; an element without one means that the channel no longer describes the API, and the
//! whole page is refused. Only new elements are mapped.

use std::collections::HashSet;

use pollwheel_core::event::Item;
use serde_json::value::RawValue;

use crate::channel::{ItemRules, Kind, Order};
use crate::select::{Element, Selector};

/// Longest id, in bytes.
const MAX_ID_BYTES: usize = 512;

/// Which elements of a page are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) order: Order,
    /// Only what is newer than this.
    pub(crate) low: Option<&'a str>,
    /// Only what is older than this.
    pub(crate) below: Option<&'a str>,
    /// None of these.
    pub(crate) seen: &'a HashSet<String>,
    /// At most so many, the newest.
    pub(crate) most: usize,
}

/// What a page held.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Elements on it, wanted or not.
    pub(crate) elements: usize,
    /// Whether none of them is above the low-water mark.
    pub(crate) all_old: bool,
    /// Whether the last one is not above the low-water mark.
    pub(crate) last_is_old: bool,
    /// The greatest id on it.
    pub(crate) newest: Option<String>,
    /// The smallest id on it that is above the low-water mark.
    pub(crate) oldest_above: Option<String>,
    /// The wanted items.
    pub(crate) items: Vec<Item>,
}

/// Reads a page from its document.
///
/// # Errors
/// How it differs from what the channel declares, with the field and without content.
pub(crate) fn read(rules: &ItemRules, document: &str, wanted: Wanted<'_>) -> Result<Page, String> {
    let names = rules.is_picked().then_some(&rules.names);
    let page = rules.list.elements(document, names, |elements| page(rules, elements, wanted));
    page.map_err(|error| format!("`items.list`: {error}"))?
}

fn page(rules: &ItemRules, elements: Vec<Element<'_>>, wanted: Wanted<'_>) -> Result<Page, String> {
    let order = wanted.order;
    let mut page = Page { elements: elements.len(), all_old: true, ..Page::default() };
    let mut picked: Vec<(String, Element<'_>)> = Vec::new();
    for (index, mut element) in elements.into_iter().enumerate() {
        let id = id(rules, order, &mut element)
            .map_err(|error| format!("`items.id` of element {index}: {error}"))?;
        let is_old = wanted.low.is_some_and(|low| !order.is_newer(&id, low));
        page.all_old &= is_old;
        page.last_is_old = is_old;
        if page.newest.as_ref().is_none_or(|newest| order.is_newer(&id, newest)) {
            page.newest = Some(id.clone());
        }
        if is_old {
            continue;
        }
        if page.oldest_above.as_ref().is_none_or(|oldest| order.is_newer(oldest, &id)) {
            page.oldest_above = Some(id.clone());
        }
        let is_below = wanted.below.is_none_or(|below| order.is_newer(below, &id));
        if is_below && !wanted.seen.contains(&id) {
            picked.push((id, element));
        }
    }
    picked.sort_by(|(a, _), (b, _)| order.compare(a, b));
    picked.dedup_by(|(a, _), (b, _)| a == b);
    let surplus = picked.len().saturating_sub(wanted.most);
    let items = picked.drain(surplus..).map(|(id, mut element)| item(rules, id, &mut element));
    page.items = items.collect::<Result<_, _>>()?;
    Ok(page)
}

/// The reason why an element has no usable id, or the id.
fn id(rules: &ItemRules, order: Order, element: &mut Element<'_>) -> Result<String, String> {
    let id = rules.id.scalar(element, &rules.names).map_err(|error| error.to_string())?;
    let id = id.ok_or("there is no string or number")?;
    if id.len() > MAX_ID_BYTES {
        return Err(format!("it is longer than {MAX_ID_BYTES} bytes"));
    }
    // As for account ids: what a queue would not carry is no id.
    if id.chars().any(|c| c.is_control() || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)) {
        return Err("it has a control character or a Unicode noncharacter".to_owned());
    }
    if !order.accepts(&id) {
        return Err(match order {
            Order::Numeric => {
                "it is not a whole number, which `cursor.greatest_id: numeric` needs".to_owned()
            }
            Order::Lexicographic => "it is empty".to_owned(),
        });
    }
    Ok(id)
}

fn item(rules: &ItemRules, id: String, element: &mut Element<'_>) -> Result<Item, String> {
    let failed =
        |field: &str, error: &dyn std::fmt::Display| format!("`items.{field}` of an element: {error}");
    let time = match &rules.time {
        None => None,
        Some(selector) => time(selector, rules, element).map_err(|error| failed("time", &error))?,
    };
    let data = rules.data.value(element, &rules.names).map_err(|error| failed("data", &error))?;
    let data = data.unwrap_or_else(|| RawValue::NULL.to_owned());
    let kind = match &rules.kind {
        Kind::Fixed(kind) => kind.clone(),
        Kind::Selected(selector) => {
            let kind = selector.scalar(element, &rules.names).map_err(|error| failed("type", &error))?;
            kind.ok_or("`items.type` of an element: it is no string")?
        }
    };
    Ok(Item { id, kind, time, subject: None, data, dedupe_version: rules.dedupe_version })
}

/// A time as RFC 3339 in UTC; none when it is null.
fn time(selector: &Selector, rules: &ItemRules, element: &mut Element<'_>) -> Result<Option<String>, String> {
    let Some(text) = selector.scalar(element, &rules.names).map_err(|error| error.to_string())? else {
        let value = selector.value(element, &rules.names).map_err(|error| error.to_string())?;
        return value.map_or(Ok(None), |_| Err("it is not a string".to_owned()));
    };
    let time: jiff::Timestamp = text.parse().map_err(|_| "it is not a time like `2026-11-23T07:45:00Z`")?;
    Ok(Some(time.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pick::Names;
    use crate::select::List;

    fn rules(id: &str, order: Order) -> (ItemRules, Order) {
        let mut names = Names::default();
        let mut select = |code| Selector::compile(code, &mut names).unwrap();
        let rules = ItemRules {
            list: List::compile(".").unwrap(),
            id: select(id),
            time: Some(select(".at")),
            kind: Kind::Fixed("test.item".to_owned()),
            format: crate::channel::Format::Json,
            keep: None,
            subject: None,
            data: select("{text}"),
            names,
            dedupe_version: 1,
        };
        (rules, order)
    }

    fn page_of(body: &str, low: Option<&str>) -> Result<Page, String> {
        let (rules, order) = rules(".id", Order::Numeric);
        let seen = HashSet::from(["4".to_owned()]);
        read(&rules, body, Wanted { order, low, below: None, seen: &seen, most: usize::MAX })
    }

    fn ids(page: &Page) -> Vec<&str> {
        page.items.iter().map(|item| item.id.as_str()).collect()
    }

    #[test]
    fn new_items_come_oldest_first_whatever_their_order_and_once() {
        let body = r#"[{"id":2},{"id":"10","text":"x","at":"2026-01-01T00:00:00+01:00"},{"id":9},{"id":10},{"id":4},{"id":3}]"#;
        let page = page_of(body, Some("2")).unwrap();
        assert_eq!(ids(&page), ["3", "9", "10"]);
        assert_eq!(
            (page.elements, page.newest.as_deref(), page.oldest_above.as_deref()),
            (6, Some("10"), Some("3"))
        );
        assert!(!page.all_old && !page.last_is_old);
        assert_eq!(page.items[2].data.get(), r#"{"text":"x"}"#);
        assert_eq!(page.items[2].time.as_deref(), Some("2025-12-31T23:00:00Z"));
        assert!(page_of("[]", Some("2")).unwrap().all_old);
    }

    #[test]
    fn old_elements_are_never_mapped() {
        // The old element would fail: its time is no time.
        let page = page_of(r#"[{"id":9,"at":null},{"id":1,"at":"never"}]"#, Some("2")).unwrap();
        assert_eq!(ids(&page), ["9"]);
        assert!(page.last_is_old && !page.all_old);
        assert!(
            page_of(r#"[{"id":9,"at":"never"}]"#, Some("2"))
                .unwrap_err()
                .starts_with("`items.time` of an element")
        );
    }

    #[test]
    fn r27_an_element_without_id_refuses_the_page_and_names_the_field() {
        let error = |body: &str| page_of(body, None).unwrap_err();
        assert_eq!(error(r#"[{"id":1},{"uid":2}]"#), "`items.id` of element 1: there is no string or number");
        assert!(error(r#"[{"id":{"x":1}}]"#).contains("no string or number"));
        assert!(error(r#"[{"id":"-1"}]"#).contains("`cursor.greatest_id: numeric`"));
        assert!(error(r#"[{"id":1.5}]"#).contains("not a whole number"));
        assert!(error(r#"["secret"]"#).starts_with("`items.id` of element 0: expected an object"));
        assert!(!error(r#"["secret"]"#).contains("secret"));
        assert!(error(r#"{"error":"secret"}"#).starts_with("`items.list`: expected an array"));
        assert!(error("<html>").starts_with("`items.list`"));
        assert!(error(&format!(r#"[{{"id":"{}"}}]"#, "1".repeat(513))).contains("512"));
        assert!(error(r#"[{"id":"1\ufffe"}]"#).contains("noncharacter"));
    }

    #[test]
    fn r26_large_ids_stay_apart() {
        let page = page_of(
            r#"[{"id":18446744073709551617},{"id":18446744073709551616},{"id":9007199254740993},{"id":9007199254740992}]"#,
            Some("9007199254740992"),
        );
        assert_eq!(ids(&page.unwrap()), ["9007199254740993", "18446744073709551616", "18446744073709551617"]);
    }

    #[test]
    fn ids_may_be_computed() {
        let (rules, order) = rules(".key | ltrimstr(\"t3_\")", Order::Lexicographic);
        let wanted = Wanted { order, low: None, below: Some("c"), seen: &HashSet::new(), most: 1 };
        let page = read(&rules, r#"[{"key":"t3_a"},{"key":"t3_b"},{"key":"t3_c"}]"#, wanted).unwrap();
        assert_eq!(ids(&page), ["b"]);
    }
}
