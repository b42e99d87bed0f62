//! The members of a line's JSON object, taken one by one. What is left at the end is unknown.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Flaw;
use crate::nearest;

/// Every field of an account.
const FIELDS: [&str; 9] = [
    "account_id",
    "channel",
    "job_types",
    "targets",
    "service_level",
    "external_id",
    "base_url",
    "token",
    "context",
];

/// A line's members that were not taken yet, and what was found wrong so far.
#[derive(Debug)]
pub(super) struct Members {
    members: Vec<(String, Box<RawValue>)>,
    flaws: Vec<Flaw>,
}

impl Members {
    /// Reads a JSON object. Unknown and repeated fields are flaws.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Flaw>> {
        if !text.starts_with('{') {
            return Err(vec![Flaw::of_line(
                "is not a JSON object: write `{\"account_id\": ...}` on one line",
            )]);
        }
        let Pairs(pairs) = serde_json::from_str(text).map_err(|error| vec![syntax(&error)])?;
        let mut found = Self { members: Vec::with_capacity(pairs.len()), flaws: Vec::new() };
        for (name, value) in pairs {
            match FIELDS.iter().find(|field| **field == name) {
                None => found.unknown(&name),
                Some(field) if found.members.iter().any(|(other, _)| *other == name) => {
                    found.flaw(field, "stands twice: leave one away");
                }
                Some(_) => found.members.push((name, value)),
            }
        }
        Ok(found)
    }

    fn unknown(&mut self, name: &str) {
        let hint = nearest::hint(name, FIELDS);
        let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        let message = format!("there is no field `{name}`, the fields are {}{hint}", FIELDS.join(", "));
        self.flaws.push(Flaw::of_line(message));
    }

    pub(super) fn push(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    pub(super) fn flaw(&mut self, field: &'static str, message: impl Into<String>) {
        self.flaws.push(Flaw::of(field, message));
    }

    pub(super) fn into_flaws(self) -> Vec<Flaw> {
        self.flaws
    }

    /// The value, if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<Flaw>> {
        if self.flaws.is_empty() { Ok(value) } else { Err(self.flaws) }
    }

    /// A text that must be there.
    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        match self.take(field) {
            Some(raw) => self.read(field, text(&raw).and_then(read)),
            None => {
                self.flaw(field, "is missing");
                None
            }
        }
    }

    /// A text that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(field)?;
        self.read(field, text(&raw).and_then(read))
    }

    /// A list of texts that may be left out.
    pub(super) fn list<T>(
        &mut self,
        field: &'static str,
        read: impl FnMut(String) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let raw = self.take(field)?;
        // The error of the JSON reader would repeat the value.
        let texts = serde_json::from_str::<Vec<String>>(raw.get())
            .map_err(|_| "must be a list of strings: write `[\"...\"]`".to_owned());
        self.read(field, texts.and_then(|texts| texts.into_iter().map(read).collect()))
    }

    /// A value that may be left out.
    pub(super) fn raw<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(Box<RawValue>) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(field)?;
        self.read(field, read(raw))
    }

    /// Takes a member. `null` is the same as leaving it out.
    fn take(&mut self, field: &str) -> Option<Box<RawValue>> {
        let at = self.members.iter().position(|(name, _)| name == field)?;
        Some(self.members.swap_remove(at).1).filter(|raw| raw.get() != "null")
    }

    fn read<T>(&mut self, field: &'static str, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.flaw(field, message)).ok()
    }
}

fn text(raw: &RawValue) -> Result<String, String> {
    if !raw.get().starts_with('"') {
        return Err("must be a string: write it in double quotes".to_owned());
    }
    serde_json::from_str(raw.get())
        .map_err(|_| "is not a valid string: it has half of a surrogate pair in it".to_owned())
}

/// What the JSON reader says of a syntax error names no content, only what it expected and where.
fn syntax(error: &serde_json::Error) -> Flaw {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    let message = format!("is not JSON ({reason}): write one whole object on the line");
    Flaw { field: None, column: Some(error.column()), message }
}

/// An object's members in their order, repeated names too.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
