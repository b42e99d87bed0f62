//! How two results of a poll differ, field by field. Items are compared by their id, wherever they stand.

use super::tree::Tree;

/// One field that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: `hints.floor_seconds`, `items[115...].data.tags[0]`.
    pub field: String,
    /// What it was, none when it was not there.
    pub old: Option<Tree>,
    /// What it is, none when it is no more.
    pub new: Option<Tree>,
}

/// Everything in which a result differs from an earlier one.
#[must_use]
pub fn differences(old: &Tree, new: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(old), Some(new), &mut found);
    found
}

fn compare(field: String, old: Option<&Tree>, new: Option<&Tree>, found: &mut Vec<Difference>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Tree::Map(olds)), Some(new @ Tree::Map(news))) => {
            for (name, old) in olds {
                compare(member(&field, name), Some(old), new.get(name), found);
            }
            for (name, new) in news.iter().filter(|(name, _)| olds.iter().all(|(known, _)| known != name)) {
                compare(member(&field, name), None, Some(new), found);
            }
        }
        (Some(Tree::List(olds)), Some(Tree::List(news))) if field == "items" => items(olds, news, found),
        (Some(Tree::List(olds)), Some(Tree::List(news))) => {
            for index in 0..olds.len().max(news.len()) {
                compare(format!("{field}[{index}]"), olds.get(index), news.get(index), found);
            }
        }
        (old, new) => found.push(Difference { field, old: old.cloned(), new: new.cloned() }),
    }
}

fn member(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") }
}

/// The ids of two lists of items, and in which order they are.
fn items(olds: &[Tree], news: &[Tree], found: &mut Vec<Difference>) {
    let with = |list: &'_ [Tree], id: &str| list.iter().position(|item| id_of(item) == id);
    for old in olds {
        let id = id_of(old);
        let new = with(news, id).and_then(|at| news.get(at));
        compare(format!("items[{id}]"), Some(old), new, found);
    }
    for new in news.iter().filter(|new| with(olds, id_of(new)).is_none()) {
        compare(format!("items[{}]", id_of(new)), None, Some(new), found);
    }
    let order = |list: &[Tree], other: &[Tree]| -> Vec<Tree> {
        let both = list.iter().map(id_of).filter(|id| with(other, id).is_some());
        both.map(|id| Tree::Text(id.to_owned())).collect()
    };
    let (old, new) = (order(olds, news), order(news, olds));
    if old != new {
        let list = |ids| Some(Tree::List(ids));
        found.push(Difference { field: "items (their order)".to_owned(), old: list(old), new: list(new) });
    }
}

fn id_of(item: &Tree) -> &str {
    item.get("id").and_then(Tree::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(old: &str, new: &str) -> Vec<String> {
        let text = |tree: Option<Tree>| tree.map_or("nothing".to_owned(), |tree| tree.compact());
        differences(&Tree::parse(old).unwrap(), &Tree::parse(new).unwrap())
            .into_iter()
            .map(|Difference { field, old, new }| format!("{field}: {} -> {}", text(old), text(new)))
            .collect()
    }

    #[test]
    fn each_field_is_named_with_what_it_was_and_what_it_is() {
        assert_eq!(
            found(r#"{"a":{"b":1,"c":[1,2]},"d":0}"#, r#"{"a":{"b":2,"c":[1],"e":"x"},"d":0}"#),
            ["a.b: 1 -> 2", "a.c[1]: 2 -> nothing", "a.e: nothing -> \"x\""]
        );
        assert!(found(r#"{"a":1}"#, r#"{"a":1}"#).is_empty());
        assert_eq!(
            found(r#"{"a":18446744073709551616}"#, r#"{"a":18446744073709551617}"#),
            ["a: 18446744073709551616 -> 18446744073709551617"]
        );
    }

    #[test]
    fn items_are_compared_by_id_and_their_order_is_told() {
        let old = r#"{"items":[{"id":"1","t":1},{"id":"2","t":1},{"id":"3","t":1}]}"#;
        let new = r#"{"items":[{"id":"3","t":2},{"id":"2","t":1},{"id":"4","t":1}]}"#;
        assert_eq!(
            found(old, new),
            [
                r#"items[1]: {"id":"1","t":1} -> nothing"#,
                "items[3].t: 1 -> 2",
                r#"items[4]: nothing -> {"id":"4","t":1}"#,
                r#"items (their order): ["2","3"] -> ["3","2"]"#,
            ]
        );
    }
}
