use pollwheel_core::budget::{BudgetScope, Counted};

use super::*;
use crate::sample;

const GOOD: &str = r#"channel: toy
about: A toy.
base_url: https://api.example.com
base_url_per_account: allowed
auth: {bearer: optional}
headers: {Accept: application/json}
limits:
  - scope: account
    headers: {remaining: X-Left, reset: {name: X-Reset, format: delta_seconds}}
    cushion: 2
errors:
  - {status: 403, header: X-Slow, outcome: rate_limited}
service_levels:
  professional: {fastest: 2, slowest: 60}
  free: {fastest: 15, slowest: 1440, max_staleness: 1440}
job_types:
  posts:
    request:
      path: /users/{{ account.external_id }}/posts
      query: {limit: 40, since: "{{ cursor }}"}
    items: {list: .posts, id: .id, type: toy.post, data: "{text}"}
    cursor: {greatest_id: numeric}
    pages: {follow: {max_id: before}, size: 40, limit: 3}
    first_poll: {publish: 5}
    floor: [X-Poll-Interval, Cache-Control]
    service_levels:
      professional: {fastest: 5, slowest: 60}
"#;

fn load(text: &str) -> Result<ChannelSet, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("toy");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("channel.yml"), text).unwrap();
    let prefix = format!("{}/toy/", folder.path().display());
    ChannelSet::load(folder.path()).map_err(|ChannelErrors(found)| {
        found.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect()
    })
}

fn problems(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    load(&GOOD.replace(from, to)).map(drop).unwrap_err()
}

