//! What is wrong with the shape of a channel file: fields that nobody knows, fields that are missing, a text where a map
//! belongs. All of it at once, in words of the file.
//!
//! Looks at files that did not read, and compares them with the JSON Schema, which is derived from the structs that do
//! read. Knows nothing of what values mean: that is `compile`'s.

mod expected;
mod node;
#[cfg(test)]
mod tests;

use serde_json::Value;
use serde_saphyr::Location;

use self::expected::{Expected, Fields, quoted};
use self::node::{Kind, Node};
use super::file::At;
use super::problem::Problems;
use crate::nearest;

const SCHEMA: &str = include_str!("../../../../../docs/channel.schema.json");

/// Adds everything that is wrong with the shape of a file.
///
/// # Errors
/// When the file is no YAML: then nothing can be said of its shape.
pub(super) fn check(text: &str, problems: &mut Problems) -> Result<(), serde_saphyr::Error> {
    let file = serde_saphyr::from_str::<At<Node>>(text)?;
    // It is derived, and tests compare it with the code.
    let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let mut walk = Walk { root: &schema, problems };
    walk.value(&file.value, &schema, &Position { field: String::new(), place: file.place });
    Ok(())
}

/// The walk through a file.
struct Walk<'a> {
    root: &'a Value,
    problems: &'a mut Problems,
}

/// Where the walk is.
struct Position {
    field: String,
    place: Location,
}

impl Position {
    /// A member of a map. An empty value has its key's place.
    fn member(&self, name: &str, key: Location, value: &At<Node>) -> Self {
        let field = if self.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field) };
        let place = match value.value {
            Node::Scalar(..) => value.place,
            // A map below its key begins at its own first key, which is not what is wrong.
            Node::Null | Node::List(_) | Node::Map(_) => key,
        };
        Self { field, place }
    }
}

impl Walk<'_> {
    fn value(&mut self, node: &Node, schema: &Value, at: &Position) {
        let expected = Expected::of(self.root, schema);
        if let Some(name) = node.template() {
            let message = format!(
                "begins with `{{{{`, which is a map to YAML: write it in quotes, `\"{{{{ {name} }}}}\"`"
            );
            return self.say(at, message);
        }
        match node {
            Node::Null => self.null(&expected, at),
            Node::Scalar(kind, text) => {
                if let Some(message) = scalar(*kind, text, &expected) {
                    self.say(at, message);
                }
            }
            Node::List(elements) => self.list(elements, &expected, at),
            Node::Map(members) => self.map(members, &expected, at),
        }
    }

    fn null(&mut self, expected: &Expected<'_>, at: &Position) {
        if let Some(fields) = expected.fields.as_ref().filter(|_| !expected.null && expected.words.is_empty())
        {
            return self.missing(&[], fields, at);
        }
        let may_be_empty =
            expected.anything || expected.null || expected.elements.is_some() || expected.members.is_some();
        if !may_be_empty {
            self.say(at, format!("is empty: write {}", expected.describe()));
        }
    }

    fn list(&mut self, elements: &[At<Node>], expected: &Expected<'_>, at: &Position) {
        let schema = match expected.elements {
            Some(schema) => schema,
            None if expected.anything => &Value::Null,
            None => {
                return self.say(at, format!("is a list: write {}{}", expected.describe(), quotes(expected)));
            }
        };
        for (index, element) in elements.iter().enumerate() {
            let position = Position { field: format!("{}[{index}]", at.field), place: element.place };
            self.value(&element.value, schema, &position);
        }
    }

    fn map(&mut self, members: &[(At<Node>, At<Node>)], expected: &Expected<'_>, at: &Position) {
        let is_word = |key: &str| expected.words.contains(&key);
        if !expected.is_map() && !expected.anything {
            return self.say(at, format!("is a map: write {}{}", expected.describe(), quotes(expected)));
        }
        let mut unknown = Vec::new();
        for (key, value) in members {
            let Some(name) = key.value.key() else {
                self.problems.at(key.place, at.field.as_str(), "has a key that is no name");
                continue;
            };
            let position = at.member(name, key.place, value);
            match expected.field(name).or(expected.members) {
                Some(schema) => self.value(&value.value, schema, &position),
                None if expected.anything => self.value(&value.value, &Value::Null, &position),
                None if is_word(name) => {
                    let message = format!("stands alone: write `{name}` without a `:`");
                    self.problems.at(key.place, position.field, message);
                }
                None => {
                    unknown.push(name);
                    self.problems.at(key.place, position.field, unknown_field(name, expected));
                }
            }
        }
        self.chosen(members, expected, at);
        if let Some(fields) = &expected.fields {
            let names: Vec<&str> = members.iter().filter_map(|(key, _)| key.value.key()).collect();
            // What was misspelt is not missing, too.
            let meant =
                unknown.iter().filter_map(|name| nearest::nearest(name, fields.required.iter().copied()));
            let there: Vec<&str> = names.iter().copied().chain(meant).collect();
            self.missing(&there, fields, at);
        }
    }

    /// A map of choices holds exactly one.
    fn chosen(&mut self, members: &[(At<Node>, At<Node>)], expected: &Expected<'_>, at: &Position) {
        if expected.choices.is_empty() || expected.fields.is_some() {
            return;
        }
        let names: Vec<&str> = members.iter().filter_map(|(key, _)| key.value.key()).collect();
        match members {
            [] => self.say(at, format!("is empty: write {}", expected.describe())),
            [_] => {}
            [_, (second, _), ..] => {
                let message = format!("has {} at once: keep one", quoted(&names));
                self.problems.at(second.place, at.field.as_str(), message);
            }
        }
    }

    fn missing(&mut self, there: &[&str], fields: &Fields<'_>, at: &Position) {
        for name in fields.required.iter().copied().filter(|name| !there.contains(name)) {
            let schema = fields.known.iter().find(|(known, _)| *known == name).map(|(_, schema)| *schema);
            let example = schema.map(|schema| Expected::of(self.root, schema).example(1)).unwrap_or_default();
            let meaning = schema.and_then(|schema| schema["description"].as_str()).unwrap_or_default();
            let meaning = meaning.trim_end_matches('.');
            let field = at.member(name, at.place, &At { value: Node::Null, place: at.place }).field;
            self.problems.at(at.place, field, format!("is missing: write `{name}: {example}` ({meaning})"));
        }
    }

    fn say(&mut self, at: &Position, message: String) {
        self.problems.at(at.place, at.field.as_str(), message);
    }
}

