//! A jq filter on the whole body of a response: a quota, a wait, a cursor, a predicate.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::jq::{Filter, Input, RunError};
use crate::json;
use crate::pick::{Value, plain_path};

/// A compiled filter. A plain path is read from the text itself.
#[derive(Debug)]
pub(crate) enum BodyFilter {
    Path(Vec<Box<str>>),
    Jq(Filter),
}

/// A body, parsed for jq at most once.
#[derive(Debug)]
pub(crate) struct JsonBody<'a> {
    text: Cow<'a, str>,
    input: OnceCell<Input>,
}

impl<'a> JsonBody<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), input: OnceCell::new() }
    }

    /// The text, as it was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn input(&self) -> Result<&Input, RunError> {
        if let Some(input) = self.input.get() {
            return Ok(input);
        }
        // Also refuses what is not JSON from its beginning to its end.
        let valid = json::lookup(&self.text, &[])?.unwrap_or("null");
        let input = Input::parse(valid)?;
        Ok(self.input.get_or_init(|| input))
    }
}

impl BodyFilter {
    /// Compiles `code`.
    ///
    /// # Errors
    /// jq's own.
    pub(crate) fn compile(code: &str) -> Result<Self, String> {
        let filter = Filter::compile(code)?;
        Ok(plain_path(code.trim()).map_or(Self::Jq(filter), Self::Path))
    }

    /// The value in a body; none when it is null.
    pub(crate) fn value<'b>(&self, body: &'b JsonBody<'_>) -> Result<Option<Value<'b>>, RunError> {
        let value = match self {
            Self::Path(path) => json::lookup(&body.text, path)?.map(Value::Written),
            Self::Jq(filter) => Some(Value::Made(filter.run(body.input()?)?)),
        };
        Ok(value.filter(|value| value.get() != "null"))
    }

    /// The string or number in a body, as text; none when it is anything else.
    pub(crate) fn scalar(&self, body: &JsonBody<'_>) -> Result<Option<String>, RunError> {
        Ok(self.value(body)?.and_then(|value| json::scalar(value.get()).map(Cow::into_owned)))
    }

    /// Whether the filter gives `true`. A body that it fails on is none of those that are meant.
    pub(crate) fn holds(&self, body: &JsonBody<'_>) -> bool {
        self.value(body).ok().flatten().is_some_and(|value| value.get() == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_asked_for_values_and_predicates() {
        let body = JsonBody::new(r#"{"quota":{"left":12},"error":{"code":190},"next":null}"#);
        let filter = |code: &str| BodyFilter::compile(code).unwrap();
        assert_eq!(filter(".quota.left").scalar(&body).unwrap().as_deref(), Some("12"));
        assert_eq!(filter(".quota.left - 2").scalar(&body).unwrap().as_deref(), Some("10"));
        assert_eq!(filter(".next").scalar(&body), Ok(None));
        assert_eq!(filter(".quota").scalar(&body), Ok(None), "an object is no text");
        assert!(filter(".error.code == 190").holds(&body));
        assert!(!filter(".error.code").holds(&body), "only `true` is true");
        assert!(!filter(".error.code == 190").holds(&JsonBody::new("<html>")));
    }
}
