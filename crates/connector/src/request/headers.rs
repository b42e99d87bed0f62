//! The headers of a request: those that are the same for every job, and those that are made for each.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::RequestError;
use super::values::JobValues;
use crate::template::{Missing, Template, Variable};

/// Compiled headers.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    fixed: HeaderMap,
    made: Vec<(HeaderName, Template)>,
}

impl Headers {
    /// Puts a header that is the same for every job in the place of what has its name.
    pub(crate) fn fix(&mut self, name: HeaderName, value: HeaderValue) {
        self.made.retain(|(other, _)| *other != name);
        self.fixed.insert(name, value);
    }

    /// Puts a header that is made for each job in the place of what has its name.
    pub(crate) fn make(&mut self, name: HeaderName, value: Template) {
        self.fixed.remove(&name);
        self.made.retain(|(other, _)| *other != name);
        self.made.push((name, value));
    }

    /// The headers for one job. Those with a secret in them are marked as sensitive; one that names the cursor or the page
    /// is left out while there is none.
    pub(super) fn of(&self, values: &JobValues<'_>) -> Result<HeaderMap, RequestError> {
        let mut headers = self.fixed.clone();
        for (name, template) in &self.made {
            let field = || format!("headers.{name}");
            let mut text = String::new();
            match template.write_plain(values, &mut text) {
                Ok(()) => {}
                Err(Missing(variable)) if variable.may_be_absent() => continue,
                Err(missing) => return Err(RequestError::missing(field(), &missing)),
            }
            let value = HeaderValue::from_str(&text);
            let mut value = value.map_err(|_| RequestError::Header(field()))?;
            value.set_sensitive(template.variables().any(Variable::is_secret));
            headers.insert(name.clone(), value);
        }
        Ok(headers)
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.made.iter().flat_map(|(_, template)| template.variables())
    }
}
