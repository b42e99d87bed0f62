//! A live poll as a recorded case.

use std::collections::BTreeMap;

use pollwheel_connector::recording::{
    Account, Answer, Application, Case, Exchange, Token, Tree, request_key,
};
use pollwheel_connector::watch::{Answered, Header, Seen};
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::ports::{Credentials, Secret};
use serde_json::Value;

use super::redact::Redactor;
use crate::channel::live::{Live, Poll, application_name, is_secret_header};
use crate::channel::try_once::is_telling;
use crate::exit::Failure;

/// Request headers that a case asks for. The connector's own and the channel's constant ones say nothing about a poll.
const SENT: [&str; 5] = ["accept", "authorization", "content-type", "if-none-match", "if-modified-since"];
/// Where an account's own server is in a recording.
const HOST: &str = "api.example.com";

/// The case of a poll, redacted.
pub(super) fn of(
    poll: &Poll,
    live: &Live,
    about: Option<&str>,
    redactor: &mut Redactor,
) -> Result<Case, Failure> {
    let subject = &poll.row.subject;
    let base_url = subject.base_url.as_deref().map(|base| own_host(base, redactor));
    let external_id = match subject.external_id.as_str() {
        url if url.contains("://") => {
            redactor.learn_text(url);
            url.to_owned()
        }
        id => redactor.know(id, "external id"),
    };
    let target = poll.row.job.target.as_ref().map(ToString::to_string);
    for seen in &poll.exchanges {
        learn(seen, redactor);
    }
    if let Ok(context) = Tree::parse(poll.row.context.as_json()) {
        redactor.learn(&context);
    }
    let origin = poll.exchanges.last().map(|seen| origin(&seen.url).to_owned()).unwrap_or_default();
    let mut exchanges = Vec::new();
    for seen in &poll.exchanges {
        exchanges.push(exchange(seen, &origin, redactor).map_err(Failure::Run)?);
    }
    let context = context(poll, base_url.as_deref(), redactor)?;
    let now = jiff::Timestamp::try_from(poll.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = now.strftime("%Y-%m-%d");
    let outcome = poll.polled.outcome.name();
    let about =
        about.map_or_else(|| format!("Recorded on {day}: {outcome}."), |about| redactor.rewrite_text(about));
    Ok(Case {
        about,
        job_type: poll.row.job.job_type.name().to_owned(),
        account: account(live, redactor, external_id, base_url),
        application: application(live, redactor),
        target: target.map(|target| redactor.rewrite_text(&target)),
        context,
        now: whole_seconds(now).to_string(),
        exchanges,
    })
}

fn whole_seconds(now: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn account(live: &Live, redactor: &Redactor, external_id: String, base_url: Option<String>) -> Account {
    let secrets = live.chosen.credentials.iter().flat_map(|credentials| &credentials.secrets);
    let mut credentials: BTreeMap<String, String> =
        secrets.map(|(name, secret)| (name.to_string(), redactor.stand_in(name, secret.expose()))).collect();
    let token = credentials.remove(Credentials::TOKEN);
    Account { external_id, base_url, token, credentials, expires_at: None }
}

/// The deployment's own credentials. Names of tokens are the deployment's, and are counted instead.
fn application(live: &Live, redactor: &Redactor) -> Application {
    let Some(application) = &live.application else { return Application::default() };
    let stand_in = |name: &str, secret: &Secret| redactor.stand_in(&application_name(name), secret.expose());
    let secrets = application.credentials.secrets.iter();
    let tokens = (1..).zip(&application.tokens);
    Application {
        credentials: secrets.map(|(name, secret)| (name.to_string(), stand_in(name, secret))).collect(),
        expires_at: None,
        tokens: tokens
            .map(|(number, token)| Token {
                name: format!("token-{number}"),
                token: stand_in(&format!("token_{number}"), &token.token),
            })
            .collect(),
    }
}

/// The URL of the account's own server, under another name, which it has in every body too.
fn own_host(base: &str, redactor: &mut Redactor) -> String {
    let origin = origin(base);
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let path = base.get(origin.len()..).unwrap_or_default();
    redactor.replace(origin, &format!("https://{HOST}"), "the account's own server");
    redactor.replace(authority, HOST, "the account's own server");
    redactor.replace(host, HOST, "the account's own server");
    format!("https://{HOST}{path}")
}

/// Scheme and authority of a URL.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(start..).unwrap_or_default();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..start + end).unwrap_or(url)
}

/// Looks through everything that will be written.
fn learn(seen: &Seen, redactor: &mut Redactor) {
    redactor.learn_text(seen.url.get(origin(&seen.url).len()..).unwrap_or_default());
    learn_body(&seen.body, redactor);
    if let Ok(answered) = &seen.answer {
        for header in kept(answered) {
            redactor.learn_text(&header.value);
        }
        learn_body(&answered.body, redactor);
    }
}

fn learn_body(body: &[u8], redactor: &mut Redactor) {
    match Body::of(body) {
        Body::Json(tree) => redactor.learn(&tree),
        Body::Lines(lines) => lines.iter().for_each(|line| redactor.learn(line)),
        Body::Text(text) => redactor.learn_markup(&text),
    }
}

/// A body, as far as it can be told.
enum Body {
    Json(Tree),
    /// A JSON value a line.
    Lines(Vec<Tree>),
    Text(String),
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if let Ok(tree) = Tree::parse(text.trim_start_matches('\u{feff}')) {
            return Self::Json(tree);
        }
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines: Result<Vec<Tree>, _> = lines.map(Tree::parse).collect();
        match lines {
            Ok(lines) if !lines.is_empty() => Self::Lines(lines),
            Ok(_) | Err(_) => Self::Text(text),
        }
    }
}

