//! Selecting without jq: plain paths and objects of them, `.id`, `{id, text: .content, author: {name: .account.name}}`.
//!
//! Most of what channels select is of this kind. Done by jq, it costs building every element as a tree, a boxed iterator
//! for every member, and writing the result; here one pass over the text finds the members that any of a job type's
//! selectors names, and what is selected is copied as it is written. Anything more is left to jq, which has also accepted
//! the expression before.

use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::jq::RunError;
use crate::json::{self, JsonError};

/// The members of an element that a job type's selectors need, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<Box<str>>);

impl Names {
    /// The names, in the order of their places.
    pub(crate) fn all(&self) -> &[Box<str>] {
        &self.0
    }

    fn place(&mut self, name: Box<str>) -> usize {
        self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        })
    }
}

/// The values of [`Names`] in one element; none for one that is missing or null.
pub(crate) type Members<'a> = [Option<&'a str>];

/// What is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pick {
    /// A member of the element, by its place among the names, and the path from there.
    Member(usize, Vec<Box<str>>),
    /// An object.
    Object(Vec<(Box<str>, Pick)>),
}

/// A selected value: JSON.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// As it stands in the text.
    Written(&'a str),
    /// Put together.
    Made(Box<RawValue>),
}

impl Value<'_> {
    /// Its text.
    pub(crate) fn get(&self) -> &str {
        match self {
            Self::Written(text) => text,
            Self::Made(value) => value.get(),
        }
    }

    /// On its own.
    pub(crate) fn into_raw(self) -> Result<Box<RawValue>, RunError> {
        match self {
            Self::Written(text) => RawValue::from_string(text.to_owned()).map_err(|_| RunError::NotJson),
            Self::Made(value) => Ok(value),
        }
    }
}

impl Pick {
    /// What `code` selects, its names added to `names`; none when it is more than a path or an object of paths.
    pub(crate) fn parse(code: &str, names: &mut Names) -> Option<Self> {
        let mut parser = Parser { rest: code.trim(), names: names.clone() };
        let pick = match plain_path(parser.rest) {
            Some(path) => parser.member(path)?,
            None => {
                let object = parser.object(0)?;
                parser.space();
                parser.rest.is_empty().then_some(object)?
            }
        };
        *names = parser.names;
        Some(pick)
    }

    /// The value of a path as it is written; none when it is null or an object is selected.
    pub(crate) fn find<'a>(&self, members: &Members<'a>) -> Result<Option<&'a str>, JsonError> {
        let Self::Member(place, path) = self else { return Ok(None) };
        match members.get(*place).copied().flatten() {
            Some(member) if !path.is_empty() => json::lookup(member, path),
            member => Ok(member),
        }
    }

    /// The selected value, copied only when it is put together.
    pub(crate) fn value<'a>(&self, members: &Members<'a>) -> Result<Option<Value<'a>>, RunError> {
        let value = match self {
            Self::Member(..) => self.find(members)?.map(Value::Written),
            Self::Object(_) => {
                let filled = to_raw_value(&Filled { pick: self, members });
                Some(Value::Made(filled.map_err(|error| JsonError::Shape(error.to_string()))?))
            }
        };
        // Whoever reads an event may recurse.
        value.as_ref().map_or(Ok(()), |value| json::check_depth(value.get()))?;
        Ok(value)
    }
}

/// A pick with its members, to be written.
struct Filled<'f, 'a> {
    pick: &'f Pick,
    members: &'f Members<'a>,
}

impl Serialize for Filled<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.pick {
            Pick::Member(..) => match self.pick.find(self.members).map_err(S::Error::custom)? {
                Some(text) => Written(text).serialize(serializer),
                None => serializer.serialize_unit(),
            },
            Pick::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (name, pick) in object {
                    map.serialize_entry(name, &Filled { pick, members: self.members })?;
                }
                map.end()
            }
        }
    }
}

/// JSON that is copied as it is written.
struct Written<'a>(&'a str);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            // What has no escapes needs none, and is not read again.
            Some(plain) if !json::has_escapes(plain) => serializer.serialize_str(plain),
            Some(_) | None => {
                let value: &RawValue = serde_json::from_str(self.0).map_err(S::Error::custom)?;
                value.serialize(serializer)
            }
        }
    }
}

