use proptest::prelude::*;
use serde_json::value::RawValue;

use super::super::seeds;
use super::*;

/// Pieces that JSON is made of, put together in any way, most of them no JSON.
fn pieces() -> impl Strategy<Value = String> {
    let piece = r#"[{}\[\],: ]|"(a|b|\\u00[0-9a-g]{2}|\\["/nx\\]|ä|😀|x{0,12}|\t){0,3}"|"a":|"b":|null|true|falsy?|-?[0-9]{1,2}(\.[0-9]?)?([eE][+-]?[0-9]?)?|\n"#;
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// JSON, nearly always.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        r#""([ -!#-\[\]-~äß😀]{0,20}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]){0,3}""#,
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "null|true|false",
        pieces(),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let space = r"[ \n\r\t]{0,2}";
        let member = (r#"(a|b|c|\\u0061|)"#, inner.clone(), space)
            .prop_map(|(key, value, space)| format!("\"{key}\"{space}:{space}{value}{space}"));
        prop_oneof![
            (prop::collection::vec(inner, 0..5), space)
                .prop_map(|(values, space)| format!("[{space}{}]", values.join(","))),
            (prop::collection::vec(member, 0..5), space)
                .prop_map(|(members, space)| format!("{{{space}{}}}", members.join(","))),
        ]
    })
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|&name| name.into()).collect()
}

/// Holds what is found against what serde_json finds.
fn compare(text: &str) -> Result<(), TestCaseError> {
    let theirs: Option<&RawValue> = serde_json::from_str(text).ok();
    let ours = lookup(text, &[]);
    if let Some(ours) = ours {
        let theirs = theirs.map(RawValue::get).filter(|value| *value != "null");
        prop_assert_eq!(ours, theirs, "{}", text);
    } else {
        prop_assert!(theirs.is_none(), "{}", text);
    }
    for path in [names(&["a"]), names(&["a", "b"])] {
        if let Some(ours) = lookup(text, &path) {
            let theirs = seeds::lookup(text, &path).unwrap().map(RawValue::get);
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
    let wanted = names(&["b", "a"]);
    if let Some(ours) = members(text, &wanted) {
        prop_assert_eq!(Ok(ours), seeds::members(text, &wanted), "{}", text);
    }
    for path in [names(&[]), names(&["a"])] {
        if let Some(ours) = picked_elements(text, &path, &wanted) {
            let theirs = seeds::picked_elements(text, &path, &wanted).unwrap();
            let theirs: Vec<_> = theirs.into_iter().flat_map(Option::unwrap).collect();
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn r27_what_is_found_is_what_serde_json_finds(text in json()) {
        compare(&text)?;
        compare(&format!("[{{\"a\":{text}}}, {{\"b\" : 1,\"a\":{text}}}]"))?;
        compare(&format!("{{\"a\": [{{\"a\":{text},\"b\":[]}}]}}"))?;
    }

    #[test]
    fn r27_what_is_no_json_is_not_found(text in pieces()) {
        compare(&text)?;
    }
}

#[test]
fn what_apis_send_is_found() {
    let body =
        r#" {"a" : [ {"b":"x\"\u0041", "z":[{}, [ ], {"b":[1.5e-3,true]}], "a":null} ,{ }, {"a":-0} ] } "#;
    let found = picked_elements(body, &names(&["a"]), &names(&["a", "b"])).unwrap();
    assert_eq!(found, [None, Some(r#""x\"\u0041""#), None, None, Some("-0"), None]);
    assert_eq!(picked_elements("[ ]", &[], &names(&["a"])), Some(Vec::new()));
    assert_eq!(lookup(r#"{"a":{"b":1}}"#, &names(&["a", "b"])), Some(Some("1")));
    assert_eq!(lookup(r#"{"a":null}"#, &names(&["a", "b"])), Some(None));
}

#[test]
fn r25_what_is_nested_too_deep_is_left_to_another() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(lookup(&nested(100), &[]).is_some());
    assert_eq!(lookup(&nested(1_000_000), &[]), None);
}
