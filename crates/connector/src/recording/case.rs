//! The file of one recorded poll: `channels/<name>/recorded/<case>.json`.

use std::collections::BTreeMap;
use std::path::Path;

use pollwheel_core::context::Context;
use serde::{Deserialize, Serialize};

use super::tree::Tree;
use crate::channel::Problem;

/// Largest file, in bytes: ten pages of the largest body that is accepted would not be a test that somebody reads.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// A job, its context, and the exchanges of one poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What happens in it, for its reader.
    pub about: String,
    /// The job type's name, without the channel's.
    pub job_type: String,
    /// Who is polled.
    pub account: Account,
    /// The deployment's own credentials of the channel, where it has any.
    #[serde(default, skip_serializing_if = "Application::is_empty")]
    pub application: Application,
    /// What is polled, where the job type polls several things of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The job's context before the poll.
    pub context: Context,
    /// Our clock. RFC 3339.
    pub now: String,
    /// What was asked and answered, in order.
    pub exchanges: Vec<Exchange>,
}

/// The account of a recording. Its secrets are made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id at the third party.
    pub external_id: String,
    /// Where its API is, when it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// What it authenticates with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// More of it, by name: `refresh_token`, `username`, `password`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, String>,
    /// When the access token ends, where that is known. RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// The application of a recording. Its secrets are made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// What it authenticates with, by name: `client_id`, `client_secret`, `token`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, String>,
    /// When its access token ends, where that is known. RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Its pool of tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
}

impl Application {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A token of the application's pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its name, which is no secret.
    pub name: String,
    /// The token.
    pub token: String,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The method.
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// Path and query; the whole URL when it is not of the API's own origin.
    pub request: String,
    /// Headers that the request must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, String>,
    /// The body that the request must have: JSON, or a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_body: Option<Tree>,
    /// What came back.
    pub response: Answer,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, when it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Tree>,
    /// Its body, when it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

impl Case {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let whole = |message: String| problem(file, (0, 0), String::new(), message);
        let size = std::fs::metadata(file).map_err(|error| whole(format!("cannot be read: {error}")))?.len();
        if size > MAX_FILE_BYTES {
            return Err(whole(format!("is larger than {MAX_FILE_BYTES} bytes")));
        }
        let text =
            std::fs::read_to_string(file).map_err(|error| whole(format!("cannot be read: {error}")))?;
        Self::parse(file, &text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let mut json = serde_json::Deserializer::from_str(text);
        let case: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            // What is broken before it has a name, a trailing comma's successor, is `?`.
            let path = error.path().to_string();
            let field = path.trim_end_matches(['?', '.']).to_owned();
            let inner = error.into_inner();
            let message = inner.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let place = (inner.line() as u64, inner.column() as u64);
            problem(file, place, field, message.to_owned())
        })?;
        case.check().map_err(|(field, message)| problem(file, (0, 0), field, message))?;
        Ok(case)
    }

    /// What the shape alone does not say.
    fn check(&self) -> Result<(), (String, String)> {
        let instants = [
            ("now", Some(&self.now)),
            ("account.expires_at", self.account.expires_at.as_ref()),
            ("application.expires_at", self.application.expires_at.as_ref()),
        ];
        for (field, instant) in instants {
            if instant.is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
                return Err((field.to_owned(), "is no instant: write `2026-11-23T07:45:00Z`".to_owned()));
            }
        }
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let at = |field: &str| format!("exchanges[{index}].{field}");
            if let Err(message) = exchange.response.check() {
                return Err((at("response"), message));
            }
            if !exchange.request.starts_with('/') && !exchange.request.starts_with("http") {
                let message = "is neither a path, which starts with `/`, nor a URL".to_owned();
                return Err((at("request"), message));
            }
        }
        Ok(())
    }

    /// As a file holds it.
    ///
    /// # Errors
    /// Never, in practice: everything in it serializes.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(Tree::of(self)?.pretty() + "\n")
    }
}

impl Answer {
    fn check(&self) -> Result<(), String> {
        if self.body.is_some() == self.text.is_some() {
            return Err("has either `body`, for JSON, or `text`, for everything else".to_owned());
        }
        self.http().map(drop).map_err(|error| format!("cannot be sent: {error}"))
    }

    /// As it came.
    pub(crate) fn http(&self) -> Result<::http::Response<bytes::Bytes>, ::http::Error> {
        let mut response = ::http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match (&self.body, &self.text) {
            (Some(json), _) => json.compact(),
            (None, text) => text.clone().unwrap_or_default(),
        };
        response.body(body.into())
    }
}

pub(super) fn problem(file: &Path, (line, column): (u64, u64), field: String, message: String) -> Problem {
    Problem { file: file.to_owned(), line, column, field, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
  "about": "One.", "job_type": "posts", "account": {"external_id": "1"}, "context": {}, "now": "2026-11-23T07:45:00Z",
  "exchanges": [{"request": "/x", "response": {"status": 200, "headers": {}, "body": [18446744073709551617]}}]
}"#;

    fn refused(text: &str) -> String {
        Case::parse(Path::new("recorded/one.json"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_field_that_has_no_name_yet_is_not_named() {
        let refusal = refused("{\"about\": \"One.\",\n}");
        assert!(refusal.starts_with("recorded/one.json:2:1: ") && !refusal.contains('?'), "{refusal}");
    }

    #[test]
    fn a_case_is_written_as_it_was_read() {
        let case = Case::parse(Path::new("x"), GOOD).unwrap();
        assert_eq!(Case::parse(Path::new("x"), &case.to_text().unwrap()).unwrap(), case);
        let body = case.exchanges[0].response.http().unwrap().into_body();
        assert_eq!(body, "[18446744073709551617]");
    }

    #[test]
    fn what_is_wrong_with_a_case_is_named_with_its_place() {
        let text = refused(&GOOD.replace("\"job_type\"", "\"jobtype\""));
        assert!(
            text.starts_with("recorded/one.json:2:") && text.contains("unknown field `jobtype`"),
            "{text}"
        );
        let text = refused(&GOOD.replace("200", "\"ok\""));
        assert!(text.contains("`exchanges[0].response.status`"), "{text}");
        assert!(refused(&GOOD.replace("200", "99")).contains("`exchanges[0].response`: cannot be sent"));
        assert!(refused(&GOOD.replace("\"/x\"", "\"x\"")).contains("starts with `/`"));
        assert!(refused(&GOOD.replace("07:45:00Z", "")).contains("`now`: is no instant"));
        assert!(refused(&GOOD.replace("\"body\"", "\"text\": \"x\", \"body\"")).contains("either `body`"));
        assert!(refused("{").contains("one.json:1:1"));
    }
}
