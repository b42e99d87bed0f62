use std::collections::HashSet;

use jiff::Timestamp;

use super::*;
use crate::channel::{Kind, Order};
use crate::cursor;
use crate::format::Format;
use crate::pick::Names;
use crate::select::{List, Selector};
use crate::state::{Gap, State};

struct Case {
    rules: ItemRules,
    ledger: Ledger,
    met: HashSet<IdHash>,
    most: usize,
}

impl Case {
    fn new(kind: cursor::Kind, state: &State) -> Self {
        let mut names = Names::default();
        let mut select = |code| Selector::compile(code, &mut names).unwrap();
        let rules = ItemRules {
            format: Format::Json,
            list: List::compile(".").unwrap(),
            keep: None,
            id: select(".id"),
            time: Some(select(".at")),
            kind: Kind::Fixed("test.item".to_owned()),
            subject: None,
            data: select("{text}"),
            names,
            dedupe_version: 1,
        };
        let now = "2026-11-23T07:45:00Z".parse::<Timestamp>().unwrap();
        let ledger = Ledger::read(kind, state, now).unwrap();
        Self { rules, ledger, met: HashSet::new(), most: usize::MAX }
    }

    fn numeric(low: Option<&str>) -> Self {
        let state = State { cursor: low.map(str::to_owned), ..State::default() };
        Self::new(cursor::Kind::Greatest(Order::Numeric), &state)
    }

    fn selecting(mut self, field: impl FnOnce(&mut ItemRules, Selector), code: &str) -> Self {
        let selector = Selector::compile(code, &mut self.rules.names).unwrap();
        field(&mut self.rules, selector);
        self
    }

    fn read(&mut self, body: &str) -> Result<Page, String> {
        let wanted = Wanted { ledger: &mut self.ledger, met: &mut self.met, most: self.most };
        read(&self.rules, body, wanted)
    }
}

fn ids(page: &Page) -> Vec<&str> {
    page.items.iter().map(|found| found.item.id.as_str()).collect()
}

