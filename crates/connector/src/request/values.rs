//! The values that one job has for the variables of a request.

use std::borrow::Cow;
use std::cell::OnceCell;

use pollwheel_core::context::ContextMap;
use pollwheel_core::ports::{Application, Credentials, PoolToken, Request};
use pollwheel_core::row::JobRow;
use serde_json::Value;

use crate::template::{Values, Variable};

/// The secrets that a request may name.
#[derive(Debug, Clone, Copy)]
enum Secrets<'a> {
    /// These.
    Held {
        account: Option<&'a Credentials>,
        application: Option<&'a Application>,
        pool: Option<&'a PoolToken>,
    },
    /// Every one that is named: who checks an account has no secrets.
    Assumed,
}

/// The values of one job.
pub(crate) struct JobValues<'a> {
    row: &'a JobRow,
    secrets: Secrets<'a>,
    cursor: Option<&'a str>,
    page: Option<&'a str>,
    /// Parsed when a template asks for it.
    members: OnceCell<ContextMap>,
}

impl<'a> JobValues<'a> {
    /// The values for a poll.
    pub(crate) const fn of(request: Request<'a>) -> Self {
        let Request { row, credentials, application, token, budget: _, permits: _ } = request;
        let secrets = Secrets::Held { account: credentials, application, pool: token };
        Self { row, secrets, cursor: None, page: None, members: OnceCell::new() }
    }

    /// The values that a row alone gives, for checking whether it can be polled.
    pub(crate) const fn of_row(row: &'a JobRow) -> Self {
        Self { row, secrets: Secrets::Assumed, cursor: None, page: None, members: OnceCell::new() }
    }

    /// The same, with what is known of the past.
    pub(crate) fn after(self, cursor: Option<&'a str>) -> Self {
        Self { cursor, ..self }
    }

    /// The same, for the page that a cursor leads to.
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
            Variable::Credential(name) => self.secrets.account(name),
            Variable::Application(name) => self.secrets.application(name),
        }
    }
}

impl<'a> Secrets<'a> {
    fn account(self, name: &str) -> Option<Cow<'a, str>> {
        match self {
            Self::Held { account, .. } => account?.get(name).map(|secret| secret.expose().into()),
            Self::Assumed => Some("".into()),
        }
    }

    /// `token` is the pool's, where there is one.
    fn application(self, name: &str) -> Option<Cow<'a, str>> {
        match self {
            Self::Held { pool: Some(pool), .. } if name == Credentials::TOKEN => {
                Some(pool.token.expose().into())
            }
            Self::Held { application, .. } => {
                application?.credentials.get(name).map(|secret| secret.expose().into())
            }
            Self::Assumed => Some("".into()),
        }
    }
}
