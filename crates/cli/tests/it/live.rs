//! `channel try` and `channel record`: one poll of a real server, and what is shown and kept of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use pollwheel_upstream::Channel;
use serde_json::{Value, json};

use crate::process::{answer, pollwheel};
use crate::site::{Account, CHANNELS, Deployment, Site, TOKEN, still};

fn live(command: &str, deployment: &Deployment) -> (i32, String, String) {
    let mut process = pollwheel(&format!("channel {command} --account accounts.jsonl --channels"));
    answer(process.arg(CHANNELS).current_dir(deployment.path()))
}

#[test]
fn a_live_poll_is_shown_from_the_request_to_the_next_poll() {
    let site = Site::start(still());
    let accounts = [Account::new(Channel::Mastodon, "m1"), Account::new(Channel::Github, "g1")];
    let deployment = Deployment::new(&site, &accounts);
    let (code, stdout, stderr) =
        live("try mastodon --allow-private-addresses --twice --job-type statuses", &deployment);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for expected in [
        "mastodon/statuses:m1, published nowhere and kept nowhere",
        "> GET http://127.0.0.1:",
        "/api/v1/accounts/m1-there/statuses?limit=40",
        "> authorization: ***",
        "> user-agent: pollwheel/",
        "< 200, ",
        "< etag: ",
        "outcome          seeded (1 request)",
        "context before   {}",
        "context after    {\"poll\":{",
        "limit            account: ",
        "decision         ",
        "next poll        20",
        "the second poll, at once, from the context after the first:",
        "outcome          unchanged (1 request)",
    ] {
        assert!(stdout.contains(expected), "expected {expected} in {stdout}");
    }
    assert!(!stdout.contains(TOKEN), "{stdout}");

    let (_, stdout, _) =
        live("try github --id g1 --allow-private-addresses --twice --job-type events --json", &deployment);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let second = &answer["polls"][1];
    assert_eq!(second["exchanges"][0]["answer"]["status"], json!(304), "{answer}");
    assert!(second["exchanges"][0]["headers"]["if-none-match"].is_string(), "{answer}");
    assert_eq!(second["context_before"], answer["polls"][0]["context_after"], "{answer}");
    assert!(answer["polls"][0]["decision"]["next_poll"].is_string(), "{answer}");
    assert!(!stdout.contains(TOKEN), "{stdout}");
}

#[test]
fn a_live_poll_that_cannot_be_made_asks_for_nothing_and_says_why() {
    let site = Site::start(still());
    let deployment = Deployment::new(&site, &[Account::new(Channel::Mastodon, "m1")]);
    for (command, expected) in [
        ("try mastodon --job-type statuses", "`--allow-private-addresses` allows requests to it"),
        ("try github", "no line is JSON with an account of channel `github`"),
        ("try mastodn", "has no channel `mastodn`"),
        ("try mastodon --id m2", "no line is JSON with an account `m2` of channel `mastodon`"),
        ("try mastodon --allow-private-addresses --job-type x", "not polled by a job type `x`"),
        (
            "try mastodon --allow-private-addresses --job-type statuses --context {",
            "`--context`: is no context",
        ),
        ("record mastodon --case Bad/name", "a case's name is of lower-case letters"),
        (
            "record mastodon --case first_poll --allow-private-addresses --job-type statuses",
            "is there already",
        ),
    ] {
        let (code, stdout, stderr) = live(command, &deployment);
        assert_eq!((code, stdout.as_str()), (2, ""), "{command}: {stderr}");
        assert!(stderr.contains(expected), "{command}: expected {expected} in {stderr}");
    }
    assert_eq!(site.stats().total.requests, 0);
}

const CHANNEL: &str = r#"
channel: acme
about: Posts.
base_url_per_account: required
auth: {bearer: required}
service_levels: {free: {fastest: 15, slowest: 60}}
limits:
  - scope: account
    headers: {remaining: X-RateLimit-Remaining, reset: {name: X-RateLimit-Reset, format: delta_seconds}}
