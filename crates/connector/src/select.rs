//! Selecting: the list in a response, and what is wanted of its elements.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::jq::{Filter, Input, RunError};
use crate::json::{self, JsonError};
use crate::pick::{Members, Names, Pick, Value, plain_path};

/// The list in a response.
#[derive(Debug)]
pub(crate) enum List {
    Path(Vec<Box<str>>),
    Jq(Filter),
}

/// One place in an element.
#[derive(Debug)]
pub(crate) enum Selector {
    /// `.`
    Whole,
    Pick(Pick),
    Jq(Filter),
}

impl List {
    /// Compiles `code`.
    ///
    /// # Errors
    /// jq's own.
    pub(crate) fn compile(code: &str) -> Result<Self, String> {
        // Compiled in any case, so that only jq decides what is an expression.
        let filter = Filter::compile(code)?;
        Ok(plain_path(code.trim()).map_or(Self::Jq(filter), Self::Path))
    }

    /// Uses the elements of the list in `text`. `names` are the members that the selectors need, when they need no more.
    pub(crate) fn elements<T>(
        &self,
        text: &str,
        names: Option<&Names>,
        use_them: impl FnOnce(Vec<Element<'_>>) -> T,
    ) -> Result<T, RunError> {
        let made;
        let (text, path): (&str, &[Box<str>]) = match self {
            Self::Path(path) => (text, path),
            Self::Jq(filter) => {
                let valid = json::lookup(text, &[])?.unwrap_or("null");
                made = filter.run(&Input::parse(valid)?)?;
                (made.get(), &[])
            }
        };
        let Some(names) = names else {
            return Ok(use_them(json::elements(text, path)?.into_iter().map(Element::of).collect()));
        };
        let picked = json::picked_elements(text, path, names.all())?;
        let elements = match &picked {
            json::Elements::Objects(members) => members
                .chunks_exact(names.all().len().max(1))
                .map(|members| Element::picked(Some(members)))
                .collect(),
            json::Elements::Any(elements) => {
                elements.iter().map(|members| Element::picked(members.as_deref())).collect()
            }
        };
        Ok(use_them(elements))
    }
}

impl Selector {
    /// Compiles `code`, which names members of `names`.
    ///
    /// # Errors
    /// jq's own.
    pub(crate) fn compile(code: &str, names: &mut Names) -> Result<Self, String> {
        let filter = Filter::compile(code)?;
        if code.trim() == "." {
            return Ok(Self::Whole);
        }
        Ok(Pick::parse(code, names).map_or(Self::Jq(filter), Self::Pick))
    }

    /// Whether the selector needs no more of an element than its members.
    pub(crate) const fn is_pick(&self) -> bool {
        matches!(self, Self::Pick(_))
    }

    /// The value in one element, copied only when it does not stand there as it is; none when it is null.
    pub(crate) fn value<'t>(
        &self,
        element: &mut Element<'t>,
        names: &Names,
    ) -> Result<Option<Value<'t>>, RunError> {
        let value = match self {
            Self::Whole => {
                json::check_depth(element.text)?;
                Some(Value::Written(element.text))
            }
            Self::Pick(pick) => pick.value(element.members(names)?)?,
            Self::Jq(filter) => Some(Value::Made(filter.run(element.input()?)?)),
        };
        Ok(value.filter(|value| value.get() != "null"))
    }

    /// The string or number in one element, as text; none when it is anything else.
    pub(crate) fn scalar<'t>(
        &self,
        element: &mut Element<'t>,
        names: &Names,
    ) -> Result<Option<Cow<'t, str>>, RunError> {
        match self {
            Self::Pick(pick) => Ok(pick.find(element.members(names)?)?.and_then(json::scalar)),
            Self::Whole | Self::Jq(_) => {
                let value = self.value(element, names)?;
                Ok(value.and_then(|value| json::scalar(value.get()).map(|text| text.into_owned().into())))
            }
        }
    }
}

/// One element of a list: its text or its members, and what jq made of it once something asked.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// Empty when only the members are needed.
    text: &'a str,
    /// None inside when the element is no object.
    members: Option<Option<Cow<'a, Members<'a>>>>,
    input: Option<Input>,
}

impl<'a> Element<'a> {
    fn of(raw: &'a RawValue) -> Self {
        Self { text: raw.get(), members: None, input: None }
    }

    /// One of which no more than its members is needed.
    const fn picked(members: Option<&'a Members<'a>>) -> Self {
        let members = match members {
            Some(members) => Some(Cow::Borrowed(members)),
            None => None,
        };
        Self { text: "", members: Some(members), input: None }
    }

    fn members(&mut self, names: &Names) -> Result<&Members<'a>, JsonError> {
        let members = match self.members.take() {
            Some(members) => members,
            None => Some(Cow::Owned(json::members(self.text, names.all())?)),
        };
        let members = self.members.insert(members).as_deref();
        members.ok_or_else(|| JsonError::Shape("expected an object, found something else".to_owned()))
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

    #[test]
    fn only_what_is_more_than_a_pick_needs_jq() {
        let compile = |code: &str| Selector::compile(code, &mut Names::default());
        assert!(matches!(compile(" . ").unwrap(), Selector::Whole));
        for pick in [".id", " .a._b.c9 ", "{a}", "{a: {b: .c}}"] {
            assert!(compile(pick).unwrap().is_pick(), "{pick}");
        }
        for jq in [".[]", ".a[0]", ".a?", "..", ".a | .b", ".[\"a\"]", "\"x\"", "{a: 1}", "{}"] {
            assert!(matches!(compile(jq).unwrap(), Selector::Jq(_)), "{jq}");
        }
        assert!(compile(".a.").is_err() && compile("{a: .b.}").is_err());
        assert!(matches!(List::compile(".a.b").unwrap(), List::Path(_)));
    }
}