/// What is wrong with a scalar, if anything is.
fn scalar(kind: Kind, text: &str, expected: &Expected<'_>) -> Option<String> {
    let number = text.parse::<u64>().ok();
    let is_number = number.is_some_and(|number| expected.numbers.iter().any(|range| range.contains(&number)));
    let is_truth = expected.truth && kind == Kind::Bool;
    if expected.anything || expected.text || is_number || is_truth || expected.words.contains(&text) {
        return None;
    }
    if let Some(schema) = expected.field(text) {
        let example = expected.inner(schema).example(1);
        return Some(format!("`{text}` needs a value: write `{{{text}: {example}}}`"));
    }
    let names: Vec<&str> =
        expected.words.iter().copied().chain(expected.choices.iter().map(|(name, _)| *name)).collect();
    if !names.is_empty() {
        let hint = nearest::hint(text, names);
        return Some(format!("`{text}` is not {}{hint}", expected.describe()));
    }
    if let Some(elements) = expected.elements {
        let element = expected.inner(elements);
        let element =
            if scalar(kind, text, &element).is_none() { text.to_owned() } else { element.example(1) };
        return Some(format!("`{text}` is not a list: write `[{element}]`"));
    }
    Some(format!("`{text}` is not {}", expected.describe()))
}

fn unknown_field(name: &str, expected: &Expected<'_>) -> String {
    let fields = expected.fields.iter().flat_map(|fields| &fields.known);
    let known: Vec<&str> = fields
        .chain(&expected.choices)
        .map(|(name, _)| *name)
        .chain(expected.words.iter().copied())
        .collect();
    let hint = nearest::hint(name, known.iter().copied());
    let hint = if hint.is_empty() { format!(": it has {}", quoted(&known)) } else { hint };
    format!("unknown field `{name}`{hint}")
}

/// Filters and sentences look like YAML's own lists and maps.
const fn quotes(expected: &Expected<'_>) -> &'static str {
    if expected.text { ", in quotes" } else { "" }
}
