//! How pages follow one another, case by case.

use http::{Method, header};
use pollwheel_core::outcome::{Outcome, Scope};

use super::server::{Job, json};

const ITEMS: &str =
    "    items: {list: .items, id: .id, type: test.item, data: .}\n    cursor: {greatest_id: numeric}\n";

fn job(fields: &str, job_fields: &str) -> Job {
    let mut job = Job::declared("{bearer: optional}", fields, &format!("{ITEMS}{job_fields}"));
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"1"}}"#).unwrap();
    job
}

fn by_cursor(rest: &str) -> Job {
    let pages = format!("pages: {{follow: {{cursor: {{from: .next, parameter: at}}}}, limit: 9{rest}}}");
    job("", &format!("    request: {{path: /t}}\n    {pages}\n"))
}

fn reason(outcome: &Outcome) -> &str {
    let Outcome::BadResponse { reason } = outcome else { panic!("{outcome:?}") };
    reason
}

#[test]
fn more_ends_a_walk_and_must_lead_somewhere() {
    for end in ["false", "null"] {
        let mut job = by_cursor(", more: .more");
        let body = format!(r#"{{"items":[{{"id":9}}],"next":"b","more":{end}}}"#);
        let polled = job.poll(|_| Ok(json(200, &body)));
        assert_eq!((polled.requests, polled.items.len()), (1, 1), "{end}");
        assert!(matches!(polled.outcome, Outcome::New { more: false, .. }));
    }
    let polled = by_cursor(", more: .more").poll(|_| Ok(json(200, r#"{"items":[{"id":9}],"more":true}"#)));
    assert!(reason(&polled.outcome).contains("nothing leads there"));
}

#[test]
fn an_empty_page_in_the_middle_is_not_the_end() {
    let mut job = by_cursor("");
    let polled = job.poll(|out| {
        Ok(json(
            200,
            match out.uri.query() {
                None => r#"{"items":[{"id":9}],"next":"b"}"#,
                Some("at=b") => r#"{"items":[],"next":"c"}"#,
                Some(_) => r#"{"items":[{"id":5},{"id":1}]}"#,
            },
        ))
    });
    assert_eq!((polled.requests, polled.items.len()), (3, 2));
}

#[test]
fn r27_the_same_cursor_twice_stops_the_loop_and_moves_nothing() {
    let mut job = by_cursor("");
    let before = job.row.context.clone();
    let mut id = 99;
    let polled = job.poll(|_| {
        id -= 1;
        Ok(json(200, &format!(r#"{{"items":[{{"id":{id}}}],"next":"b"}}"#)))
    });
    assert!(reason(&polled.outcome).contains("already seen"));
    assert!(polled.items.is_empty() && polled.requests == 2 && job.row.context == before);
    // Another cursor that leads to the same page.
    let mut number = 0;
    let polled = job.poll(|_| {
        number += 1;
        Ok(json(200, &format!(r#"{{"items":[{{"id":7}},{{"id":6}},{{"id":5}}],"next":"c{number}"}}"#)))
    });
    assert!(reason(&polled.outcome).contains("the same as the one before"));
    assert!(polled.items.is_empty() && polled.requests == 2 && job.row.context == before);
}

#[test]
fn r24_pages_of_sixteen_mebibytes_in_all_end_the_poll() {
    let mut job = by_cursor("");
    let mut id = 99;
    let padding = " ".repeat(6 * 1024 * 1024);
    let polled = job.poll(|_| {
        id -= 1;
        Ok(json(200, &format!(r#"{{"items":[{{"id":{id}}}],"next":"c{id}"{padding}}}"#)))
    });
    assert_eq!((polled.requests, polled.items.len()), (3, 3));
    assert!(matches!(polled.outcome, Outcome::New { more: true, .. }));
}

#[test]
fn r23_a_url_in_the_body_leads_nowhere_else() {
    for url in [
        "https://evil.example/t",
        "//evil.example/t",
        "http://api.example.com/t",
        "https://u:p@api.example.com/t",
    ] {
        let mut job = job("", "    request: {path: /t}\n    pages: {follow: {url: .next}}\n");
        let body = format!(r#"{{"items":[{{"id":9}}],"next":"{url}"}}"#);
        let polled = job.poll(|_| Ok(json(200, &body)));
        assert!(reason(&polled.outcome).starts_with("the URL of the next page"), "{url}");
        assert!(!reason(&polled.outcome).contains("evil") && polled.requests == 1);
    }
}

#[test]
fn r28_a_place_with_a_secret_in_it_is_not_kept() {
    let mut job = job("", "    request: {path: /t}\n    pages: {follow: link_header, limit: 1}\n");
    job.poll(|_| Ok(json(200, r#"{"items":[{"id":9}]}"#).with("link", "</t?page=2&sig=s3cret>; rel=next")));
    assert!(!job.row.context.as_json().contains("s3cret"), "{:?}", job.row.context);
    let mut asked = Vec::new();
    let polled = job.poll(|out| {
        asked.push(out.uri.query().map(str::to_owned));
        let items = if asked.len() == 1 { r#"[{"id":9}]"# } else { r#"[{"id":5},{"id":1}]"# };
        let link = "</t?page=2&sig=s3cret>; rel=next";
        Ok(json(200, &format!("{{\"items\":{items}}}")).with("link", link))
    });
    assert_eq!(asked, [None, Some("page=2&sig=s3cret".to_owned())]);
    assert_eq!(polled.items.len(), 1);
    assert!(!job.row.context.as_json().contains("s3cret"), "{:?}", job.row.context);
}

#[test]
fn a_post_has_its_page_in_the_body_and_no_validators() {
    let request = "    request: {method: POST, path: /t, body: {graphql: {query: \"{ a }\", variables: {after: \"{{ page }}\", n: 2}}}}\n";
    let mut job = job("", &format!("{request}    pages: {{follow: {{cursor: {{from: .next}}}}}}\n"));
    let mut bodies = Vec::new();
    for _ in 0..2 {
        job.poll(|out| {
            assert_eq!(out.method, Method::POST);
            assert!(!out.headers.contains_key(header::IF_NONE_MATCH));
            bodies.push(String::from_utf8(out.body.to_vec()).unwrap());
            let body = match bodies.len() {
                1 => r#"{"items":[{"id":9}],"next":"x y\""}"#,
                _ => r#"{"items":[{"id":5},{"id":1}]}"#,
            };
            Ok(json(200, body).with("etag", "\"a\""))
        });
    }
    assert!(!bodies[0].contains("after"), "{}", bodies[0]);
    assert!(bodies[1].contains(r#""after":"x y\"""#), "{}", bodies[1]);
    assert_eq!(bodies.len(), 3);
}

#[test]
fn r27_a_rule_for_200_is_asked_before_the_items() {
    let rules = "errors: [{status: 200, body: .error == \"slow down\", outcome: rate_limited}, {status: 200, body: .quiet == true, outcome: unchanged}]";
    let mut job = job(rules, "    request: {path: /t}\n");
    let limited = Outcome::RateLimited { scope: Scope::Account, reset_seconds: None };
    assert_eq!(job.poll(|_| Ok(json(200, r#"{"error":"slow down"}"#))).outcome, limited);
    assert_eq!(
        job.poll(|_| Ok(json(200, r#"{"quiet":true}"#))).outcome,
        Outcome::Unchanged { context: None }
    );
    assert!(reason(&job.poll(|_| Ok(json(200, r#"{"error":"other"}"#))).outcome).starts_with("`items.list`"));
}

#[test]
fn the_first_poll_publishes_the_newest_by_time_or_by_place() {
    let publish = |cursor: &str| {
        let mut job = Job::declared(
            "{bearer: optional}",
            "",
            &format!(
                "    request: {{path: /t}}\n    items: {{list: ., id: .id, time: .at, type: x, data: .}}\n    cursor: {cursor}\n    first_poll: {{publish: 2}}\n"
            ),
        );
        let body = r#"[{"id":"a","at":5},{"id":"b","at":9},{"id":"c","at":7}]"#;
        let polled = job.poll(|_| Ok(json(200, body)));
        let again = job.poll(|_| Ok(json(200, body)));
        assert_eq!(again.outcome, Outcome::Unchanged { context: None });
        polled.items.into_iter().map(|item| item.id).collect::<Vec<_>>()
    };
    assert_eq!(publish("{time: {}}"), ["c", "b"]);
    assert_eq!(publish("{seen: {keep: 10}}"), ["c", "b"]);
}

#[test]
fn a_context_that_another_cursor_wrote_is_refused_by_name() {
    let mut job = by_cursor("");
    job.row.context = serde_json::from_str(r#"{"poll":{"cursor":"2026-11-23T07:45:00Z"}}"#).unwrap();
    let polled = job.poll(|_| panic!("asked"));
    assert!(reason(&polled.outcome).contains("`poll.cursor`"), "{:?}", polled.outcome);
}
