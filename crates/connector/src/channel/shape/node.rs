//! Any YAML as it was written: every key and every value with its place, whatever kind of key it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::channel::file::At;

/// A value of a file, before it is known what it is for.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Scalar(Kind, String),
    List(Vec<At<Node>>),
    /// In the order of the file.
    Map(Vec<(At<Node>, At<Node>)>),
}

/// What a scalar reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true`, `false` and their like.
    Bool,
    /// A number or a text: numbers are read in quotes, too.
    Other,
}

impl Node {
    /// The key that it is, where it is one of a field.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Scalar(_, text) => Some(text),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// What stands between the braces, when it is a template that was written without quotes: `{{ cursor }}` is a map
    /// to YAML, whose only key is a map.
    pub(super) fn template(&self) -> Option<&str> {
        let Self::Map(outer) = self else { return None };
        let [(At { value: Self::Map(inner), .. }, At { value: Self::Null, .. })] = outer.as_slice() else {
            return None;
        };
        let [(name, At { value: Self::Null, .. })] = inner.as_slice() else { return None };
        name.value.key()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Kind::Bool, truth.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Scalar(Kind::Other, number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Scalar(Kind::Other, number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Scalar(Kind::Other, number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Kind::Other, text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Map(members))
    }
}
