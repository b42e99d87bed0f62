//! The body of a POST.

use bytes::Bytes;
use http::HeaderValue;

use super::RequestError;
use super::values::JobValues;
use crate::template::{Missing, Template, Variable};

/// A compiled body.
#[derive(Debug)]
pub(crate) enum Body {
    /// A JSON value.
    Json(Tree),
    /// `application/x-www-form-urlencoded`. Names are percent-encoded.
    Form(Vec<(String, Template)>),
}

/// A JSON value with templates in it.
#[derive(Debug)]
pub(crate) enum Tree {
    /// JSON, as it is sent.
    Fixed(Box<str>),
    /// A string.
    Text(Template),
    List(Vec<Tree>),
    /// Names are JSON strings, quoted.
    Object(Vec<(Box<str>, Tree)>),
}

impl Body {
    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        })
    }

    /// The body for one job.
    pub(super) fn of(&self, values: &JobValues<'_>) -> Result<Bytes, RequestError> {
        let mut text = String::with_capacity(256);
        match self {
            Self::Form(fields) => write_form(fields, values, &mut text)?,
            Self::Json(tree) => match tree.write(values, &mut text) {
                Ok(()) => {}
                Err(Missing(variable)) if variable.may_be_absent() => text.push_str("null"),
                Err(missing) => return Err(RequestError::missing("request.body", &missing)),
            },
        }
        Ok(text.into())
    }

    pub(super) fn variables(&self) -> Box<dyn Iterator<Item = &Variable> + '_> {
        match self {
            Self::Json(tree) => tree.variables(),
            Self::Form(fields) => Box::new(fields.iter().flat_map(|(_, value)| value.variables())),
        }
    }
}

fn write_form(
    fields: &[(String, Template)],
    values: &JobValues<'_>,
    out: &mut String,
) -> Result<(), RequestError> {
    for (name, value) in fields {
        let start = out.len();
        if start > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        match value.write_query(values, out) {
            Ok(()) => {}
            Err(Missing(variable)) if variable.may_be_absent() => out.truncate(start),
            Err(missing) => {
                return Err(RequestError::missing(format!("request.body.form.{name}"), &missing));
            }
        }
    }
    Ok(())
}

impl Tree {
    /// Appends the value as JSON. A member or element that names the cursor or the page is left out while there is none.
    fn write(&self, values: &JobValues<'_>, out: &mut String) -> Result<(), Missing> {
        match self {
            Self::Fixed(json) => out.push_str(json),
            Self::Text(template) => {
                let mut text = String::new();
                template.write_plain(values, &mut text)?;
                out.push_str(&quoted(&text));
            }
            Self::List(elements) => {
                out.push('[');
                let elements = elements.iter().map(|element| ("", element));
                write_all(elements, values, out)?;
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                let members = members.iter().map(|(name, member)| (&**name, member));
                write_all(members, values, out)?;
                out.push('}');
            }
        }
        Ok(())
    }

    fn variables(&self) -> Box<dyn Iterator<Item = &Variable> + '_> {
        match self {
            Self::Fixed(_) => Box::new(std::iter::empty()),
            Self::Text(template) => Box::new(template.variables()),
            Self::List(elements) => Box::new(elements.iter().flat_map(Self::variables)),
            Self::Object(members) => Box::new(members.iter().flat_map(|(_, member)| member.variables())),
        }
    }
}

/// Appends elements, or members with their names.
fn write_all<'t>(
    trees: impl Iterator<Item = (&'t str, &'t Tree)>,
    values: &JobValues<'_>,
    out: &mut String,
) -> Result<(), Missing> {
    let mut separator = "";
    for (name, tree) in trees {
        let start = out.len();
        out.push_str(separator);
        out.push_str(name);
        if !name.is_empty() {
            out.push(':');
        }
        match (tree.write(values, out), tree) {
            (Ok(()), _) => separator = ",",
            (Err(Missing(variable)), Tree::Text(_)) if variable.may_be_absent() => out.truncate(start),
            (Err(missing), _) => return Err(missing),
        }
    }
    Ok(())
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
