//! `request`.

use http::Method;

use super::body::body;
use super::headers::{Declared, headers};
use super::{absent, within};
use crate::channel::auth::Auth;
use crate::channel::file::{ChannelFile, MethodFile, RequestFile, Text};
use crate::channel::problem::Problems;
use crate::request::{Endpoint, Headers, Place};
use crate::template::{Template, Variable, percent_encode};

/// Most units of a limit that one request may take.
const MAX_COST: u32 = 10_000;

/// What the channel says around a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) file: &'a ChannelFile,
    pub(super) auth: Option<&'a Auth>,
    /// The channel's own headers, compiled.
    pub(super) headers: &'a [Declared],
}

/// `at` is a value at which to show what is missing.
pub(super) fn endpoint(
    file: &RequestFile,
    at: &Text,
    field: &str,
    around: Around<'_>,
    problems: &mut Problems,
) -> Option<Endpoint> {
    let place = place(file, at, field, around, problems);
    let mut query = Vec::new();
    for (name, value) in &file.query {
        let at = format!("{field}.query.{name}");
        let template = problems.take(value, &at, Template::parse(&value.value));
        check_secrets(value, &at, template.as_ref(), problems);
        let mut encoded = String::new();
        percent_encode(name, &mut encoded);
        query.extend(template.map(|template| (encoded, template)));
    }
    let mut merged = Headers::default();
    for header in around.headers.iter().chain(&headers(&file.headers, &format!("{field}.headers"), problems))
    {
        header.put(&mut merged);
    }
    let body = match &file.body {
        None => absent(),
        Some(body_file) => {
            if file.method == MethodFile::Get {
                problems.with(body_file, format!("{field}.body"), "needs `method: POST`");
            }
            body(&body_file.value, &format!("{field}.body"), problems).map(Some)
        }
    };
    let cost = within(file.cost.as_ref(), format!("{field}.cost"), 1..=MAX_COST, problems);
    Some(Endpoint {
        method: match file.method {
            MethodFile::Get => Method::GET,
            MethodFile::Post => Method::POST,
        },
        place: place?,
        query,
        headers: merged,
        body: body?,
        cost: cost.unwrap_or(1),
    })
}

fn place(
    file: &RequestFile,
    at: &Text,
    field: &str,
    around: Around<'_>,
    problems: &mut Problems,
) -> Option<Place> {
    match (&file.path, &file.url) {
        (Some(path), None) => {
            let field = format!("{field}.path");
            let template = problems.take(path, &field, Template::parse(&path.value))?;
            check_path(path, &field, &template, problems);
            Some(Place::Path(template))
        }
        (None, Some(url)) => self::url(url, &format!("{field}.url"), around, problems).map(Place::Url),
        (Some(path), Some(_)) => {
            problems.with(path, format!("{field}.path"), "has no use beside `url`: remove one");
            None
        }
        (None, None) => {
            problems.with(at, format!("{field}.path"), "is missing");
            None
        }
    }
}

fn check_path(at: &Text, field: &str, path: &Template, problems: &mut Problems) {
    if !at.value.starts_with('/') {
        problems.with(at, field, "does not start with `/`");
    }
    if let Some(variable) = path.variables().find(|variable| variable.may_be_absent()) {
        let name = variable.name();
        let message = format!("names `{name}`, which the first poll does not have: use it in the query");
        problems.with(at, field, message);
    }
    check_secrets(at, field, Some(path), problems);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    if let Some(bad) = path.texts().flat_map(str::chars).find(|&c| !allowed(c)) {
        let message = match bad {
            '?' => "has a `?`: parameters go to `query`".to_owned(),
            bad => format!("has the character {bad:?}, which a path cannot hold: percent-encode it"),
        };
        problems.with(at, field, message);
    }
}

/// URLs end up in logs, ours and others'.
fn check_secrets(at: &Text, field: &str, template: Option<&Template>, problems: &mut Problems) {
    let secret = template.and_then(|template| template.variables().find(|variable| variable.is_secret()));
    if let Some(secret) = secret {
        let name = secret.name();
        let message = format!(
            "names `{name}`, and URLs are written down in many places: use a header, the body, or `auth.send.query`"
        );
        problems.with(at, field, message);
    }
}

/// A URL that the job has: no credentials may go to where an account says.
fn url(at: &Text, field: &str, around: Around<'_>, problems: &mut Problems) -> Option<Variable> {
    if !matches!(around.auth, None | Some(Auth::None)) {
        problems.with(at, field, "needs `auth: none`: credentials do not go to where an account says");
    }
    if around.file.base_url.is_some() {
        problems.with(at, field, "is the whole URL: remove `base_url`");
    }
    let template = problems.take(at, field, Template::parse(&at.value))?;
    let mut variables = template.variables();
    let variable =
        variables.next().filter(|_| template.texts().next().is_none() && variables.next().is_none());
    let of_job = |variable: &&Variable| {
        matches!(variable, Variable::ExternalId | Variable::Target | Variable::Context(_))
    };
    let Some(variable) = variable.filter(of_job) else {
        let message = "is not one variable and nothing else: `{{ account.external_id }}`, `{{ target }}` or `{{ context.NAME }}`";
        problems.with(at, field, message);
        return None;
    };
    Some(variable.clone())
}
