//! The members of a JSON object that a person or a product wrote, taken one by one, with everything that is wrong with
//! them told at once. Values are never repeated: a token in the wrong field must not get out.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::nearest;

/// What is wrong with an object, or with one of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field, when it is one field's fault.
    pub field: Option<&'static str>,
    /// The column, counted from 1, when the text is not JSON.
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Flaw {
    /// A flaw of one field.
    pub fn of(field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field), column: None, message: message.into() }
    }

    /// A flaw of the whole object.
    pub fn of_line(message: impl Into<String>) -> Self {
        Self { field: None, column: None, message: message.into() }
    }
}

/// Members that were not taken yet, and what was found wrong so far.
pub struct Members {
    members: Vec<(String, Box<RawValue>)>,
    flaws: Vec<Flaw>,
}

// Values may be secrets.
impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.members.iter().map(|(name, _)| name);
        f.debug_struct("Members")
            .field("members", &names.collect::<Vec<_>>())
            .field("flaws", &self.flaws)
            .finish()
    }
}

impl Members {
    /// The members of an object that may have these. Unknown and repeated ones are flaws.
    #[must_use]
    pub fn of(object: Object, fields: &[&'static str]) -> Self {
        let mut found = Self { members: Vec::with_capacity(object.0.len()), flaws: Vec::new() };
        for (name, value) in object.0 {
            match fields.iter().find(|field| **field == name) {
                None => found.unknown(&name, fields),
                Some(field) if found.members.iter().any(|(other, _)| *other == name) => {
                    found.flaw(field, "stands twice: leave one away");
                }
                Some(_) => found.members.push((name, value)),
            }
        }
        found
    }

    fn unknown(&mut self, name: &str, fields: &[&'static str]) {
        let hint = nearest::hint(name, fields.iter().copied());
        let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        let message = format!("there is no field `{name}`, the fields are {}{hint}", fields.join(", "));
        self.flaws.push(Flaw::of_line(message));
    }

    /// Adds a flaw.
    pub fn push(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    /// Adds a flaw of one field.
    pub fn flaw(&mut self, field: &'static str, message: impl Into<String>) {
        self.flaws.push(Flaw::of(field, message));
    }

    /// What was found wrong.
    #[must_use]
    pub fn into_flaws(self) -> Vec<Flaw> {
        self.flaws
    }

    /// The value, if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Flaw>> {
        if self.flaws.is_empty() { Ok(value) } else { Err(self.flaws) }
    }

    /// A text that must be there.
    pub fn required<T>(
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
    pub fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(field)?;
        self.read(field, text(&raw).and_then(read))
    }

    /// A list of texts that may be left out.
    pub fn list<T>(
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
    pub fn raw<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&RawValue) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(field)?;
        self.read(field, read(&raw))
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
pub struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, Vec<Flaw>> {
        if !text.starts_with('{') {
            return Err(vec![Flaw::of_line(
                "is not a JSON object: write `{\"account_id\": ...}` on one line",
            )]);
        }
        serde_json::from_str(text).map_err(|error| vec![syntax(&error)])
    }

    /// Whether there is a member of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Takes the first member of this name away.
    pub fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }
}

// Values may be secrets.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
