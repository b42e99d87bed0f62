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
      data: "{id, text, by: .author.name, account, access_key}"
    cursor: {greatest_id: numeric}
    pages: {follow: link_header, limit: 3}
"#;

/// What must not be in any file.
const PLANTED: [&str; 13] = [
    "t0p-s3cret",
    "ada-lovelace",
    "Ada Lovelace",
    "ada@mail.example",
    "+44 20 7946 0958",
    "203.0.113.77",
    "c00kie",
    "Wimbledon",
    "odd-value",
    "Gardens in Kew",
    "planted-header",
    "AKIAPLANTED",
    "planted-session",
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
            "account": {"id": "7", "note": "Gardens in Kew", "header": "https://x.example/planted-header.png"},
            "access_key": "AKIAPLANTED", "more": "https://x.example/?session_id=planted-session",
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
    (port, serve(listener, vec![page(1003, &link), page(1001, "")]))
}

/// Answers so many requests, and returns what they were.
fn serve(listener: TcpListener, answers: Vec<String>) -> JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
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
    })
}

fn ok(kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A folder with a channel `acme` and a file for each name.
fn folder_of(channel: &str, files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    fs::write(folder.path().join("acme/channel.yml"), channel).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn account(port: u16) -> String {
    json!({
        "account_id": "a1", "channel": "acme", "service_level": "free", "external_id": "42",
        "base_url": format!("http://127.0.0.1:{port}"),
    })
    .to_string()
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

#[test]
fn r28_people_of_a_feed_are_in_no_file() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let feed = "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>T</title>\
                <webMaster>w@mail.example (Charles Babbage)</webMaster><item><guid>g-1</guid><title>By Ada Lovelace</title>\
                <pubDate>Mon, 23 Nov 2026 07:40:00 GMT</pubDate><dc:creator><![CDATA[Ada Lovelace]]></dc:creator></item>\
                </channel></rss>";
    let channel = "channel: acme\nabout: A feed.\nbase_url_per_account: required\nauth: none\n\
                   service_levels: {free: {fastest: 15, slowest: 60}}\njob_types:\n  posts:\n    request: {path: /feed}\n    \
                   items: {format: feed, id: .id, time: .published, type: acme.post, data: .}\n    cursor: {seen: {keep: 100}}\n";
    let folder = folder_of(channel, &[("account.json", account(port))]);
    let serving = serve(listener, vec![ok("application/rss+xml", feed)]);
    let command =
        "channel record acme --account account.json --channels . --case feed --allow-private-addresses";
    let (code, stdout, stderr) = answer(pollwheel(command).current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    serving.join().unwrap();
    let recorded = text_of(folder.path(), "recorded/feed.json");
    let expected = text_of(folder.path(), "expected/feed.json");
    for planted in ["Lovelace", "Babbage", "mail.example"] {
        assert!(
            !recorded.contains(planted) && !expected.contains(planted),
            "{planted}: {recorded} {expected}"
        );
    }
    assert!(recorded.contains("g-1") && recorded.contains("07:40:00"), "{recorded}");
}

#[test]
fn r28_an_application_polls_and_is_in_no_file() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let channel = format!(
        "channel: acme\nabout: Posts.\nbase_url: http://127.0.0.1:{port}\nbase_url_per_account: refused\n\
         auth: {{send: bearer, from: application, need: required}}\n\
         service_levels: {{free: {{fastest: 15, slowest: 60}}}}\njob_types:\n  posts:\n    request: {{path: /posts}}\n    \
         items: {{list: ., id: .id, type: acme.post, data: .}}\n    cursor: {{greatest_id: numeric}}\n"
    );
    let account =
        json!({"account_id": "a1", "channel": "acme", "service_level": "free", "external_id": "42"});
    let application = json!({"channel": "acme", "credentials": {"client_id": "planted-id"}, "tokens": [
        {"name": "adas-own", "token": "planted-pool-token"}, {"name": "two", "token": "planted-pool-other"}]});
    let files = [("account.json", account.to_string()), ("applications.jsonl", application.to_string())];
    let folder = folder_of(&channel, &files);
    let run = |command: &str| {
        let rest = "--account account.json --channels . --allow-private-addresses";
        answer(pollwheel(&format!("channel {command} {rest}")).current_dir(folder.path()))
    };
    for command in ["try acme", "record acme --case none"] {
        let (code, stdout, stderr) = run(command);
        assert!(code == 2 && stderr.contains("`--applications FILE`"), "{command}: {code} {stdout} {stderr}");
    }
    let body = r#"[{"id": "3", "text": "sent with planted-pool-token by planted-id"}]"#;
    let answers = vec![ok("application/json", body), ok("application/json", body)];
    let serving = serve(listener, answers);
    let (code, shown, stderr) = run("try acme --applications applications.jsonl");
    assert_eq!((code, stderr.as_str()), (0, ""), "{shown}");
    let (code, stdout, stderr) = run("record acme --case pool --applications applications.jsonl");
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(serving.join().unwrap()[1].contains("Bearer planted-pool-token"));
    let recorded = text_of(folder.path(), "recorded/pool.json");
    let expected = text_of(folder.path(), "expected/pool.json");
    for text in [&shown, &stdout, &recorded, &expected] {
        assert!(!text.contains("planted-") && !text.contains("adas-own"), "{text}");
    }
    assert!(recorded.contains("Bearer redacted-application-token-1"), "{recorded}");
}

#[test]
fn a_poll_that_asks_for_nothing_is_not_recorded() {
    let channel = fs::read_to_string(Path::new(CHANNELS).join("bluesky/channel.yml")).unwrap();
    let channel = channel.replace("channel: bluesky", "channel: acme");
    let account = json!({
        "account_id": "a1", "channel": "acme", "service_level": "free", "external_id": "did:plc:abc",
    });
    let folder = folder_of(&channel, &[("account.json", account.to_string())]);
    let command = "channel record acme --account account.json --channels . --case none --context {\"poll\":{\"cursor\":\"1\"}}";
    let (code, stdout, stderr) = answer(pollwheel(command).current_dir(folder.path()));
    assert!(code == 2 && stdout.is_empty(), "{stdout}");
    assert!(
        stderr.contains("nothing was asked, and nothing was written: the poll came to `bad_response`"),
        "{stderr}"
    );
    assert!(!folder.path().join("acme/recorded").exists());
    let (code, _, stderr) = answer(pollwheel(&format!("{command} --contact foo")).current_dir(folder.path()));
    assert!(code == 2 && stderr.contains("neither an http(s) URL nor a mail address"), "{stderr}");
}

#[test]
fn a_poll_that_is_refused_for_its_own_address_says_what_allows_it() {
    let channel = "channel: acme\nabout: Posts.\nbase_url: http://127.0.0.1:9\nbase_url_per_account: refused\nauth: none\n\
                   service_levels: {free: {fastest: 15, slowest: 60}}\njob_types:\n  posts:\n    request: {path: /posts}\n    \
                   items: {list: ., id: .id, type: acme.post, data: .}\n    cursor: {greatest_id: numeric}\n";
    let account =
        json!({"account_id": "a1", "channel": "acme", "service_level": "free", "external_id": "42"});
    let folder = folder_of(channel, &[("account.json", account.to_string())]);
    // The cursor is a time.
    let command = "channel try acme --account account.json --channels .";
    let (code, stdout, stderr) = answer(pollwheel(command).current_dir(folder.path()));
    assert!(code == 1 && stdout.contains("`--allow-private-addresses` allows requests"), "{stdout}{stderr}");
}
