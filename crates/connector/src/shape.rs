//! Mappings that only pick: `{id, text: .content, author: {name: .account.name}}`.
//!
//! Most `data` mappings are of this kind. Done by jq, each costs building the element as a tree, a boxed iterator for every
//! member, and writing the result; here the members are copied from the element's text, in one pass over it. Anything
//! beyond names, plain paths and objects of them is left to jq, which has also accepted the expression before.

use serde_json::value::RawValue;

use crate::jq::RunError;
use crate::json;

/// An object made of plain paths.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The members of the element that are needed.
    names: Vec<Box<str>>,
    object: Object,
}

#[derive(Debug, PartialEq, Eq)]
struct Object(Vec<(Box<str>, Source)>);

#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// A member of the element, by its place in `names`, and the path from there.
    Member(usize, Vec<Box<str>>),
    Object(Object),
}

impl Shape {
    /// The shape that `code` writes; none when it is anything else.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let mut parser = Parser { rest: code, names: Vec::new() };
        let object = parser.object(0)?;
        parser.space();
        parser.rest.is_empty().then_some(Self { names: parser.names, object })
    }

    /// The object for one element.
    pub(crate) fn fill(&self, element: &str) -> Result<Box<RawValue>, RunError> {
        json::check_depth(element)?;
        let members = json::members(element, &self.names)?;
        let mut out = String::with_capacity(element.len());
        self.object.write(&members, &mut out)?;
        RawValue::from_string(out).map_err(|_| RunError::NotJson)
    }
}

impl Object {
    fn write(&self, members: &[Option<&RawValue>], out: &mut String) -> Result<(), RunError> {
        let mut separator = '{';
        for (name, source) in &self.0 {
            out.push(separator);
            separator = ',';
            out.push('"');
            // A name needs no escapes.
            out.push_str(name);
            out.push_str("\":");
            match source {
                Source::Object(object) => object.write(members, out)?,
                Source::Member(place, path) => {
                    let member = members.get(*place).copied().flatten();
                    let value = match (member, path.is_empty()) {
                        (Some(member), false) => json::lookup(member.get(), path)?,
                        (member, _) => member,
                    };
                    out.push_str(value.map_or("null", RawValue::get));
                }
            }
        }
        out.push('}');
        Ok(())
    }
}

/// Objects within objects: more than any mapping has.
const MAX_NESTING: usize = 8;

struct Parser<'c> {
    rest: &'c str,
    names: Vec<Box<str>>,
}

impl<'c> Parser<'c> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn takes(&mut self, symbol: char) -> bool {
        self.space();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn object(&mut self, depth: usize) -> Option<Object> {
        if depth == MAX_NESTING || !self.takes('{') {
            return None;
        }
        let mut members: Vec<(Box<str>, Source)> = Vec::new();
        loop {
            self.space();
            let name = self.name()?;
            let source = if self.takes(':') { self.source(depth)? } else { self.member(vec![name.into()])? };
            // Which of two members of one name counts is for jq to say.
            if members.iter().any(|(known, _)| **known == *name) {
                return None;
            }
            members.push((name.into(), source));
            if self.takes('}') {
                return Some(Object(members));
            }
            if !self.takes(',') {
                return None;
            }
        }
    }

    fn source(&mut self, depth: usize) -> Option<Source> {
        self.space();
        if self.rest.starts_with('{') {
            return self.object(depth + 1).map(Source::Object);
        }
        let end = self.rest.find([',', '}'])?;
        let (path, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.member(plain_path(path.trim_end())?)
    }

    /// The source of a path. `.` alone, the whole element, is left to jq.
    fn member(&mut self, mut path: Vec<Box<str>>) -> Option<Source> {
        if path.is_empty() {
            return None;
        }
        let rest = path.split_off(1);
        let first = path.pop()?;
        let place = self.names.iter().position(|name| *name == first).unwrap_or_else(|| {
            self.names.push(first);
            self.names.len() - 1
        });
        Some(Source::Member(place, rest))
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

    fn fill(code: &str, element: &str) -> Result<String, RunError> {
        Shape::parse(code).unwrap().fill(element).map(|value| value.get().to_owned())
    }

    #[test]
    fn members_are_copied_as_they_are_written() {
        let element = r#"{"n":18446744073709551617,"s":"\ud800","o":{"x":[1, 2]},"z":null}"#;
        let filled = fill("{ n, s, deep : {x: .o.x, y: .o.y}, z, gone: .no.where }", element).unwrap();
        assert_eq!(
            filled,
            r#"{"n":18446744073709551617,"s":"\ud800","deep":{"x":[1, 2],"y":null},"z":null,"gone":null}"#
        );
        assert_eq!(fill("{a}", "null").unwrap(), r#"{"a":null}"#);
        assert!(fill("{a}", "[1]").is_err() && fill("{a: .n.x}", element).is_err());
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
            ".a",
            "{a: $x}",
            "{a: .b?}",
            "{a,}",
            "{}",
        ] {
            assert_eq!(Shape::parse(code), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_shape_gives_what_jq_gives(
            code in r"\{(a|b: \.a\.b|c: \{a, d: \.c\}|d: \.b)\}",
            element in r#"(\{"a":(1|null|"x"|\{"b":2\}|\{"b":null\})(,"b":\[1,\{"a":0\}\])?(,"c":true)?\}|null|\{\}|3|"x")"#,
        ) {
            let ours = fill(&code, &element);
            let theirs = Filter::compile(&code).unwrap().run(&Input::parse(&element).unwrap());
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{} of {}: {:?} {:?}", code, element, ours, theirs);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours, theirs.get());
            }
        }
    }
}
