//! Templates: text with `{{ account.external_id }}` in it, checked when the channel is loaded.
//!
//! The syntax is one substitution and nothing else, so a template engine would bring conditions, filters and a parser for
//! them that nobody needs; and none of them percent-encodes by where the value stands.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What a template may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Variable {
    /// The account's id in the product.
    AccountId,
    /// The account's id at the third party.
    ExternalId,
    /// What is polled, where an account is polled for several things.
    Target,
    /// What is known of the past: the greatest id seen, the newest time, or the API's own token.
    Cursor,
    /// The cursor of the page that is asked for.
    Page,
    /// A member of the job's context.
    Context(Box<str>),
    /// A secret of the account.
    Credential(Box<str>),
    /// A secret of the deployment.
    Application(Box<str>),
}

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "account.id" => Some(Self::AccountId),
            "account.external_id" => Some(Self::ExternalId),
            "target" => Some(Self::Target),
            "cursor" => Some(Self::Cursor),
            "page" => Some(Self::Page),
            _ => {
                let (of, member) = name.split_once('.').filter(|(_, member)| is_name(member))?;
                match of {
                    "context" => Some(Self::Context(member.into())),
                    "credentials" => Some(Self::Credential(member.into())),
                    "application" => Some(Self::Application(member.into())),
                    _ => None,
                }
            }
        }
    }

    /// Whether its value must not be seen.
    pub(crate) const fn is_secret(&self) -> bool {
        match self {
            Self::Credential(_) | Self::Application(_) => true,
            Self::AccountId
            | Self::ExternalId
            | Self::Target
            | Self::Cursor
            | Self::Page
            | Self::Context(_) => false,
        }
    }

    /// Whether what it stands in is left out while it has no value.
    pub(crate) const fn may_be_absent(&self) -> bool {
        match self {
            Self::Cursor | Self::Page => true,
            Self::AccountId
            | Self::ExternalId
            | Self::Target
            | Self::Context(_)
            | Self::Credential(_)
            | Self::Application(_) => false,
        }
    }

    /// The name as it is written.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::AccountId => "account.id".into(),
            Self::ExternalId => "account.external_id".into(),
            Self::Target => "target".into(),
            Self::Cursor => "cursor".into(),
            Self::Page => "page".into(),
            Self::Context(member) => format!("context.{member}").into(),
            Self::Credential(member) => format!("credentials.{member}").into(),
            Self::Application(member) => format!("application.{member}").into(),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("`{{{{` at character {at} has no `}}}}`")]
    Unclosed { at: usize },
    #[error(
        "undefined variable `{name}`{hint}: there are account.id, account.external_id, target, cursor, page, context.NAME for a member of the job's context, credentials.NAME and application.NAME"
    )]
    Undefined { name: String, hint: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Variable(Variable),
}

/// A compiled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

/// Where the values of variables come from.
pub(crate) trait Values {
    /// The value, if it has one.
    fn value(&self, variable: &Variable) -> Option<Cow<'_, str>>;
}

/// A variable that has no value at the time of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) Variable);

impl Template {
    /// Parses `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (before, after) = (&rest[..open], &rest[open + 2..]);
            let Some(close) = after.find("}}") else {
                return Err(TemplateError::Unclosed { at: text.len() - rest.len() + open + 1 });
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let name = after[..close].trim();
            parts.push(Part::Variable(Variable::parse(name).ok_or_else(|| undefined(name))?));
            rest = &after[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self { parts })
    }

    /// The variables it names.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Text(_) => None,
        })
    }

    /// The texts between the variables.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::Variable(_) => None,
        })
    }

    /// Appends the template as the path of a URL: its own text as it is, values percent-encoded whole, so that a `/` or
    /// `?` in a value stays in its segment.
    pub(crate) fn write_path(&self, values: &impl Values, out: &mut String) -> Result<(), Missing> {
        self.write(values, out, push)
    }

    /// Appends the template as a value in a query, percent-encoded whole.
    pub(crate) fn write_query(&self, values: &impl Values, out: &mut String) -> Result<(), Missing> {
        self.write(values, out, percent_encode)
    }

    /// Appends the template as it is, for where nothing needs to be encoded.
    pub(crate) fn write_plain(&self, values: &impl Values, out: &mut String) -> Result<(), Missing> {
        self.write_as(values, out, push, push)
    }

    fn write(
        &self,
        values: &impl Values,
        out: &mut String,
        text_as: fn(&str, &mut String),
    ) -> Result<(), Missing> {
        self.write_as(values, out, text_as, percent_encode)
    }

    fn write_as(
        &self,
        values: &impl Values,
        out: &mut String,
        text_as: fn(&str, &mut String),
        value_as: fn(&str, &mut String),
    ) -> Result<(), Missing> {
        for part in &self.parts {
            match part {
                Part::Text(text) => text_as(text, out),
                Part::Variable(variable) => {
                    let value = values.value(variable).ok_or_else(|| Missing(variable.clone()))?;
                    value_as(&value, out);
                }
            }
        }
        Ok(())
    }
}

fn push(text: &str, out: &mut String) {
    out.push_str(text);
}

/// The fixed names, for hints.
const NAMES: [&str; 5] = ["account.id", "account.external_id", "target", "cursor", "page"];

fn undefined(name: &str) -> TemplateError {
    let hint = match name.split_once('.') {
        Some((of, member)) if is_name(member) && NAMES.iter().all(|known| !known.starts_with(of)) => {
            crate::nearest::hint(of, ["context", "credentials", "application", "account"])
        }
        Some(_) | None => crate::nearest::hint(name, NAMES),
    };
    TemplateError::Undefined { name: name.to_owned(), hint }
}

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded.
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Values for Fixed {
        fn value(&self, variable: &Variable) -> Option<Cow<'_, str>> {
            match variable {
                Variable::ExternalId => Some("a/b?c=d&e %ä".into()),
                Variable::Context(name) => Some(format!("<{name}>").into()),
                Variable::AccountId
                | Variable::Target
                | Variable::Cursor
                | Variable::Page
                | Variable::Credential(_)
                | Variable::Application(_) => None,
            }
        }
    }

    fn path(text: &str) -> Result<String, Missing> {
        let mut out = String::new();
        Template::parse(text).unwrap().write_path(&Fixed, &mut out).map(|()| out)
    }

    #[test]
    fn values_are_encoded_and_cannot_leave_their_place() {
        assert_eq!(path("/x/{{account.external_id}}/y").unwrap(), "/x/a%2Fb%3Fc%3Dd%26e%20%25%C3%A4/y");
        assert_eq!(path("/{{ context.tag }}").unwrap(), "/%3Ctag%3E");
        assert_eq!(path("/{{ target }}"), Err(Missing(Variable::Target)));
    }

    #[test]
    fn an_undefined_variable_is_found_without_values() {
        for bad in ["{{ acount.id }}", "{{}}", "{{ context. }}", "{{ context.a.b }}", "{{ account.token }}"] {
            assert!(
                matches!(Template::parse(bad), Err(TemplateError::Undefined { .. })),
                "{bad} was accepted"
            );
        }
        assert_eq!(Template::parse("/a/{{ cursor"), Err(TemplateError::Unclosed { at: 4 }));
    }
}
