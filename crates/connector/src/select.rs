//! One place in an element: a plain path, read from the text as it stands, or any other jq filter.

use serde_json::value::RawValue;

use crate::jq::{Filter, Input, RunError};
use crate::json;

/// A compiled jq expression. `.a.b` gives what jq would give, without building the element for it.
#[derive(Debug)]
pub(crate) enum Selector {
    Path(Vec<Box<str>>),
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
        Ok(plain_path(code.trim()).map_or(Self::Jq(filter), Self::Path))
    }

    /// The elements of the list in `text`.
    pub(crate) fn elements<T>(
        &self,
        text: &str,
        use_them: impl FnOnce(&[&RawValue]) -> T,
    ) -> Result<T, RunError> {
        match self {
            Self::Path(path) => Ok(use_them(&json::elements(text, path)?)),
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
            Self::Path(path) => return Ok(json::lookup(element.text, path)?.map(ToOwned::to_owned)),
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
            Self::Jq(_) => {
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

/// The names in `.a.b`; none when the expression is more than that.
fn plain_path(code: &str) -> Option<Vec<Box<str>>> {
    let names = code.strip_prefix('.')?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    names.split('.').map(|name| is_name(name).then(|| name.into())).collect()
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
        for jq in [".[]", ".a[0]", ".a?", "..", ".a | .b", ".[\"a\"]", "\"x\""] {
            assert!(matches!(Selector::compile(jq).unwrap(), Selector::Jq(_)), "{jq}");
        }
        assert!(Selector::compile(".a.").is_err());
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
