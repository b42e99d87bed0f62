//! JSON read by serde_json, member by member: as quick as that allows, and with errors that say where a text is wrong.

use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{JsonError, MAX_ELEMENTS, Picked, described};

/// The elements of the array at `path`, each as its text.
pub(super) fn elements<'de>(text: &'de str, path: &[Box<str>]) -> Result<Vec<&'de RawValue>, JsonError> {
    found(read(text, At { path, then: List(Raw) })?)
}

/// As in jq, a member that is not there is null, and null is not a list.
fn found<T>(list: Option<T>) -> Result<T, JsonError> {
    list.ok_or_else(|| JsonError::Shape("expected an array, found nothing".to_owned()))
}

/// The value at `path`; none when it, or an object on the way, is missing or null.
pub(super) fn lookup<'de>(text: &'de str, path: &[Box<str>]) -> Result<Option<&'de RawValue>, JsonError> {
    let found = read(text, At { path, then: Raw })?;
    Ok(found.filter(|value| value.get() != "null"))
}

/// The elements of the array at `path`, each as its members with these names. None for an element that is no object.
pub(super) fn picked_elements<'de>(
    text: &'de str,
    path: &[Box<str>],
    names: &[Box<str>],
) -> Result<Vec<Option<Picked<'de>>>, JsonError> {
    found(read(text, At { path, then: List(Picking(names)) })?)
}

/// The members of an object with these names. Null has members, too, as in jq: none.
pub(super) fn members<'de>(text: &'de str, names: &[Box<str>]) -> Result<Picked<'de>, JsonError> {
    let members = read(text, Picking(names))?;
    members.ok_or_else(|| JsonError::Shape("expected an object, found something else".to_owned()))
}

fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, JsonError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    value.map_err(|error| described(&error))
}

/// Looks for `path`, and reads what is there with `then`.
struct At<'p, S> {
    path: &'p [Box<str>],
    then: S,
}

impl<'de, S: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for At<'_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.path {
            [] => self.then.deserialize(deserializer).map(Some),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for At<'_, S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.path.first().map_or("", |name| name);
        write!(f, "an object with `{member}`")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((name, rest)) = self.path.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Named(name))? {
            if is_it {
                // The last of several members of one name counts, as in jq.
                found = map.next_value_seed(At { path: rest, then: self.then.clone() })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key has this name, without a copy of the key.
struct Named<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// Picks several members in one pass; none from what is no object.
#[derive(Clone)]
struct Picking<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for Picking<'_> {
    type Value = Option<Picked<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Picking<'_> {
    type Value = Option<Picked<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.0.len()];
        while let Some(place) = map.next_key_seed(OneOf(self.0))? {
            match place.and_then(|place| found.get_mut(place)) {
                Some(member) => {
                    *member = Some(map.next_value::<&RawValue>()?.get()).filter(|value| *value != "null");
                }
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(Some(found))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Some(vec![None; self.0.len()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Which of these names a key is.
struct OneOf<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| **name == *key))
    }
}

#[derive(Clone)]
struct Raw;

impl<'de> DeserializeSeed<'de> for Raw {
    type Value = &'de RawValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        <&RawValue>::deserialize(deserializer)
    }
}

/// A list, each element read with the seed.
#[derive(Clone)]
struct List<S>(S);

impl<'de, S: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for List<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for List<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {MAX_ELEMENTS} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(self.0.clone())? {
            if elements.len() == MAX_ELEMENTS {
                return Err(de::Error::invalid_length(MAX_ELEMENTS + 1, &self));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}
