use super::*;
use crate::sample::row;

fn endpoint(path: &str, query: &[(&str, &str)]) -> Endpoint {
    let template = |text| Template::parse(text).unwrap();
    Endpoint {
        method: Method::GET,
        place: Place::Path(template(path)),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), template(value))).collect(),
        headers: Headers::default(),
        body: None,
        cost: 1,
    }
}

#[test]
fn a_cursor_that_is_not_there_takes_its_parameter_with_it() {
    let endpoint = endpoint("/u/{{ account.external_id }}", &[("since", "{{ cursor }}"), ("limit", "40")]);
    assert!(endpoint.follows_cursor());
    let row = row("42", "{}");
    let target =
        |cursor, extra| endpoint.target("/api", &JobValues::of_row(&row).after(cursor), extra).unwrap();
    assert_eq!(target(None, None), "/api/u/42?limit=40");
    assert_eq!(target(Some("a b"), None), "/api/u/42?since=a%20b&limit=40");
    let extra = Some(Parameter { name: "max_id", value: "9&1" });
    assert_eq!(target(None, extra), "/api/u/42?limit=40&max_id=9%261");
    let extra = Some(Parameter { name: "limit", value: "9" });
    assert_eq!(target(None, extra), "/api/u/42?limit=9", "a parameter comes once");
}

#[test]
fn a_value_that_would_change_the_path_is_refused() {
    let endpoint = endpoint("/u/{{ account.external_id }}/x/{{ context.list }}", &[]);
    let target = |id: &str, context: &str| endpoint.target("", &JobValues::of_row(&row(id, context)), None);
    assert_eq!(target("..", r#"{"list":"a"}"#), Err(RequestError::Segment("account.external_id".to_owned())));
    assert_eq!(target("a/../b", r#"{"list":7}"#).unwrap(), "/u/a%2F..%2Fb/x/7");
    let missing = target("a", "{}").unwrap_err().to_string();
    assert_eq!(missing, "the request needs `context.list`, which the job does not have, in `request.path`");
}

fn channel(request: &str) -> crate::channel::ChannelSet {
    let text = format!(
        "channel: toy\nabout: A toy.\nbase_url: https://api.example.com\nauth: {{bearer: optional}}\nheaders: {{X-Tenant: \"{{{{ context.tenant }}}}\", Accept: text/plain}}\n\
         service_levels: {{free: {{fastest: 1, slowest: 60}}}}\njob_types:\n  posts:\n    request:\n{request}\n    \
         items: {{list: ., id: .id, type: toy.post, data: .}}\n    cursor: {{greatest_id: numeric}}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("toy")).unwrap();
    std::fs::write(folder.path().join("toy/channel.yml"), text).unwrap();
    crate::channel::ChannelSet::load(folder.path()).unwrap()
}

/// The request of the one job type for a job with an API key, after `cursor`.
fn outbound(request: &str, context: &str, cursor: Option<&str>) -> Result<crate::exchange::Outbound, String> {
    use pollwheel_core::ports::{Credentials, Request, Secret};
    let channels = channel(request);
    let row = row("42", context);
    let mut credentials = Credentials::of_token(Secret::new("t0ken"));
    credentials.secrets.insert("api_key".into(), Secret::new("s3cret"));
    let budget = std::time::Duration::from_secs(1);
    let request = Request {
        row: &row,
        credentials: Some(&credentials),
        application: None,
        token: None,
        budget,
        permits: None,
    };
    let endpoint = &channels.get("toy").unwrap().job_types.values().next().unwrap().endpoint;
    let uri = "https://api.example.com/posts".parse().unwrap();
    endpoint.outbound(uri, &JobValues::of(request).after(cursor)).map_err(|error| error.to_string())
}

const TENANT: &str = r#"{"tenant":"a\"b","on":true,"n":7}"#;

fn body(request: &str, cursor: Option<&str>) -> String {
    String::from_utf8(outbound(request, TENANT, cursor).unwrap().body.to_vec()).unwrap()
}

#[test]
fn a_json_body_keeps_its_types_and_leaves_out_what_is_not_there_yet() {
    let request = "      {method: POST, path: /posts, body: {json: {n: 1, f: 1.5, on: true, none: null, who: \"{{ context.tenant }}!\", \
                   flag: \"{{ context.on }}\", after: \"{{ cursor }}\", list: [\"{{ cursor }}\", x]}}}";
    let with = body(request, Some("c\n1"));
    assert_eq!(
        with,
        r#"{"n":1,"f":1.5,"on":true,"none":null,"who":"a\"b!","flag":"true","after":"c\n1","list":["c\n1","x"]}"#
    );
    let without = body(request, None);
    assert_eq!(without, r#"{"n":1,"f":1.5,"on":true,"none":null,"who":"a\"b!","flag":"true","list":["x"]}"#);
    let sent = outbound(request, TENANT, None).unwrap();
    assert_eq!(
        (sent.method, sent.headers["content-type"].to_str().unwrap()),
        (Method::POST, "application/json")
    );
}

#[test]
fn a_form_is_encoded_and_graphql_is_json() {
    let form = "      {method: POST, path: /posts, body: {form: {after: \"{{ cursor }}\", who: \"{{ context.tenant }} & co\"}}}";
    assert_eq!(body(form, None), "who=a%22b%20%26%20co");
    assert_eq!(body(form, Some("1 2")), "after=1%202&who=a%22b%20%26%20co");
    let graphql = "      {method: POST, path: /posts, body: {graphql: {query: \"query($a: ID) { x }\", variables: {a: \"{{ cursor }}\", n: 3}}}}";
    assert_eq!(body(graphql, None), r#"{"query":"query($a: ID) { x }","variables":{"n":3}}"#);
    assert_eq!(body(graphql, Some("z")), r#"{"query":"query($a: ID) { x }","variables":{"a":"z","n":3}}"#);
}

#[test]
fn r28_a_secret_in_a_header_is_marked_and_shows_nowhere() {
    let request =
        "      {path: /posts, headers: {X-Key: \"key {{ credentials.api_key }}\", Accept: application/json}}";
    let sent = outbound(request, TENANT, None).unwrap();
    assert_eq!(sent.headers["x-key"], "key s3cret");
    assert!(sent.headers["x-key"].is_sensitive() && !sent.headers["x-tenant"].is_sensitive());
    assert_eq!(
        sent.headers["accept"], "application/json",
        "the job type's own takes the place of the channel's"
    );
    assert!(!format!("{:?}", sent.headers).contains("s3cret"));
}

#[test]
fn a_missing_value_is_named_with_its_field() {
    let error = |request, context| outbound(request, context, None).unwrap_err();
    let header = "      {path: /posts, headers: {X-Key: \"{{ credentials.other }}\"}}";
    assert_eq!(
        error(header, TENANT),
        "the request needs `credentials.other`, which the job does not have, in `headers.x-key`"
    );
    let json = "      {method: POST, path: /posts, body: {json: {a: \"{{ application.key }}\"}}}";
    assert_eq!(
        error(json, TENANT),
        "the request needs `application.key`, which the job does not have, in `request.body`"
    );
    let line = r#"{"tenant":"a\r\nX-Evil: 1"}"#;
    assert_eq!(
        error("      {path: /posts}", line),
        "`headers.x-tenant` would have a character that no header may have"
    );
}