fn exchange(seen: &Seen, origin_of_all: &str, redactor: &Redactor) -> Result<Exchange, anyhow::Error> {
    let answered = seen.answer.as_ref().map_err(|reason| {
        anyhow::anyhow!("nothing was written: a request had no answer to record ({reason})")
    })?;
    if answered.redirects > 0 {
        anyhow::bail!(
            "nothing was written: a request was redirected, which a recording does not show; name the final URL"
        );
    }
    let own = origin(&seen.url);
    let target = redactor.rewrite_target(seen.url.get(own.len()..).unwrap_or_default());
    let request =
        if own == origin_of_all { target } else { format!("{}{target}", redactor.rewrite_text(own)) };
    let sent_body = match Body::of(&seen.body) {
        Body::Text(text) if text.is_empty() => None,
        Body::Text(text) => Some(Tree::Text(redactor.rewrite_target(&text))),
        Body::Json(tree) => Some(redactor.rewrite(&tree)),
        Body::Lines(_) => None,
    };
    Ok(Exchange {
        method: seen.method.clone(),
        request,
        sent: sent(seen, redactor),
        sent_body,
        response: answer(answered, redactor),
    })
}

fn sent(seen: &Seen, redactor: &Redactor) -> BTreeMap<String, String> {
    let mut sent = BTreeMap::new();
    for header in &seen.headers {
        let value = redactor.rewrite_text(&header.value);
        // Credentials that are not sent as they are (`Basic`) cannot be replaced in what is sent.
        let is_secret = header.is_sensitive || is_secret_header(&header.name);
        let is_replaced = value != header.value;
        if (is_secret && is_replaced) || (!is_secret && SENT.contains(&header.name.as_str())) {
            sent.insert(header.name.clone(), value);
        }
    }
    sent
}

/// The headers that a recording keeps.
fn kept(answered: &Answered) -> impl Iterator<Item = &Header> {
    answered.headers.iter().filter(|header| is_telling(&header.name) && !is_secret_header(&header.name))
}

fn answer(answered: &Answered, redactor: &Redactor) -> Answer {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for header in kept(answered) {
        let value = redactor.rewrite_text(&header.value);
        headers
            .entry(header.name.clone())
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert(value);
    }
    let (body, text) = match Body::of(&answered.body) {
        Body::Json(tree) => (Some(redactor.rewrite(&tree)), None),
        Body::Lines(lines) => {
            let lines: String = lines.iter().map(|line| redactor.rewrite(line).compact() + "\n").collect();
            (None, Some(lines))
        }
        Body::Text(text) => (None, Some(redactor.rewrite_text(&text))),
    };
    Answer { status: answered.status, headers, body, text }
}

/// The context before the poll. Validators belong to a request, whose URL has changed.
fn context(poll: &Poll, base_url: Option<&str>, redactor: &Redactor) -> Result<Context, Failure> {
    let broken = |_| Failure::Run(anyhow::anyhow!("the context cannot be redacted"));
    let tree = Tree::parse(poll.row.context.as_json()).map_err(broken)?;
    let mut members: ContextMap = serde_json::from_str(&redactor.rewrite(&tree).compact()).map_err(broken)?;
    let first = poll.exchanges.first().map(|seen| seen.url.as_str()).unwrap_or_default();
    let target = redactor.rewrite_target(first.get(origin(first).len()..).unwrap_or_default());
    let host = base_url.map_or_else(|| origin(first), origin);
    let of = members.get_mut("poll").and_then(|poll| poll.get_mut("validators")?.get_mut("of"));
    if let (Some(of), Some(key)) = (of, request_key(&format!("{host}{target}"))) {
        *of = Value::String(key);
    }
    Context::new(&members).map_err(|error| Failure::Run(anyhow::Error::new(error)))
}