job_types:
  posts:
    request: {path: "/users/{{ account.external_id }}/posts"}
    items:
      list: .posts
      id: .id
      time: .at
      type: acme.post
      data: "{id, text, by: .author.name}"
    cursor: {greatest_id: numeric}
    pages: {follow: link_header, limit: 3}
"#;

/// What must not be in any file.
const PLANTED: [&str; 9] = [
    "t0p-s3cret",
    "ada-lovelace",
    "Ada Lovelace",
    "ada@mail.example",
    "+44 20 7946 0958",
    "203.0.113.77",
    "c00kie",
    "Wimbledon",
    "odd-value",
];

/// A server that answers two pages full of what belongs to somebody, and ends.
fn server() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = |id: u32, link: &str| {
        let body = json!({"posts": [{
            "id": id.to_string(), "at": "2026-11-23T07:40:00Z",
            "text": "Ada Lovelace: mail ada@mail.example or call +44 20 7946 0958, from 203.0.113.77",
            "author": {"id": 7, "login": "ada-lovelace", "name": "Ada Lovelace", "location": {"city": "Wimbledon"}},
            "quirk": "odd-value", "self": format!("http://127.0.0.1:{port}/users/ada-lovelace?access_token=t0p-s3cret"),
        }]});
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\nSet-Cookie: id=c00kie\r\n\
             X-Served-For: ada-lovelace\r\nX-RateLimit-Remaining: 9\r\nX-RateLimit-Reset: 60\r\n{link}\r\n{body}",
            body.to_string().len()
        )
    };
    let link = format!(
        "Link: <http://127.0.0.1:{port}/users/ada-lovelace/posts?page=2&access_token=t0p-s3cret>; rel=\"next\"\r\n"
    );
    let answers = [page(1003, &link), page(1001, "")];
    let serve = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            asked.push(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (port, serve)
}

fn text_of(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("acme").join(name)).unwrap()
}

#[test]
fn r28_a_recorded_case_has_no_secret_and_no_person_in_it_and_replays() {
    let (port, serve) = server();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    fs::write(folder.path().join("acme/channel.yml"), CHANNEL).unwrap();
    let account = json!({
        "account_id": "a1", "channel": "acme", "service_level": "free", "external_id": "ada-lovelace",
        "base_url": format!("http://127.0.0.1:{port}"), "token": "t0p-s3cret",
        "context": {"poll": {"cursor": "1000"}, "note": "for ada@mail.example"},
    });
    fs::write(folder.path().join("account.json"), format!("{account:#}")).unwrap();
    let command = "channel record acme --account account.json --channels . --case two_pages --redact quirk \
                   --allow-private-addresses";
    let (code, stdout, stderr) = answer(pollwheel(command).current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.contains("recorded two_pages: new, 2 exchanges, 2 items"), "{stdout}");
    assert!(stdout.contains("The case replays as the poll went."), "{stdout}");
    let asked = serve.join().unwrap();
    assert!(asked[1].contains("access_token=t0p-s3cret") && asked[0].contains("ada-lovelace"), "{asked:?}");

    let recorded = text_of(folder.path(), "recorded/two_pages.json");
    let expected = text_of(folder.path(), "expected/two_pages.json");
    for planted in PLANTED {
        for (name, text) in [("recorded", &recorded), ("expected", &expected), ("stdout", &stdout)] {
            assert!(!text.contains(planted), "{planted} in {name}: {text}");
        }
    }
    assert!(!recorded.contains(&format!(":{port}")) && !recorded.contains("x-served-for"), "{recorded}");
    let case: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(case["exchanges"][0]["sent"]["authorization"], json!("Bearer redacted-token"));
    assert_eq!(case["account"]["token"], json!("redacted-token"));
    assert_eq!(case["exchanges"][0]["response"]["body"]["posts"][0]["id"], json!("1003"), "ids stay");
    assert_eq!(case["exchanges"][0]["response"]["headers"]["x-ratelimit-remaining"], json!("9"));

    let (code, stdout, stderr) = answer(pollwheel("channel test .").current_dir(folder.path()));
    assert_eq!(code, 0, "{stdout}{stderr}");
}
