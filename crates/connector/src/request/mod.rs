//! The request of a job type, filled in for one job: method, URL, headers and body.
//!
//! Knows nothing of authentication and of validators: whoever asks adds them.

mod body;
mod headers;
mod values;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

pub(crate) use self::body::{Body, Tree, quoted};
pub(crate) use self::headers::Headers;
pub(crate) use self::values::JobValues;
use crate::exchange::Outbound;
use crate::template::{Missing, Template, Variable, percent_encode};

/// Why a job's request cannot be made. Holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the request needs `{variable}`, which the job does not have, in `{field}`")]
    Missing { field: String, variable: String },
    #[error("`{0}` cannot stand in the request's path: it is empty, `.` or `..`")]
    Segment(String),
    #[error("`{0}` would have a character that no header may have")]
    Header(String),
}

impl RequestError {
    fn missing(field: impl Into<String>, Missing(variable): &Missing) -> Self {
        Self::Missing { field: field.into(), variable: variable.name().into_owned() }
    }
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// To a path after the base URL.
    Path(Template),
    /// To a URL that the job has: one variable.
    Url(Variable),
}

/// A compiled request.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) place: Place,
    /// Names are percent-encoded.
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Body>,
    /// Units of a limit that one request takes.
    pub(crate) cost: u32,
}

/// A parameter beside the declared ones: the one that asks for another page. It takes the place of one of the same name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'a> {
    /// Percent-encoded.
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

impl Endpoint {
    /// Whether it asks by `GET`.
    pub(crate) fn is_get(&self) -> bool {
        self.method == Method::GET
    }

    /// Path and query, after the base URL's `prefix`. A parameter that names the cursor or the page is left out while there
    /// is none.
    pub(crate) fn target(
        &self,
        prefix: &str,
        values: &JobValues<'_>,
        extra: Option<Parameter<'_>>,
    ) -> Result<String, RequestError> {
        let mut target = String::with_capacity(prefix.len() + 128);
        target.push_str(prefix);
        if let Place::Path(path) = &self.place {
            write_path(path, values, &mut target)?;
        }
        // The URL that a job has may come with a query of its own.
        let mut separator = if target.contains('?') { '&' } else { '?' };
        for (name, value) in &self.query {
            if extra.is_some_and(|extra| extra.name == name) {
                continue;
            }
            let start = target.len();
            target.push(separator);
            target.push_str(name);
            target.push('=');
            match value.write_query(values, &mut target) {
                Ok(()) => separator = '&',
                Err(Missing(variable)) if variable.may_be_absent() => target.truncate(start),
                Err(missing) => {
                    return Err(RequestError::missing(format!("request.query.{name}"), &missing));
                }
            }
        }
        if let Some(extra) = extra {
            target.push(separator);
            target.push_str(extra.name);
            target.push('=');
            percent_encode(extra.value, &mut target);
        }
        Ok(target)
    }

    /// The request to a URL.
    pub(crate) fn outbound(&self, uri: Uri, values: &JobValues<'_>) -> Result<Outbound, RequestError> {
        let mut headers: HeaderMap = self.headers.of(values)?;
        let body = match &self.body {
            None => Bytes::new(),
            Some(body) => {
                headers.entry(http::header::CONTENT_TYPE).or_insert(body.content_type());
                body.of(values)?
            }
        };
        Ok(Outbound { method: self.method.clone(), uri, headers, body, secret_parameter: None })
    }

    /// Whether a request could be made.
    pub(crate) fn check(&self, prefix: &str, values: &JobValues<'_>) -> Result<(), RequestError> {
        self.target(prefix, values, None)?;
        self.headers.of(values)?;
        self.body.as_ref().map_or(Ok(()), |body| body.of(values).map(drop))
    }

    /// Whether the request changes with the job's target.
    pub(crate) fn takes_target(&self) -> bool {
        self.variables().any(|variable| *variable == Variable::Target)
    }

    /// Whether the request names a secret of the application.
    pub(crate) fn names_application(&self) -> bool {
        self.variables().any(|variable| matches!(variable, Variable::Application(_)))
    }

    /// Whether the request changes with the cursor.
    pub(crate) fn follows_cursor(&self) -> bool {
        self.variables().any(|variable| *variable == Variable::Cursor)
    }

    /// Whether a template says where the page stands.
    pub(crate) fn names_page(&self) -> bool {
        self.variables().any(|variable| *variable == Variable::Page)
    }

    /// The variables that the request names.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let (path, url) = match &self.place {
            Place::Path(path) => (Some(path), None),
            Place::Url(variable) => (None, Some(variable)),
        };
        let templates = self.query.iter().map(|(_, value)| value).chain(path);
        let body = self.body.iter().flat_map(Body::variables);
        templates.flat_map(Template::variables).chain(url).chain(self.headers.variables()).chain(body)
    }
}

fn write_path(path: &Template, values: &JobValues<'_>, target: &mut String) -> Result<(), RequestError> {
    use crate::template::Values as _;
    for variable in path.variables() {
        if values.value(variable).is_some_and(|value| matches!(&*value, "" | "." | "..")) {
            return Err(RequestError::Segment(variable.name().into_owned()));
        }
    }
    path.write_path(values, target).map_err(|missing| RequestError::missing("request.path", &missing))
}

#[cfg(test)]
mod tests;