#[test]
fn new_items_come_oldest_first_whatever_their_order_and_once() {
    let body = r#"[{"id":2},{"id":"10","text":"x","at":"2026-01-01T00:00:00+01:00"},{"id":9},{"id":10},{"id":4},{"id":3}]"#;
    let mut case = Case::numeric(Some("2"));
    case.met.insert(IdHash::of("4"));
    let page = case.read(body).unwrap();
    assert_eq!(ids(&page), ["3", "9", "10"]);
    assert_eq!((page.elements, page.newest.as_deref(), page.lowest.as_deref()), (6, Some("10"), Some("3")));
    assert_eq!(page.reach, Reach::Above);
    let item = &page.items[2].item;
    assert_eq!((item.data.get(), item.time.as_deref()), (r#"{"text":"x"}"#, Some("2025-12-31T23:00:00Z")));
    assert_eq!(Case::numeric(Some("2")).read("[]").unwrap().reach, Reach::Mark);
}

#[test]
fn old_elements_are_never_mapped() {
    // The old element would fail: its time is no time.
    let page = Case::numeric(Some("2")).read(r#"[{"id":9,"at":null},{"id":1,"at":"never"}]"#).unwrap();
    assert_eq!((ids(&page), page.reach), (vec!["9"], Reach::Mark));
    let error = Case::numeric(Some("2")).read(r#"[{"id":9,"at":"never"}]"#).unwrap_err();
    assert!(error.starts_with("`items.time` of an element: it is not a time"), "{error}");
}

#[test]
fn r27_an_element_without_id_refuses_the_page_and_names_the_field() {
    let error = |body: &str| Case::numeric(None).read(body).unwrap_err();
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
    let mut seen = Case::new(cursor::Kind::Seen { keep: 10 }, &State::default());
    assert!(seen.read(r#"[{"id":""}]"#).unwrap_err().ends_with("it is empty"));
}

#[test]
fn r26_large_ids_stay_apart() {
    let body = r#"[{"id":18446744073709551617},{"id":18446744073709551616},{"id":9007199254740993},{"id":9007199254740992}]"#;
    let page = Case::numeric(Some("9007199254740992")).read(body).unwrap();
    assert_eq!(ids(&page), ["9007199254740993", "18446744073709551616", "18446744073709551617"]);
}

#[test]
fn ids_may_be_computed() {
    let gap = Gap { newest: Some("c".to_owned()), oldest: Some("c".to_owned()), ..Gap::default() };
    let state = State { gap: Some(gap), ..State::default() };
    let case = Case::new(cursor::Kind::Greatest(Order::Lexicographic), &state);
    let mut case = case.selecting(|rules, id| rules.id = id, ".key | ltrimstr(\"t3_\")");
    case.most = 1;
    let page = case.read(r#"[{"key":"t3_a"},{"key":"t3_b"},{"key":"t3_c"}]"#).unwrap();
    assert_eq!((ids(&page), page.touches), (vec!["b"], true));
}

#[test]
fn what_is_not_kept_still_counts() {
    let case = Case::numeric(Some("2"));
    let mut case = case.selecting(|rules, keep| rules.keep = Some(keep), ".type == \"post\"");
    let page = case.read(r#"[{"id":5,"type":"like"},{"id":4,"type":"post"},{"id":3}]"#).unwrap();
    assert_eq!((ids(&page), page.fresh, page.lowest.as_deref()), (vec!["4"], 3, Some("3")));
    case.ledger.raise().unwrap();
    assert_eq!(case.ledger.text().as_deref(), Some("5"));
}

#[test]
fn types_and_subjects_may_be_selected() {
    let case =
        Case::numeric(None).selecting(|rules, kind| rules.kind = Kind::Selected(kind), "\"x.\" + .kind");
    let mut case = case.selecting(|rules, subject| rules.subject = Some(subject), ".url");
    let page = case.read(r#"[{"id":1,"kind":"a-b","url":"https://x/1"},{"id":2,"kind":"c"}]"#).unwrap();
    let shown: Vec<_> =
        page.items.iter().map(|found| (&*found.item.kind, found.item.subject.as_deref())).collect();
    assert_eq!(shown, [("x.a-b", Some("https://x/1")), ("x.c", None)]);
    for bad in [r#"[{"id":3,"kind":"no spaces"}]"#, r#"[{"id":3,"kind":1}]"#] {
        let error = case.read(bad).unwrap_err();
        assert!(error.starts_with("`items.type` of an element"), "{error}");
    }
    let long = format!(r#"[{{"id":4,"kind":"{}"}}]"#, "k".repeat(127));
    assert!(case.read(&long).is_err());
}

#[test]
fn without_an_order_the_newest_come_last_by_their_times_or_as_the_page_has_them() {
    let case = || Case::new(cursor::Kind::Seen { keep: 10 }, &State::default());
    let page = case().read(r#"[{"id":"c"},{"id":"b"},{"id":"a"},{"id":"c"}]"#).unwrap();
    assert_eq!(ids(&page), ["a", "b", "c"]);
    let page = case().read(r#"[{"id":"x","at":1},{"id":"z","at":3},{"id":"y","at":2}]"#).unwrap();
    assert_eq!(ids(&page), ["x", "y", "z"]);
    let mut tokens = Case::new(cursor::Kind::Token, &State::default());
    assert_eq!(ids(&tokens.read(r#"[{"id":"b"},{"id":"a"}]"#).unwrap()), ["b", "a"]);
}

#[test]
fn a_cursor_of_time_needs_one_on_every_element() {
    let mut case = Case::new(cursor::Kind::Time { overlap_seconds: 0 }, &State::default());
    let error = case.read(r#"[{"id":"a","at":5},{"id":"b"}]"#).unwrap_err();
    assert_eq!(error, "`items.time` of element 1: there is none, which `cursor.time` needs");
    let mut case = Case::new(cursor::Kind::Time { overlap_seconds: 0 }, &State::default());
    let page = case
        .read(r#"[{"id":"b","at":"1970-01-01T00:00:07Z"},{"id":"a","at":5},{"id":"c","at":6.5}]"#)
        .unwrap();
    assert_eq!(ids(&page), ["a", "c", "b"]);
}
