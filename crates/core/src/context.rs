//! A job's context: what its channel needs to know from one poll to the next (last seen id, ETag, a gap).
//!
//! Only the channel understands it. Here it is JSON text with a size limit, copied but never read, so that a dispatch of
//! a million rows does not parse a million contexts.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A context's members.
pub type ContextMap = serde_json::Map<String, serde_json::Value>;

/// Largest context, in bytes of JSON. A row is read at every dispatch and copied into every message: ten of the largest
/// still fit the 1 MiB of an SQS batch, and DynamoDB bills a row of this size at most 2.5 read units.
pub const MAX_CONTEXT_BYTES: usize = 16 * 1024;

const EMPTY: &str = "{}";

/// A JSON object of at most [`MAX_CONTEXT_BYTES`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Box<RawValue>")]
pub struct Context(Box<RawValue>);

/// Why a value is not a context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Larger than the limit.
    #[error(
        "the context is {bytes} bytes of JSON, the limit is {MAX_CONTEXT_BYTES}: keep fewer or shorter values in it"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not a JSON object.
    #[error("the context is not a JSON object")]
    NotAnObject,
}

impl Context {
    /// The context of a job that was never polled: `{}`.
    #[must_use]
    pub fn empty() -> Self {
        Self(RawValue::from_string(EMPTY.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// From its members.
    ///
    /// # Errors
    /// When it is larger than [`MAX_CONTEXT_BYTES`].
    pub fn new(members: &ContextMap) -> Result<Self, ContextError> {
        let text = serde_json::value::to_raw_value(members).map_err(|_| ContextError::NotAnObject)?;
        Self::try_from(text)
    }

    /// The members. Empty when the text is not an object, which no constructor lets in.
    #[must_use]
    pub fn members(&self) -> ContextMap {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_json() == EMPTY
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::empty()
    }
}

impl TryFrom<Box<RawValue>> for Context {
    type Error = ContextError;
    fn try_from(text: Box<RawValue>) -> Result<Self, ContextError> {
        match text.get() {
            json if json.len() > MAX_CONTEXT_BYTES => Err(ContextError::TooLarge { bytes: json.len() }),
            // The text is valid JSON already, so its ends tell what it is.
            json => match json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(inside) if inside.trim().is_empty() => Ok(Self::empty()),
                Some(_) => Ok(Self(text)),
                None => Err(ContextError::NotAnObject),
            },
        }
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Context {}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(bytes: usize) -> ContextMap {
        ContextMap::from_iter([("k".to_owned(), serde_json::Value::String("x".repeat(bytes)))])
    }

    #[test]
    fn the_size_limit_is_exact_and_its_error_says_what_to_do() {
        let frame = r#"{"k":""}"#.len();
        assert!(Context::new(&with_text(MAX_CONTEXT_BYTES - frame)).is_ok());
        let error = Context::new(&with_text(MAX_CONTEXT_BYTES - frame + 1)).unwrap_err();
        assert_eq!(error, ContextError::TooLarge { bytes: MAX_CONTEXT_BYTES + 1 });
        assert!(error.to_string().contains("the limit is 16384"));
    }

    #[test]
    fn only_objects_are_contexts() {
        for bad in ["null", "[]", "1", "\"{}\""] {
            assert!(serde_json::from_str::<Context>(bad).is_err(), "{bad} was accepted");
        }
        let context: Context = serde_json::from_str(r#"{"since":"007"}"#).unwrap();
        assert_eq!(context.members()["since"], "007");
        assert!(Context::empty().is_empty() && !context.is_empty());
        assert!(serde_json::from_str::<Context>("{ \n }").unwrap().is_empty());
    }
}
