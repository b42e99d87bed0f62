//! One place in an element: a plain path or an object made of such paths, read from the text as it stands, or any other
//! jq filter.

use serde_json::value::RawValue;

use crate::jq::{Filter, Input, RunError};
use crate::json;
use crate::shape::{Shape, plain_path};

/// A compiled jq expression. What is not `Jq` gives what jq would give, without building the element for it.
#[derive(Debug)]
pub(crate) enum Selector {
    /// `.a.b`
    Path(Vec<Box<str>>),
    /// `{id, author: .account.name}`
    Shape(Shape),
    Jq(Filter),
}

impl Selector {
    /// Compiles `code`.
    ///
    /// # Errors
    /// jq's own.
    pub(crate) fn compile(code: &str) -> Result<Self, String> {
        // Compiled in any case, so that only jq decides what is an expression.
        let filter = Filter::compile(code)?;
        Ok(match (plain_path(code.trim()), Shape::parse(code)) {
            (Some(path), _) => Self::Path(path),
            (None, Some(shape)) => Self::Shape(shape),
            (None, None) => Self::Jq(filter),
        })
    }

    /// The elements of the list in `text`.
    pub(crate) fn elements<T>(
        &self,
        text: &str,
        use_them: impl FnOnce(&[&RawValue]) -> T,
    ) -> Result<T, RunError> {
        match self {
            Self::Path(path) => Ok(use_them(&json::elements(text, path)?)),
            Self::Shape(shape) => {
                json::lookup(text, &[])?;
                Ok(use_them(&json::elements(shape.fill(text)?.get(), &[])?))
            }
            Self::Jq(filter) => {
                let valid = json::lookup(text, &[])?.map_or("null", RawValue::get);
                let list = filter.run(&Input::parse(valid)?)?;
                Ok(use_them(&json::elements(list.get(), &[])?))
            }
        }
    }

    /// The value in one element; none when it is null.
    pub(crate) fn value(&self, element: &mut Element<'_>) -> Result<Option<Box<RawValue>>, RunError> {
        let value = match self {
            Self::Path(path) => {
                let value = json::lookup(element.text, path)?;
                // Whoever reads an event may recurse.
                value.map_or(Ok(()), |value| json::check_depth(value.get()))?;
                return Ok(value.map(ToOwned::to_owned));
            }
            Self::Shape(shape) => shape.fill(element.text)?,
            Self::Jq(filter) => filter.run(element.input()?)?,
        };
        Ok((value.get() != "null").then_some(value))
    }

    /// The string or number in one element, as text; none when it is anything else.
    pub(crate) fn scalar(&self, element: &mut Element<'_>) -> Result<Option<String>, RunError> {
        match self {
            Self::Path(path) => {
                let value = json::lookup(element.text, path)?;
                Ok(value.and_then(json::scalar).map(std::borrow::Cow::into_owned))
            }
            Self::Shape(_) | Self::Jq(_) => {
                let value = self.value(element)?;
                Ok(value.as_deref().and_then(json::scalar).map(std::borrow::Cow::into_owned))
            }
        }
    }
}

/// One element of a list: its text, and what jq made of it once something asked.
pub(crate) struct Element<'a> {
    text: &'a str,
    input: Option<Input>,
}

impl<'a> Element<'a> {
    pub(crate) fn new(raw: &'a RawValue) -> Self {
        Self { text: raw.get(), input: None }
    }

    fn input(&mut self) -> Result<&Input, RunError> {
        let input = match self.input.take() {
            Some(input) => input,
            None => Input::parse(self.text)?,
        };
        Ok(self.input.insert(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_plain_paths_skip_jq() {
        for plain in [".", ".id", " .a._b.c9 "] {
            assert!(matches!(Selector::compile(plain).unwrap(), Selector::Path(_)), "{plain}");
        }
        for jq in [".[]", ".a[0]", ".a?", "..", ".a | .b", ".[\"a\"]", "\"x\"", "{a: 1}"] {
            assert!(matches!(Selector::compile(jq).unwrap(), Selector::Jq(_)), "{jq}");
        }
        assert!(matches!(Selector::compile("{a}").unwrap(), Selector::Shape(_)));
        assert!(Selector::compile(".a.").is_err() && Selector::compile("{a: .b.}").is_err());
    }

    proptest! {
        #[test]
        fn a_plain_path_gives_what_jq_gives(
            text in r#"(\{"a":\{"b":([1-9][0-9]{0,2}|null|"x"),"c":1\}\}|\{"a":null\}|\{\}|null|\{"a":\{\}\}|[1-9]|\[\])"#
        ) {
            let path = Selector::Path(vec!["a".into(), "b".into()]);
            let jq = Selector::Jq(Filter::compile(".a.b").unwrap());
            let (mut one, mut two) = (Element::new(raw(&text)), Element::new(raw(&text)));
            let (one, two) = (path.scalar(&mut one), jq.scalar(&mut two));
            prop_assert_eq!(one.is_ok(), two.is_ok());
            if let (Ok(one), Ok(two)) = (one, two) {
                prop_assert_eq!(one, two);
            }
        }
    }
}
