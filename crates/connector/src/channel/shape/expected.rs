//! What a place of a channel file may hold, as the JSON Schema says it.
//!
//! Reads the part of JSON Schema that is derived from the structs of [`crate::channel::file`], and nothing else of it.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde_json::Value;

/// Deepest example that is written out.
const MAX_EXAMPLE_DEPTH: usize = 2;

/// What a place may hold: any of these.
#[derive(Debug)]
pub(super) struct Expected<'s> {
    root: &'s Value,
    /// Nothing is said of it.
    pub(super) anything: bool,
    pub(super) null: bool,
    pub(super) text: bool,
    pub(super) truth: bool,
    pub(super) numbers: Vec<RangeInclusive<u64>>,
    /// Fixed words.
    pub(super) words: Vec<&'s str>,
    /// Maps of exactly one of these.
    pub(super) choices: Vec<(&'s str, &'s Value)>,
    /// A map of fields.
    pub(super) fields: Option<Fields<'s>>,
    /// A map of any names: what their values are.
    pub(super) members: Option<&'s Value>,
    /// A list: what its elements are.
    pub(super) elements: Option<&'s Value>,
}

/// The fields of a map.
#[derive(Debug, Default)]
pub(super) struct Fields<'s> {
    pub(super) known: Vec<(&'s str, &'s Value)>,
    pub(super) required: Vec<&'s str>,
}

impl<'s> Expected<'s> {
    /// What `schema`, a part of `root`, says.
    pub(super) fn of(root: &'s Value, schema: &'s Value) -> Self {
        let mut expected = Self {
            root,
            anything: false,
            null: false,
            text: false,
            truth: false,
            numbers: Vec::new(),
            words: Vec::new(),
            choices: Vec::new(),
            fields: None,
            members: None,
            elements: None,
        };
        expected.add(schema);
        expected
    }

