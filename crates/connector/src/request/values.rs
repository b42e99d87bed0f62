//! The values that one job has for the variables of a request.

use std::borrow::Cow;
use std::cell::OnceCell;

use pollwheel_core::context::ContextMap;
use pollwheel_core::row::JobRow;
use serde_json::Value;

use crate::template::{Values, Variable};

/// The values of one job.
pub(crate) struct JobValues<'a> {
    row: &'a JobRow,
    cursor: Option<&'a str>,
    page: Option<&'a str>,
    /// Parsed when a template asks for it.
    members: OnceCell<ContextMap>,
}

impl<'a> JobValues<'a> {
    pub(crate) const fn new(row: &'a JobRow, cursor: Option<&'a str>) -> Self {
        Self { row, cursor, page: None, members: OnceCell::new() }
    }

    /// The same, for the page that a cursor leads to.
    #[expect(dead_code, reason = "for pages by a cursor in a template")]
    pub(crate) fn at_page(self, page: Option<&'a str>) -> Self {
        Self { page, ..self }
    }
}

impl Values for JobValues<'_> {
    fn value(&self, variable: &Variable) -> Option<Cow<'_, str>> {
        match variable {
            Variable::AccountId => Some(self.row.job.account.as_str().into()),
            Variable::ExternalId => Some(self.row.subject.external_id.as_str().into()),
            Variable::Target => self.row.job.target.as_ref().map(|target| target.as_str().into()),
            Variable::Cursor => self.cursor.map(Cow::from),
            Variable::Page => self.page.map(Cow::from),
            Variable::Context(name) => {
                match self.members.get_or_init(|| self.row.context.members()).get(&**name)? {
                    Value::String(text) => Some(text.as_str().into()),
                    Value::Number(number) => Some(number.to_string().into()),
                    Value::Bool(truth) => Some(truth.to_string().into()),
                    Value::Null | Value::Array(_) | Value::Object(_) => None,
                }
            }
            // The port has no secrets by name yet.
            Variable::Credential(_) | Variable::Application(_) => None,
        }
    }
}
