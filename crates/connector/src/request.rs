//! The request of a job type: its path and query, filled in for one job.

use std::borrow::Cow;
use std::cell::OnceCell;

use pollwheel_core::context::ContextMap;
use pollwheel_core::row::JobRow;

use crate::template::{Missing, Template, Values, Variable, percent_encode};

/// Why a job's request cannot be made. Holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the request needs `{0}`, which the job does not have")]
    Missing(String),
    #[error("`{0}` cannot stand in the request's path: it is empty, `.` or `..`")]
    Segment(String),
}

/// A compiled path and query.
#[derive(Debug)]
pub(crate) struct Endpoint {
    path: Template,
    /// Names are percent-encoded.
    query: Vec<(String, Template)>,
}

/// The parameter that asks for the page below an id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Below<'a> {
    /// Percent-encoded.
    pub(crate) parameter: &'a str,
    pub(crate) id: &'a str,
}

impl Endpoint {
    pub(crate) fn new(path: Template, query: Vec<(String, Template)>) -> Self {
        Self { path, query }
    }

    /// Path and query, after the base URL's `prefix`. A parameter that names the cursor is left out while there is none.
    pub(crate) fn target(
        &self,
        prefix: &str,
        values: &JobValues<'_>,
        below: Option<Below<'_>>,
    ) -> Result<String, RequestError> {
        let mut target = String::with_capacity(prefix.len() + 128);
        target.push_str(prefix);
        for variable in self.path.variables() {
            if values.value(variable).is_some_and(|value| matches!(&*value, "" | "." | "..")) {
                return Err(RequestError::Segment(variable.name().into_owned()));
            }
        }
        self.path.write_path(values, &mut target).map_err(missing)?;
        let mut separator = '?';
        for (name, value) in &self.query {
            let start = target.len();
            target.push(separator);
            target.push_str(name);
            target.push('=');
            match value.write_query(values, &mut target) {
                Ok(()) => separator = '&',
                Err(Missing(Variable::Cursor)) => target.truncate(start),
                Err(error) => return Err(missing(error)),
            }
        }
        if let Some(below) = below {
            target.push(separator);
            target.push_str(below.parameter);
            target.push('=');
            percent_encode(below.id, &mut target);
        }
        Ok(target)
    }

    /// Whether the request changes with the job's target.
    pub(crate) fn takes_target(&self) -> bool {
        let templates = self.query.iter().map(|(_, value)| value).chain([&self.path]);
        templates.flat_map(Template::variables).any(|variable| *variable == Variable::Target)
    }

    /// Whether the request changes with the cursor.
    pub(crate) fn follows_cursor(&self) -> bool {
        self.query.iter().any(|(_, value)| value.variables().any(|variable| *variable == Variable::Cursor))
    }
}

fn missing(Missing(variable): Missing) -> RequestError {
    RequestError::Missing(variable.name().into_owned())
}

/// The values of one job.
pub(crate) struct JobValues<'a> {
    row: &'a JobRow,
    cursor: Option<&'a str>,
    /// Parsed when a template asks for it.
    members: OnceCell<ContextMap>,
}

impl<'a> JobValues<'a> {
    pub(crate) const fn new(row: &'a JobRow, cursor: Option<&'a str>) -> Self {
        Self { row, cursor, members: OnceCell::new() }
    }
}

impl Values for JobValues<'_> {
    fn value(&self, variable: &Variable) -> Option<Cow<'_, str>> {
        match variable {
            Variable::AccountId => Some(self.row.job.account.as_str().into()),
            Variable::ExternalId => Some(self.row.subject.external_id.as_str().into()),
            Variable::Target => self.row.job.target.as_ref().map(|target| target.as_str().into()),
            Variable::Cursor => self.cursor.map(Cow::from),
            Variable::Context(name) => {
                match self.members.get_or_init(|| self.row.context.members()).get(&**name)? {
                    serde_json::Value::String(text) => Some(text.as_str().into()),
                    serde_json::Value::Number(number) => Some(number.to_string().into()),
                    serde_json::Value::Bool(truth) => Some(truth.to_string().into()),
                    serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                        None
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::row;

    fn endpoint(path: &str, query: &[(&str, &str)]) -> Endpoint {
        let template = |text| Template::parse(text).unwrap();
        Endpoint::new(
            template(path),
            query.iter().map(|(name, value)| ((*name).to_owned(), template(value))).collect(),
        )
    }

    #[test]
    fn a_cursor_that_is_not_there_takes_its_parameter_with_it() {
        let endpoint =
            endpoint("/u/{{ account.external_id }}", &[("since", "{{ cursor }}"), ("limit", "40")]);
        assert!(endpoint.follows_cursor());
        let row = row("42", "{}");
        let target = |cursor, below| endpoint.target("/api", &JobValues::new(&row, cursor), below).unwrap();
        assert_eq!(target(None, None), "/api/u/42?limit=40");
        assert_eq!(target(Some("a b"), None), "/api/u/42?since=a%20b&limit=40");
        let below = Some(Below { parameter: "max_id", id: "9&1" });
        assert_eq!(target(None, below), "/api/u/42?limit=40&max_id=9%261");
    }

    #[test]
    fn a_value_that_would_change_the_path_is_refused() {
        let endpoint = endpoint("/u/{{ account.external_id }}/x/{{ context.list }}", &[]);
        let target =
            |id: &str, context: &str| endpoint.target("", &JobValues::new(&row(id, context), None), None);
        assert_eq!(
            target("..", r#"{"list":"a"}"#),
            Err(RequestError::Segment("account.external_id".to_owned()))
        );
        assert_eq!(target("a/../b", r#"{"list":7}"#).unwrap(), "/u/a%2F..%2Fb/x/7");
        assert_eq!(target("a", "{}"), Err(RequestError::Missing("context.list".to_owned())));
    }
}
