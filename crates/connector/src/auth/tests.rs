//! Sending and renewing, driven as a poll drives them, with secrets planted in every place.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Application, Credentials, Polled, PoolToken, Refreshed, Request, Secret};
use pollwheel_core::time::Timestamp;

use super::answered;
use crate::channel::{ChannelSet, ClientAuth, Grant, OAuth2};
use crate::exchange::{FetchError, Response};
use crate::replay::{Asked, Replayed, replay_renewing};
use crate::sample::row;
use crate::wait::Scale;

const BUDGET: Duration = Duration::from_secs(30);

fn channels(auth: &str) -> ChannelSet {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("toy");
    std::fs::create_dir(&own).unwrap();
    let yaml = format!(
        "channel: toy\nabout: A toy.\nbase_url: https://toy.example\nauth: {auth}\n\
         service_levels: {{free: {{fastest: 1, slowest: 60}}}}\n\
         job_types:\n  posts:\n    request: {{path: /posts, query: {{limit: 1}}}}\n    conditional: true\n\
         \x20   items: {{list: ., id: .id, type: toy.post, data: .}}\n    cursor: {{greatest_id: numeric}}\n\
         \x20   pages: {{follow: link_header}}\n"
    );
    std::fs::write(own.join("channel.yml"), yaml).unwrap();
    ChannelSet::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn credentials(pairs: &[(&str, &str)]) -> Credentials {
    let secrets = pairs.iter().map(|(name, secret)| ((*name).into(), Secret::new(*secret))).collect();
    Credentials { secrets, ..Credentials::default() }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// One poll of a job that has seen id 1; every request that was made is given back.
fn poll(
    channels: &ChannelSet,
    account: Option<&Credentials>,
    application: Option<&Application>,
    token: Option<&PoolToken>,
    mut answer: impl FnMut(&Asked) -> (u16, String),
) -> (Replayed, Vec<Asked>) {
    let mut row = row("42", r#"{"poll":{"cursor":"1"}}"#);
    row.subject.base_url = None;
    row.job.job_type = pollwheel_core::id::JobTypeId::new("toy/posts").unwrap();
    let request =
        Request { row: &row, credentials: account, application, token, budget: BUDGET, permits: None };
    let mut asked = Vec::new();
    let replayed = replay_renewing(channels, request, at(1_000_000), |request| {
        asked.push(request.clone());
        let (status, body) = answer(request);
        let response = http::Response::builder().status(status).header("etag", "\"e1\"");
        Ok(response.body(Bytes::from(body)).unwrap())
    });
    (replayed, asked)
}

fn nothing_new(_: &Asked) -> (u16, String) {
    (200, r#"[{"id":"1"}]"#.to_owned())
}

/// Everything of a poll that is logged, stored or sent on.
fn shown(polled: &Polled) -> String {
    format!("{polled:?} {}", serde_json::to_string(&polled.outcome).unwrap())
}

#[test]
fn every_form_of_sending_puts_the_secret_in_its_place() {
    let account = credentials(&[("token", "s3cret /t0ken"), ("username", "ann"), ("password", "p:w")]);
    let header = |asked: &Asked, name: &str| {
        asked.headers().get(name).map(|value| (value.to_str().unwrap().to_owned(), value.is_sensitive()))
    };
    let one = |auth: &str| poll(&channels(auth), Some(&account), None, None, nothing_new).1.remove(0);
    let bearer = one("{send: bearer, need: required}");
    assert_eq!(header(&bearer, "authorization"), Some(("Bearer s3cret /t0ken".to_owned(), true)));
    let own = one("{send: {header: X-API-Key}}");
    assert_eq!(header(&own, "x-api-key"), Some(("s3cret /t0ken".to_owned(), true)));
    let basic = one("{send: basic}");
    assert_eq!(header(&basic, "authorization"), Some(("Basic YW5uOnA6dw==".to_owned(), true)));
    let query = one("{send: {query: access_token}}");
    assert_eq!(query.uri(), "https://toy.example/posts?limit=1&access_token=s3cret%20%2Ft0ken");
    assert_eq!(header(&query, "authorization"), None);
}

#[test]
fn r28_a_secret_is_in_no_context_outcome_or_debug_text_whatever_the_server_repeats() {
    let account = credentials(&[("token", "planted"), ("username", "planted"), ("password", "planted")]);
    let forms = ["{send: bearer}", "{send: basic}", "{send: {header: X-API-Key}}", "{send: {query: key}}"];
    for form in forms {
        let channels = channels(form);
        let bodies = [
            (200, r#"[{"id":"1"}]"#),
            (200, "planted"),
            (401, "planted"),
            (403, r#"{"error":"planted"}"#),
            (500, "planted"),
            (302, "planted"),
        ];
        for (status, body) in bodies {
            let (replayed, asked) =
                poll(&channels, Some(&account), None, None, |_| (status, body.to_owned()));
            assert_eq!(asked.len(), 1);
            let text = shown(&replayed.polled);
            assert!(!text.contains("planted"), "{form} {status}: {text}");
        }
        let (replayed, _) =
            poll(&channels, Some(&account), None, None, |_| (200, r#"[{"id":"9"}]"#.to_owned()));
        assert!(matches!(replayed.polled.outcome, Outcome::New { .. }));
        assert!(
            !shown(&replayed.polled).contains("planted"),
            "{form}: validators and cursor are no place for it"
        );
    }
}

#[test]
fn without_what_the_channel_needs_an_account_is_unauthorized_and_a_deployment_is_not_set_up() {
    let outcome = |auth: &str| poll(&channels(auth), None, None, None, nothing_new).0.polled.outcome;
    assert_eq!(outcome("{send: bearer, need: required}"), Outcome::Unauthorized);
    assert!(matches!(outcome("{send: bearer, need: optional}"), Outcome::Unchanged { .. }));
    let Outcome::BadResponse { reason } = outcome("{from: application, need: required}") else { panic!() };
    assert!(reason.contains("no credentials of this channel's application"), "{reason}");
}

#[test]
fn an_application_sends_its_own_token_or_the_one_of_its_pool() {
    let channels = channels("{from: application}");
    let application = Application { credentials: credentials(&[("token", "own")]), tokens: vec![] };
    let sent = |token: Option<&PoolToken>| {
        let asked = poll(&channels, None, Some(&application), token, nothing_new).1.remove(0);
        asked.headers()["authorization"].to_str().unwrap().to_owned()
    };
    assert_eq!(sent(None), "Bearer own");
    assert_eq!(sent(Some(&PoolToken { name: "one".into(), token: Secret::new("p1") })), "Bearer p1");
}

const REFRESHED: &str = "{send: bearer, need: required, oauth2: {grant: refresh_token, \
    token_url: https://auth.example/token, client: basic, scopes: [a, b]}}";

fn application() -> Application {
    Application {
        credentials: credentials(&[("client_id", "id:1"), ("client_secret", "s&2")]),
        tokens: vec![],
    }
}

#[test]
fn a_token_that_ends_soon_is_renewed_before_anything_is_asked() {
    let mut account = credentials(&[("token", "old"), ("refresh_token", "r/1")]);
    account.expires_at = Some(Timestamp::from_millis(1_000_030_000));
    let answer = |asked: &Asked| match asked.uri().host() {
        Some("auth.example") => (
            200,
            r#"{"access_token":"new","token_type":"Bearer","expires_in":3600,"refresh_token":"r2"}"#
                .to_owned(),
        ),
        _ => nothing_new(asked),
    };
    let (replayed, asked) = poll(&channels(REFRESHED), Some(&account), Some(&application()), None, answer);
    assert_eq!(replayed.renewed, Some(vec!["refresh_token".into(), "token".into()]));
    assert_eq!((asked.len(), replayed.polled.requests), (2, 2));
    assert_eq!(asked[0].method(), "POST");
    assert_eq!(
        asked[0].headers()["authorization"],
        "Basic aWQlM0ExOnMlMjYy",
        "encoded as a form's values first"
    );
    assert_eq!(asked[0].body(), "grant_type=refresh_token&refresh_token=r%2F1&scope=a+b");
    assert_eq!(asked[1].headers()["authorization"], "Bearer new");
}

#[test]
fn a_refused_token_is_renewed_once_and_a_refused_exchange_is_the_end() {
    let account = credentials(&[("token", "old"), ("refresh_token", "r1")]);
    let channels = channels(REFRESHED);
    let exchange_comes_to = |status: u16, body: &str| {
        let answer = |asked: &Asked| match asked.uri().host() {
            Some("auth.example") => (status, body.to_owned()),
            _ if asked.headers()["authorization"] == "Bearer new" => nothing_new(asked),
            _ => (401, String::new()),
        };
        let (replayed, asked) = poll(&channels, Some(&account), Some(&application()), None, answer);
        (replayed.polled.outcome, asked.len())
    };
    let good = r#"{"access_token":"new","expires_in":"60"}"#;
    assert!(matches!(exchange_comes_to(200, good), (Outcome::Unchanged { .. }, 3)));
    let other = r#"{"access_token":"other"}"#;
    assert_eq!(exchange_comes_to(200, other), (Outcome::Unauthorized, 3), "once, not for ever");
    assert_eq!(exchange_comes_to(400, r#"{"error":"invalid_grant"}"#), (Outcome::Unauthorized, 2));
    assert_eq!(exchange_comes_to(401, ""), (Outcome::Unauthorized, 2));
    assert!(matches!(exchange_comes_to(503, ""), (Outcome::ServerError { status: 503, .. }, 2)));
    let (outcome, _) = exchange_comes_to(401, r#"{"error":"invalid_client"}"#);
    assert!(matches!(outcome, Outcome::BadResponse { .. }), "no account is parked for it: {outcome:?}");
}

#[test]
fn client_credentials_are_had_without_any_account() {
    let auth = "{oauth2: {grant: client_credentials, token_url: https://auth.example/token, client: body}}";
    let answer = |asked: &Asked| match asked.uri().host() {
        Some("auth.example") => (200, r#"{"access_token":"new"}"#.to_owned()),
        _ => nothing_new(asked),
    };
    let (replayed, asked) = poll(&channels(auth), None, Some(&application()), None, answer);
    assert!(matches!(replayed.polled.outcome, Outcome::Unchanged { .. }), "{:?}", replayed.polled);
    assert_eq!(asked[0].body(), "client_id=id%3A1&client_secret=s%262&grant_type=client_credentials");
    assert_eq!(asked[1].headers()["authorization"], "Bearer new");
}

fn oauth2() -> OAuth2 {
    OAuth2 {
        grant: Grant::RefreshToken,
        token_url: "https://auth.example/token".parse().unwrap(),
        client: ClientAuth::Basic,
        scopes: Vec::new(),
        refresh_before_seconds: 60,
        refused_errors: vec!["token_withdrawn".to_owned()],
    }
}

fn answer_of(status: u16, body: impl Into<Bytes>, redirects: u32) -> Refreshed {
    let uri = "https://auth.example/token".parse().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let response = Response { status, headers: HeaderMap::new(), body: body.into(), uri, redirects };
    answered(&oauth2(), Ok(response), at(0), Scale::new(1.0))
}

#[test]
fn r28_hostile_answers_of_a_token_endpoint_are_failures_without_their_content() {
    let long = format!(r#"{{"access_token":"{}"}}"#, "s3cret".repeat(3000));
    let cases = [
        "",
        "s3cret",
        "[]",
        "7",
        r#""s3cret""#,
        "{}",
        r#"{"access_token":7}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":"s3cret\r\nX: y"}"#,
        r#"{"access_token":"s3crét"}"#,
        &long,
        r#"{"access_token":"a","token_type":"mac"}"#,
        r#"{"access_token":"a","refresh_token":{"s3cret":1}}"#,
        r#"{"error":"s3cret"}"#,
    ];
    for body in cases {
        let Refreshed::Failed(Outcome::BadResponse { reason }) = answer_of(200, body.to_owned(), 0) else {
            panic!("{body} was accepted")
        };
        assert!(!reason.contains("s3cr"), "{reason}");
    }
    let deep = "[".repeat(5000);
    for body in [deep, "x".repeat(70_000)] {
        assert!(matches!(answer_of(200, body, 0), Refreshed::Failed(Outcome::BadResponse { .. })));
    }
    assert!(matches!(answer_of(200, r#"{"access_token":"a"}"#, 1), Refreshed::Failed(_)), "a redirect");
    assert!(matches!(answer_of(307, "", 0), Refreshed::Failed(Outcome::BadResponse { .. })));
    let lost = answered(&oauth2(), Err(FetchError::Timeout), at(0), Scale::new(1.0));
    assert!(matches!(lost, Refreshed::Failed(Outcome::Timeout)));
}

#[test]
fn a_channel_names_other_errors_that_refuse_the_token_itself() {
    let error = |code: &str| answer_of(400, format!(r#"{{"error":"{code}"}}"#), 0);
    assert!(matches!(error("token_withdrawn"), Refreshed::Refused));
    assert!(matches!(error("invalid_grant"), Refreshed::Refused));
    assert!(matches!(error("invalid_request"), Refreshed::Failed(Outcome::BadResponse { .. })));
}

#[test]
fn r16_the_life_of_a_token_is_a_number_or_its_text_and_capped() {
    let life = |text: &str| match answer_of(200, format!(r#"{{"access_token":"a","expires_in":{text}}}"#), 0)
    {
        Refreshed::Renewed { expires_in_seconds, .. } => expires_in_seconds,
        other @ (Refreshed::Refused | Refreshed::Failed(_)) => panic!("{text}: {other:?}"),
    };
    for (text, seconds) in [("3600", 3600), (r#""60""#, 60), ("1.5", 2), ("-1", 0), ("0", 0)] {
        assert_eq!(life(text), Some(seconds), "{text}");
    }
    for text in ["18446744073709551616", "1e300", "9999999999"] {
        assert_eq!(life(text), Some(315_360_000), "{text}");
    }
    for text in ["null", "true", r#""soon""#, "[]", r#""NaN""#] {
        assert_eq!(life(text), None, "{text}");
    }
}