fn problem(from: &str, to: &str) -> String {
    let found = problems(from, to);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn a_good_file_becomes_a_catalog() {
    let channels = load(GOOD).unwrap();
    let catalog = channels.catalog();
    let spec = catalog.get(&JobTypeId::new("toy/posts").unwrap()).unwrap();
    let range = |level: &str| {
        let range = spec.policy(&level.parse().unwrap()).range;
        (range.fastest().minutes(), range.slowest().minutes())
    };
    assert_eq!(range("professional"), (5, 60));
    assert_eq!(range("free"), (15, 1440));
    assert_eq!(range("unheard-of"), (15, 1440), "an undeclared level polls as little as the most modest one");
}

#[test]
fn structural_errors_name_file_line_and_field() {
    let error = problem("id: .id,", "id: .id, uid: .x,");
    assert!(error.starts_with("channel.yml:21:"), "{error}");
    assert!(error.contains("`job_types.posts.items") && error.contains("unknown field `uid`"), "{error}");
    let error = problem("fastest: 15", "fastest: soon");
    assert!(error.starts_with("channel.yml:15:"), "{error}");
    assert!(error.contains("`service_levels.free.fastest`"), "{error}");
    let error = problem("auth: {bearer: optional}", "auth: {basic: optional}");
    assert!(error.starts_with("channel.yml:5:") && error.contains("`auth"), "{error}");
    let found = problems("cursor: {greatest_id: numeric}", "x: 1");
    assert!(found.len() == 2 && found[1].starts_with("channel.yml:22:"), "{found:?}");
    let error = problem("about: A toy.", "about: [");
    assert!(error.starts_with("channel.yml:"), "{error}");
    let error = problem("about: A toy.", "channel: toy");
    assert!(error.starts_with("channel.yml:2:") && error.contains("twice"), "{error}");
    let found = problems("  - scope: account\n", "  - cost: 1\n");
    assert!(found.iter().all(|error| error.contains("`limits[0]")), "{found:?}");
}

#[test]
fn semantic_errors_name_line_column_and_field() {
    for (from, to, expected) in [
        (
            "fastest: 15",
            "fastest: 7",
            "channel.yml:15:19: `service_levels.free.fastest`: `7` is not a cadence",
        ),
        (
            "fastest: 2,",
            "fastest: 120,",
            "channel.yml:14:17: `service_levels.professional`: the fastest cadence (120 minutes) is slower than the slowest",
        ),
        (
            "max_staleness: 1440",
            "max_staleness: 60",
            "channel.yml:15:53: `service_levels.free.max_staleness`: `60` is not between",
        ),
        (
            "id: .id",
            "id: .id |",
            "channel.yml:21:31: `job_types.posts.items.id`: is not a jq filter: expected term, found the end",
        ),
        (
            "\"{text}\"",
            "\"{text: nope(1)}\"",
            "`job_types.posts.items.data`: is not a jq filter: undefined filter `nope`",
        ),
        (
            "account.external_id",
            "acount.id",
            "`job_types.posts.request.path`: undefined variable `acount.id`",
        ),
        (
            "\"{{ cursor }}\"",
            "\"{{ curser }}\"",
            "`job_types.posts.request.query.since`: undefined variable `curser`",
        ),
        ("/posts\n", "/posts?x=1\n", "`job_types.posts.request.path`: has a `?`: parameters go to `query`"),
        (
            "path: /users/{{ account.external_id }}",
            "path: /users/{{ cursor }}",
            "`job_types.posts.request.path`: names `cursor`",
        ),
        (
            "https://api.example.com",
            "ftp://api.example.com",
            "channel.yml:3:11: `base_url`: its scheme is not http or https",
        ),
        ("https://api.example.com", "https://u:s3cret@x", "`base_url`: it has a user name or password"),
        ("base_url_per_account: allowed", "base_url_per_account: required", "`base_url`: is never used when"),
        (
            "Accept: application/json",
            "Authorization: x",
            "`headers.Authorization`: is set by the connector itself",
        ),
        ("Accept: application/json", "\"A b\": x", "`headers.A b`: `A b` is not the name of a header"),
        ("X-Left", "X Left", "`limits[0].headers.remaining`: `X Left` is not the name"),
        ("status: 403", "status: 200", "`errors[0].status`: 200 needs `body` or `body_contains`"),
        (
            "status: 403",
            "status: 302",
            "`errors[0].status`: `302` is none of 200, 400 to 599, `4xx` and `5xx`",
        ),
        ("type: toy.post", "type: toy post", "`job_types.posts.items.type`: `toy post` is not an event type"),
        ("limit: 3}", "limit: 0}", "`job_types.posts.pages.limit`: `0` is not between 1 and 50"),
        ("publish: 5", "publish: 0", "`job_types.posts.first_poll.publish`: `0` is not between"),
        ("channel: toy", "channel: Toy", "`channel`: "),
        ("  posts:", "  Posts:", "`job_types.Posts`: job type name"),
        ("base_url: https://api.example.com\n", "", "`base_url`: is missing"),
    ] {
        let found = problems(from, to);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{to}: {found:#?}");
        assert!(found.iter().all(|problem| problem.starts_with("channel.yml:")), "{found:#?}");
        assert!(!found.iter().any(|problem| problem.contains("s3cret")), "{found:#?}");
    }
}

#[test]
fn requests_auth_limits_and_errors_are_checked_too() {
    let request = "    request:\n      path: /users/{{ account.external_id }}/posts\n";
    let post = "    request:\n      method: POST\n      path: /users/{{ account.external_id }}/posts\n";
    let with_body = |body: &str| format!("{post}      body: {body}\n");
    let limit =
        "    headers: {remaining: X-Left, reset: {name: X-Reset, format: delta_seconds}}\n    cushion: 2\n";
    let auth = "auth: {bearer: optional}";
    let oauth = |terms: &str| format!("auth: {{oauth2: {{grant: refresh_token, {terms}}}}}");
    for (from, to, expected) in [
        (
            request,
            &*format!("{request}      body: {{form: {{a: b}}}}\n"),
            "request.body`: needs `method: POST`",
        ),
        (
            request,
            &with_body("{json: {a: [\"{{ nope }}\"]}}"),
            "request.body.json.a[0]`: undefined variable `nope`",
        ),
        (
            request,
            &with_body("{graphql: {query: \"{{ target }}\"}}"),
            "request.body.graphql.query`: has a template",
        ),
        (
            request,
            &format!("{request}      url: \"{{{{ target }}}}\"\n"),
            "request.path`: has no use beside `url`",
        ),
        (request, "    request:\n", "request.path`: is missing"),
        (request, "    request:\n      url: \"https://{{ target }}\"\n", "request.url`: is not one variable"),
        (request, &format!("{request}      cost: 0\n"), "request.cost`: `0` is not between 1 and 10000"),
        (
            "\"{{ cursor }}\"",
            "\"{{ credentials.token }}\"",
            "request.query.since`: names `credentials.token`, and URLs",
        ),
        (
            "\"{{ cursor }}\"",
            "\"{{ credential.token }}\"",
            "undefined variable `credential.token`: did you mean `credentials`?",
        ),
        ("path: /users", "path: /{{ page }}", "request.path`: names `page`"),
        ("Accept: application/json", "X-Who: \"{{ who }}\"", "`headers.X-Who`: undefined variable `who`"),
        (auth, "auth: nine", "`auth`: `nine` is neither `none` nor a map"),
        (auth, "auth: {bearer: optional, send: basic}", "`auth.bearer`: is short for"),
        (auth, "auth: {send: {header: \"A B\"}}", "`auth.send.header`: `A B` is not the name"),
        (auth, "auth: {send: {header: Host}}", "`auth.send.header`: is set by the connector itself"),
        (
            auth,
            &oauth("token_url: \"http://example.com/t\""),
            "`auth.oauth2.token_url`: its scheme is not https",
        ),
        (auth, &oauth("token_url: \"https://u:s3cret@x\""), "`auth.oauth2.token_url`: it has a user name"),
        (
            auth,
            &oauth("token_url: \"https://x\", scopes: [a b]"),
            "`auth.oauth2.scopes[0]`: is not one scope",
        ),
        (
            auth,
            "auth: {from: account, oauth2: {grant: client_credentials, token_url: \"https://x\"}}",
            "`auth.from`: `account` cannot be",
        ),
        (limit, "", "`limits[0]`: tells of nothing"),
        (limit, "    calls: 5\n", "`limits[0].window_seconds`: is missing"),
        (
            limit,
            "    calls: 5\n    window_seconds: 60\n    cushion: 5\n",
            "`limits[0].cushion`: 5 of 5 calls are left unused",
        ),
        (
            limit,
            "    scope_without_token: host\n    calls: 5\n    calls_without_token: 2\n    window_seconds: 60\n    cushion: 2\n",
            "`limits[0].calls_without_token`: is 2, of which the cushion of 2 leaves none",
        ),
        (
            limit,
            &format!("{limit}    calls_without_token: 60\n"),
            "`limits[0].calls_without_token`: has no use without `calls`",
        ),
        (
            limit,
            "    calls: 5\n    calls_without_token: 2\n    window_seconds: 60\n",
            "`limits[0].calls_without_token`: needs a `scope_without_token`",
        ),
        (limit, &format!("{limit}    ratelimit: any\n"), "`limits[0]`: has several of"),
        (limit, "    body: {remaining: .a |}\n", "`limits[0].body.remaining`: is not a jq filter"),
        (
            limit,
            "    body: {remaining: .a, format: iso8601}\n",
            "`limits[0].body.format`: has no use without `reset`",
        ),
        (
            limit,
            "    cushion: 100\n    usage: {header: X-U, percents: [a]}\n",
            "`limits[0].cushion`: is in percent",
        ),
        (limit, "    usage: {header: X-U, percents: []}\n", "`limits[0].usage.percents`: is empty"),
        (
            "outcome: rate_limited",
            "outcome: gone, scope: account",
            "`errors[0].scope`: has a use with `outcome: rate_limited` only",
        ),
        ("outcome: rate_limited", "outcome: gone, wait: {body: .w}", "`errors[0].wait`: has a use with"),
        ("outcome: rate_limited", "outcome: gone, body: .a ==", "`errors[0].body`: is not a jq filter"),
        ("status: 403", "status: [403, 6xx]", "`errors[0].status`: `6xx` is none of"),
        (
            "[X-Poll-Interval, Cache-Control]",
            "[feed_ttl]",
            "`job_types.posts.floor[0]`: has a use with a feed only",
        ),
        (
            "[X-Poll-Interval, Cache-Control]",
            "[{body: \"a b\"}]",
            "`job_types.posts.floor[0].body`: is not a jq filter",
        ),
    ] {
        let found = problems(from, to);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{to}: {found:#?}");
        assert!(found.iter().all(|problem| problem.starts_with("channel.yml:")), "{found:#?}");
        assert!(!found.iter().any(|problem| problem.contains("s3cret")), "{found:#?}");
    }
}

#[test]
fn a_problem_deep_in_a_map_that_may_be_a_word_keeps_its_place_and_name() {
    let error = problem("auth: {bearer: optional}", "auth: {send: bearer, oauth: 1}");
    assert!(error.starts_with("channel.yml:5:") && error.contains("unknown field `oauth`"), "{error}");
    let error = problem("type: toy.post", "type: {jq: [1]}");
    assert!(error.starts_with("channel.yml:21:") && error.contains("`job_types.posts.items.type"), "{error}");
    let error = problem("status: 403", "status: {a: 1}");
    assert!(
        error.starts_with("channel.yml:12:")
            && error.contains("`errors[0].status`: is a map: write one of `4xx`, `5xx`"),
        "{error}"
    );
}

#[test]
fn all_problems_of_all_files_come_at_once_in_the_order_of_their_lines() {
    let broken =
        GOOD.replace("fastest: 15", "fastest: 7").replace("id: .id,", "id: .id |,").replace("https:", "ftp:");
    let found = load(&broken).map(drop).unwrap_err();
    let lines: Vec<_> = found.iter().filter_map(|problem| problem.split(':').nth(1)).collect();
    assert_eq!(lines, ["3", "15", "21"]);
}

#[test]
fn an_application_limit_needs_a_host_that_the_channel_chose() {
    let own_hosts = GOOD
        .replace("base_url: https://api.example.com\n", "")
        .replace("base_url_per_account: allowed", "base_url_per_account: required")
        .replace("scope: account", "scope: application");
    let found = load(&own_hosts).map(drop).unwrap_err();
    assert!(found[0].contains("`limits[0].scope`: `application` cannot be the scope"), "{found:?}");
}

#[test]
fn requests_without_a_token_have_a_limit_of_their_own() {
    let limit = "  - scope: account\n";
    let both = GOOD.replace(
        limit,
        "  - scope: account\n    scope_without_token: application\n    calls: 5000\n    calls_without_token: 60\n    window_seconds: 3600\n",
    );
    let catalog = load(&both).unwrap().catalog();
    let spec = catalog.get(&JobTypeId::new("toy/posts").unwrap()).unwrap();
    // The cushion is 2. An account's own limit is no budget.
    let [budget] = &*spec.budgets else { panic!("{:?}", spec.budgets) };
    assert_eq!((budget.counted, &budget.scope), (Counted::WithoutToken, &BudgetScope::Application));
    assert_eq!((budget.units(), budget.window_seconds), (58, 3600));
}

#[test]
fn limits_that_are_counted_together_say_the_same() {
    let own = |scope: &str, calls: u32, window: u32| {
        let limits =
            "limits:\n  - {scope: application, calls: 6000, window_seconds: 3600}\n  - scope: account\n";
        let own = format!(
            "    limits: [{{scope: {scope}, calls: {calls}, window_seconds: {window}}}]\n    request:\n"
        );
        load(&GOOD.replace("limits:\n  - scope: account\n", limits).replace("    request:\n", &own))
    };
    let found = own("application", 600, 3600).map(drop).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("`job_types.posts.limits[0]`: shares its scope and its window with `limits[0]`"),
        "{found:?}"
    );
    for (scope, calls, window) in
        [("application", 6000, 3600), ("application", 600, 60), ("endpoint", 600, 3600)]
    {
        assert!(own(scope, calls, window).is_ok(), "{scope} {calls} {window}");
    }
}

#[test]
fn folders_without_channels_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let error = ChannelSet::load(folder.path()).map(drop).unwrap_err().to_string();
    assert!(error.ends_with("has no `channel.yml` and no folder with one"), "{error}");
    let error = ChannelSet::load(&folder.path().join("x")).map(drop).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn accounts_are_checked_against_their_channel() {
    let channels = load(&GOOD.replace("bearer: optional", "bearer: required")).unwrap();
    let check = |change: fn(&mut JobRow), token| {
        let mut row = sample::row("42", "{}");
        row.job.job_type = JobTypeId::new("toy/posts").unwrap();
        row.subject.base_url = None;
        change(&mut row);
        channels.check_account(&row, token).map_err(|problem| problem.to_string())
    };
    assert_eq!(check(|_| {}, Token::Present), Ok(()));
    assert_eq!(check(|_| {}, Token::Absent).unwrap_err(), "channel `toy` needs a `token`");
    let error =
        check(|row| row.job.job_type = JobTypeId::new("toy/likes").unwrap(), Token::Present).unwrap_err();
    assert_eq!(error, "channel `toy` has no job type `likes`: its job types are posts");
    let error =
        check(|row| row.job.job_type = JobTypeId::new("toi/posts").unwrap(), Token::Present).unwrap_err();
    assert_eq!(error, "there is no channel `toi`: the channels are toy");
    let error = check(|row| row.subject.base_url = Some("https://u:s3cret@x".to_owned()), Token::Present)
        .unwrap_err();
    assert!(error.starts_with("`base_url`: it has a user name") && !error.contains("s3cret"));
    let error = check(|row| row.subject.external_id = "..".to_owned(), Token::Present).unwrap_err();
    assert!(error.contains("`account.external_id` cannot stand in the request's path"));
}

#[test]
fn a_url_that_is_none_is_the_fault_of_the_field_that_it_comes_from() {
    let channels = load(
        &GOOD
            .replace("path: /users/{{ account.external_id }}/posts", "url: \"{{ account.external_id }}\"")
            .replace("auth: {bearer: optional}", "auth: none")
            .replace("base_url: https://api.example.com\nbase_url_per_account: allowed\n", ""),
    )
    .unwrap();
    let mut row = sample::row("not a url", "{}");
    row.job.job_type = JobTypeId::new("toy/posts").unwrap();
    let problem = channels.check_account(&row, Token::Absent).unwrap_err();
    assert!(matches!(problem, AccountProblem::Url { field: Some("external_id"), .. }), "{problem:?}");
    assert!(problem.to_string().starts_with("`account.external_id` is no URL to poll"), "{problem}");
}

#[test]
fn what_the_yaml_reader_refuses_is_said_in_terms_of_the_file() {
    for (from, to, expected) in [
        (
            "about: A toy.",
            "about: A toy.\nabout: Two.",
            "channel.yml:3:1: `about`: the key `about` stands twice: remove one",
        ),
        ("cushion: 2", "cushion: -2", "is not a whole number from 0 to 18446744073709551615"),
        ("cushion: 2", "cushion: many", "is not a whole number from 0 to 18446744073709551615"),
        ("fastest: 2,", "fastest: 70000,", "is not a whole number from 0 to 65535"),
        ("limit: 3}", "limit: some}", "is not a whole number from 0 to 4294967295"),
    ] {
        let found = problem(from, to);
        assert!(found.contains(expected), "{expected} in {found}");
    }
    let found = load(&format!("{GOOD}---\n{GOOD}")).unwrap_err();
    assert!(found[0].contains("several YAML documents: keep one"), "{found:?}");
    for empty in ["", "\n", "# Nothing yet.\n"] {
        let found = load(empty).unwrap_err();
        assert!(found.len() == 1 && found[0].contains("is empty"), "{found:?}");
    }
}

#[test]
fn a_context_that_no_poll_could_start_from_is_refused() {
    let channels = load(GOOD).unwrap();
    let check = |context: &str| {
        let mut row = sample::row("42", context);
        row.job.job_type = JobTypeId::new("toy/posts").unwrap();
        channels.check_account(&row, Token::Absent).map_err(|problem| problem.to_string())
    };
    for good in ["{}", r#"{"n":1}"#, r#"{"poll":null}"#, r#"{"poll":{"cursor":"12"}}"#] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for (bad, expected) in [
        (r#"{"poll":{"cursor":5}}"#, "`context.poll`: cannot be read"),
        (r#"{"poll":"12"}"#, "`context.poll`: cannot be read"),
        (r#"{"poll":{"cursor":"abc"}}"#, "`context.poll.cursor`: is not an id"),
    ] {
        assert!(check(bad).unwrap_err().contains(expected), "{bad}");
    }
}