    fn add(&mut self, schema: &'s Value) {
        let listed = |name: &str| schema[name].as_array().into_iter().flatten();
        if let Some(pointer) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
            let root = self.root;
            root.pointer(pointer).into_iter().for_each(|schema| self.add(schema));
        }
        listed("allOf").chain(listed("anyOf")).for_each(|schema| self.add(schema));
        for schema in listed("oneOf") {
            let chosen = schema["properties"].as_object();
            self.choices.extend(chosen.into_iter().flatten().map(|(name, value)| (name.as_str(), value)));
            if chosen.is_none() {
                self.add(schema);
            }
        }
        let fixed = schema.get("const").into_iter().chain(listed("enum"));
        let is_fixed = fixed.clone().next().is_some();
        for value in fixed {
            self.words.extend(value.as_str());
            self.numbers.extend(value.as_u64().map(|number| number..=number));
        }
        let kinds =
            schema.get("type").map(|kind| kind.as_array().map_or(std::slice::from_ref(kind), Vec::as_slice));
        for kind in kinds.unwrap_or_default().iter().filter(|_| !is_fixed).filter_map(Value::as_str) {
            self.add_kind(kind, schema);
        }
        let says = ["$ref", "allOf", "anyOf", "oneOf", "const", "enum", "type"];
        self.anything |= says.iter().all(|keyword| schema.get(keyword).is_none());
    }

    fn add_kind(&mut self, kind: &str, schema: &'s Value) {
        match kind {
            "null" => self.null = true,
            "string" => self.text = true,
            "boolean" => self.truth = true,
            "integer" => self.numbers.push(range(schema)),
            "array" => self.elements = Some(&schema["items"]),
            "object" => match schema["properties"].as_object() {
                Some(known) => {
                    let required = schema["required"].as_array().into_iter().flatten();
                    self.fields = Some(Fields {
                        known: known.iter().map(|(name, value)| (name.as_str(), value)).collect(),
                        required: required.filter_map(Value::as_str).collect(),
                    });
                }
                None => self.members = Some(&schema["additionalProperties"]),
            },
            // Numbers with a fraction stand where texts do.
            _ => self.text = true,
        }
    }

    /// What a part of it says.
    pub(super) fn inner(&self, schema: &'s Value) -> Self {
        Self::of(self.root, schema)
    }

    /// Whether a map is among what it may be.
    pub(super) fn is_map(&self) -> bool {
        self.fields.is_some() || self.members.is_some() || !self.choices.is_empty()
    }

    /// Everything that it may be: "one of `a`, `b`, or a map of one of `c`, `d`".
    pub(super) fn describe(&self) -> String {
        let mut all = Vec::new();
        let choices: Vec<&str> = self.choices.iter().map(|(name, _)| *name).collect();
        match self.words.as_slice() {
            [] => {}
            [word] => all.push(format!("`{word}`")),
            words => all.push(format!("one of {}", quoted(words))),
        }
        if self.text {
            all.push("a text".to_owned());
        }
        if let Some(range) = self.numbers.last().filter(|_| !self.text) {
            all.push(format!("a whole number from {} to {}", range.start(), range.end()));
        }
        if self.truth && !self.text {
            all.push("`true` or `false`".to_owned());
        }
        if choices.len() > 1 {
            all.push(format!("a map of one of {}", quoted(&choices)));
        } else if self.is_map() {
            all.push(format!("a map like `{}`", self.map_example(0)));
        }
        if self.elements.is_some() {
            all.push("a list, each element after a `-`".to_owned());
        }
        all.join(", or ")
    }

    /// Something that may stand there.
    pub(super) fn example(&self, depth: usize) -> String {
        if let Some(word) = self.words.first() {
            return (*word).to_owned();
        }
        if let Some(range) = self.numbers.last() {
            return (*range.start()).max(1).to_string();
        }
        if self.text || self.anything {
            return "...".to_owned();
        }
        if let Some(elements) = self.elements {
            return format!("[{}]", self.inner(elements).example(depth + 1));
        }
        if self.truth { "true".to_owned() } else { self.map_example(depth) }
    }

    /// A map that may stand there: the first choice, or the fields that must be there.
    pub(super) fn map_example(&self, depth: usize) -> String {
        let mut text = String::from("{");
        let of_choice = self.choices.first().map(|(name, _)| *name);
        let required = self.fields.as_ref().map(|fields| fields.required.as_slice()).unwrap_or_default();
        // Where no field must be there, the first shows what one looks like.
        let known = self.fields.iter().flat_map(|fields| &fields.known).map(|(name, _)| *name);
        let any = known.take(usize::from(depth == 0 && required.is_empty()));
        for (index, name) in required.iter().copied().chain(of_choice).chain(any).enumerate() {
            let value = self.field(name).map(|schema| self.inner(schema));
            let value = value.filter(|_| depth < MAX_EXAMPLE_DEPTH).map(|value| value.example(depth + 1));
            let comma = if index == 0 { "" } else { ", " };
            _ = write!(text, "{comma}{name}: {}", value.as_deref().unwrap_or("..."));
        }
        if self.members.is_some() {
            text.push_str("NAME: ...");
        }
        text + "}"
    }

    /// What a field, or a choice, may hold.
    pub(super) fn field(&self, name: &str) -> Option<&'s Value> {
        let fields = self.fields.iter().flat_map(|fields| &fields.known);
        fields.chain(&self.choices).find(|(known, _)| *known == name).map(|(_, schema)| *schema)
    }
}

/// The whole numbers that an `integer` may be.
fn range(schema: &Value) -> RangeInclusive<u64> {
    let greatest = match schema["format"].as_str() {
        Some("uint16") => u64::from(u16::MAX),
        Some("uint32") => u64::from(u32::MAX),
        Some(_) | None => u64::MAX,
    };
    schema["minimum"].as_u64().unwrap_or(0)..=schema["maximum"].as_u64().unwrap_or(greatest)
}

/// `a`, `b`, `c`.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