/// Objects within objects: more than any mapping has.
const MAX_NESTING: usize = 8;

struct Parser<'c> {
    rest: &'c str,
    names: Names,
}

impl<'c> Parser<'c> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn takes(&mut self, symbol: char) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// `{}`, which is an object even for what has no members, is left to jq.
    fn object(&mut self, depth: usize) -> Option<Pick> {
        if depth == MAX_NESTING || !self.takes('{') {
            return None;
        }
        let mut members: Vec<(Box<str>, Pick)> = Vec::new();
        loop {
            self.space();
            let name = self.name()?;
            let pick = if self.takes(':') { self.value(depth)? } else { self.member(vec![name.into()])? };
            // Which of two members of one name counts is for jq to say.
            if members.iter().any(|(known, _)| **known == *name) {
                return None;
            }
            members.push((name.into(), pick));
            if self.takes('}') {
                return Some(Pick::Object(members));
            }
            if !self.takes(',') {
                return None;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Pick> {
        self.space();
        if self.rest.starts_with('{') {
            return self.object(depth + 1);
        }
        let end = self.rest.find([',', '}'])?;
        let (path, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.member(plain_path(path.trim_end())?)
    }

    /// A path's pick. `.` alone, the whole element, is none.
    fn member(&mut self, mut path: Vec<Box<str>>) -> Option<Pick> {
        if path.is_empty() {
            return None;
        }
        let rest = path.split_off(1);
        let place = self.names.place(path.pop()?);
        Some(Pick::Member(place, rest))
    }

    fn name(&mut self) -> Option<&'c str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        is_name(name).then_some(name)
    }
}

/// The names in `.a.b`; none when the expression is more than that.
pub(crate) fn plain_path(code: &str) -> Option<Vec<Box<str>>> {
    let names = code.strip_prefix('.')?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    names.split('.').map(|name| is_name(name).then(|| name.into())).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jq::{Filter, Input};

    fn pick(code: &str, element: &str) -> Result<String, RunError> {
        let mut names = Names::default();
        let pick = Pick::parse(code, &mut names).unwrap();
        let members = json::members(element, names.all())?;
        Ok(pick.value(&members)?.map_or_else(|| "null".to_owned(), |value| value.get().to_owned()))
    }

    #[test]
    fn members_are_copied_as_they_are_written() {
        let element = r#"{"n":18446744073709551617,"s":"\ud800","o":{"x":[1, 2]},"z":null}"#;
        let picked = pick("{ n, s, deep : {x: .o.x, y: .o.y}, z, gone: .no.where }", element).unwrap();
        assert_eq!(
            picked,
            r#"{"n":18446744073709551617,"s":"\ud800","deep":{"x":[1, 2],"y":null},"z":null,"gone":null}"#
        );
        assert_eq!(pick(".o.x", element).unwrap(), "[1, 2]");
        assert_eq!(pick("{a}", "null").unwrap(), r#"{"a":null}"#);
        assert!(pick("{a}", "[1]").is_err() && pick("{a: .n.x}", element).is_err());
    }

    #[test]
    fn anything_more_is_left_to_jq() {
        for code in [
            "{a: 1}",
            "{a: .b[0]}",
            "{a, a: .b}",
            "{(.a): .b}",
            "{a: .b} | .a",
            "{a: .}",
            "{a: .b // 1}",
            "{\"a\": .b}",
            "{a: $x}",
            "{a: .b?}",
            "{a,}",
            "{}",
            ".",
            ".a[]",
            "..",
        ] {
            let mut names = Names::default();
            assert_eq!(Pick::parse(code, &mut names), None, "{code}");
            assert_eq!(names, Names::default(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_pick_gives_what_jq_gives(
            code in r"\{(a|b: \.a\.b|c: \{a, d: \.c\}|d: \.b)\}|\.a|\.a\.b",
            element in r#"(\{"a":(1|null|"x"|\{"b":2\}|\{"b":null\})(,"b":\[1,\{"a":0\}\])?(,"c":true)?\}|null|\{\}|3|"x")"#,
        ) {
            let ours = pick(&code, &element);
            let theirs = Filter::compile(&code).unwrap().run(&Input::parse(&element).unwrap());
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{} of {}: {:?} {:?}", code, element, ours, theirs);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours, theirs.get());
            }
        }
    }
}
