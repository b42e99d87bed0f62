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
