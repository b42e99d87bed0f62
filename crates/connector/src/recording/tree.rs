//! JSON as it was written: numbers keep their digits and members their order, so that a recording is neither changed by
//! being read and written, nor found equal to one that differs in the twentieth digit.

use std::fmt::{self, Write};

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A number, `true`, `false` or `null`, as it was written.
    Atom(Box<str>),
    /// A string, unescaped.
    Text(String),
    /// An array.
    List(Vec<Tree>),
    /// An object, its members in their order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// `null`.
    #[must_use]
    pub fn null() -> Self {
        Self::Atom("null".into())
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is not JSON, or nested more than 128 deep.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// A value that serializes as JSON.
    ///
    /// # Errors
    /// When it does not.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Self::parse(&serde_json::to_string(value)?)
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            Self::Atom(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The elements of an array; none when it is something else.
    #[must_use]
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Atom(_) | Self::Text(_) | Self::Map(_) => &[],
        }
    }

    /// A string's characters.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Atom(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The same with the members of every object in the order of their names.
    #[must_use]
    pub fn sorted(self) -> Self {
        match self {
            Self::Atom(_) | Self::Text(_) => self,
            Self::List(elements) => Self::List(elements.into_iter().map(Self::sorted).collect()),
            Self::Map(mut members) => {
                members.sort_by(|one, other| one.0.cmp(&other.0));
                Self::Map(members.into_iter().map(|(name, value)| (name, value.sorted())).collect())
            }
        }
    }

    /// On one line.
    #[must_use]
    pub fn compact(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None);
        text
    }

    /// On many lines, two spaces a level.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(0));
        text
    }

    fn write(&self, text: &mut String, level: Option<usize>) {
        match self {
            Self::Atom(raw) => text.push_str(raw),
            Self::Text(value) => quote(text, value),
            Self::List(elements) => bracketed(text, level, ('[', ']'), elements, |text, element, level| {
                element.write(text, level);
            }),
            Self::Map(members) => {
                bracketed(text, level, ('{', '}'), members, |text, (name, value), level| {
                    quote(text, name);
                    text.push(':');
                    if level.is_some() {
                        text.push(' ');
                    }
                    value.write(text, level);
                })
            }
        }
    }
}

fn bracketed<T>(
    text: &mut String,
    level: Option<usize>,
    (open, close): (char, char),
    parts: &[T],
    write: impl Fn(&mut String, &T, Option<usize>),
) {
    text.push(open);
    let inner = level.map(|level| level + 1);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        break_line(text, inner);
        write(text, part, inner);
    }
    if !parts.is_empty() {
        break_line(text, level);
    }
    text.push(close);
}

fn break_line(text: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{:1$}", "", level * 2);
    }
}

fn quote(text: &mut String, value: &str) {
    // A string always serializes.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.compact())
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        RawValue::from_string(self.compact()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read(raw.get(), MAX_DEPTH).map_err(D::Error::custom)
    }
}

/// As deep as `serde_json` reads.
const MAX_DEPTH: usize = 128;

/// Reads a text that is known to be JSON. Each level reads its members as texts: a number is never turned into one.
fn read(text: &str, depth: usize) -> Result<Tree, serde_json::Error> {
    use serde::de::Error;
    let deeper = || depth.checked_sub(1).ok_or_else(|| serde_json::Error::custom("it is nested too deeply"));
    match text.as_bytes().first() {
        Some(b'{') => {
            let depth = deeper()?;
            let Members(members) = serde_json::from_str(text)?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, read(raw.get(), depth)?)));
            members.collect::<Result<_, serde_json::Error>>().map(Tree::Map)
        }
        Some(b'[') => {
            let depth = deeper()?;
            let Elements(elements) = serde_json::from_str(text)?;
            let elements = elements.into_iter().map(|raw| read(raw.get(), depth));
            elements.collect::<Result<_, _>>().map(Tree::List)
        }
        Some(b'"') => serde_json::from_str(text).map(Tree::Text),
        Some(_) | None => Ok(Tree::Atom(text.into())),
    }
}

struct Members<'t>(Vec<(String, &'t RawValue)>);
struct Elements<'t>(Vec<&'t RawValue>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

impl<'de: 't, 't> Deserialize<'de> for Elements<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(Collect).map(Elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_order_survive_reading_and_writing() {
        let text =
            r#"{"z":18446744073709551617,"a":[1.10,-0,1e400,null,{"\u00e9":"\"\n"}],"empty":{},"none":[]}"#;
        let tree = Tree::parse(text).unwrap();
        assert_eq!(tree.compact(), text.replace(r"\u00e9", "é"));
        assert_eq!(Tree::parse(&tree.pretty()).unwrap(), tree);
        assert_eq!(tree.get("z"), Some(&Tree::Atom("18446744073709551617".into())));
        let sorted = tree.sorted().compact();
        assert!(
            sorted.starts_with(r#"{"a":["#) && sorted.ends_with(r#""z":18446744073709551617}"#),
            "{sorted}"
        );
    }

    #[test]
    fn many_lines_look_as_people_write_them() {
        let tree = Tree::parse(r#"{"a":[1,{"b":[]}],"c":{}}"#).unwrap();
        assert_eq!(
            tree.pretty(),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}"
        );
    }

    #[test]
    fn r25_nesting_has_an_end() {
        for deep in ["[".repeat(5000) + &"]".repeat(5000), "{\"a\":".repeat(200) + "1" + &"}".repeat(200)] {
            assert!(Tree::parse(&deep).is_err());
        }
        assert!(Tree::parse(&("[".repeat(100) + &"]".repeat(100))).is_ok());
    }
}
