use crate::channel::{ChannelErrors, ChannelSet};

const GOOD: &str = r#"channel: toy
about: A toy.
base_url: https://api.example.com
auth: {send: bearer, oauth2: {grant: refresh_token, token_url: "https://api.example.com/token", scopes: [read, write]}}
limits:
  - {scope: account, calls: 100, window_seconds: 900, cushion: 5, headers: {remaining: X-Left}}
service_levels:
  professional: {fastest: 10, slowest: 60}
  free: {fastest: 15, slowest: 1440}
job_types:
  posts:
    oauth_scopes: [read]
    request: {path: /posts, query: {limit: 40}, cost: 2}
    items: {list: ., id: .id, type: toy.post, data: .}
    cursor: {greatest_id: numeric}
    pages: {follow: link_header}
"#;

/// The warnings of the good file after a change, without the name of the folder.
fn warnings(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("toy")).unwrap();
    std::fs::write(folder.path().join("toy/channel.yml"), GOOD.replace(from, to)).unwrap();
    let channels = ChannelSet::load(folder.path()).map_err(|ChannelErrors(found)| found).unwrap();
    let prefix = format!("{}/toy/", folder.path().display());
    channels.warnings().map(|warning| warning.to_string().replace(&prefix, "")).collect()
}

#[test]
fn a_good_file_has_no_warnings() {
    assert_eq!(warnings("toy", "toy"), Vec::<String>::new());
}

#[test]
fn what_is_probably_not_meant_is_said_with_its_place() {
    for (from, to, expected) in [
        ("cost: 2", "cost: 200", "`job_types.posts.request.cost`: one request takes more than the 95"),
        (
            "oauth_scopes: [read]",
            "oauth_scopes: [reed]",
            "channel.yml:12:20: warning: `job_types.posts.oauth_scopes[0]`: `reed` is not among `auth.oauth2.scopes`: did you mean `read`?",
        ),
        (
            "    pages: {follow: link_header}\n",
            "",
            "`job_types.posts.request.query.limit`: asks for a page of a list",
        ),
        ("path: /posts", "path: //api.example.com/posts", "`job_types.posts.request.path`: starts with `//`"),
        ("link_header}", "link_header, limit: 1}", "`job_types.posts.pages.limit`: is one page in a poll"),
        (
            "    pages",
            "    service_levels: {free: {fastest: 15, slowest: 1440}}\n    pages",
            "`job_types.posts.service_levels.free`: says the same",
        ),
        (
            "{scope: account, c",
            "{scope: token, c",
            "`limits[0].scope`: `token` counts the application's tokens",
        ),
        (
            "{scope: account, c",
            "{scope: account, scope_without_token: host, c",
            "`limits[0].scope_without_token`: has no use",
        ),
        (
            "{scope: account, c",
            "{scope: account, scope_without_token: host, calls_without_token: 60, c",
            "`limits[0].calls_without_token`: has no use",
        ),
        (
            "grant: refresh_token",
            "grant: client_credentials",
            "`limits[0].scope`: `account`, but requests carry",
        ),
    ] {
        let found = warnings(from, to);
        assert!(found.iter().any(|warning| warning.contains(expected)), "{to}: {found:#?}");
        assert!(found.iter().all(|warning| warning.starts_with("channel.yml:")), "{found:#?}");
    }
}

#[test]
fn secrets_unreached_rules_and_limits_that_nobody_keeps_are_told() {
    let rules = |list: &str| format!("errors: [{list}]\nservice_levels:\n");
    let query = |query: &str| format!("query: {{{query}, limit: 40}}");
    for (from, to, expected) in [
        (
            "https://api.example.com\n",
            "http://api.example.com\n",
            "channel.yml:3:11: warning: `base_url`: is plain http",
        ),
        (
            "query: {limit: 40}",
            &*query("api_key: abcdef0123456789"),
            "`job_types.posts.request.query.api_key`: looks like a secret",
        ),
        (
            "limits:\n",
            "headers: {X-Api-Key: abcdef0123456789}\nlimits:\n",
            "channel.yml:5:22: warning: `headers.X-Api-Key`: looks like",
        ),
        (
            "service_levels:\n",
            &*rules(
                "{status: 403, outcome: gone}, {status: 403, body_contains: slow, outcome: rate_limited}",
            ),
            "channel.yml:7:40: warning: `errors[1]`: is never reached: `errors[0]` has no condition",
        ),
        (
            "service_levels:\n",
            &*rules(
                "{status: [4xx, 500], outcome: gone}, {status: [403, 500], header: X-A, outcome: rate_limited}",
            ),
            "`errors[1]`: is never reached",
        ),
        (
            ", cushion: 5, headers: {remaining: X-Left}}",
            "}\n  - {scope: host, calls: 3, window_seconds: 900}",
            "warning: `job_types.posts`: shares a limit of 3 in 900 seconds, and a request takes up to 2: too few",
        ),
    ] {
        let found = warnings(from, to);
        assert!(found.len() == 1 && found[0].contains(expected), "{to}: {found:#?}");
    }
    for (from, to) in [
        ("https://api.example.com\n", "http://127.0.0.1:8080\n"),
        ("query: {limit: 40}", &*query("sort_key: created_at, key: name")),
        ("limits:\n", "headers: {X-Api-Key: \"{{ application.key }}\"}\nlimits:\n"),
        (
            "service_levels:\n",
            &*rules(
                "{status: 403, header: X-A, outcome: gone}, {status: 4xx, outcome: gone}, {status: 500, outcome: gone}",
            ),
        ),
        ("service_levels:\n", &*rules("{status: 403, outcome: gone}, {status: 4xx, outcome: bad_response}")),
    ] {
        assert_eq!(warnings(from, to), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn a_limit_that_cannot_bear_the_fastest_cadence_is_told() {
    let limit = "calls: 100, window_seconds: 900, cushion: 5";
    let enough = warnings(limit, "calls: 10, window_seconds: 900, cushion: 5");
    assert!(enough.is_empty(), "two polls of 2 fit into 5: {enough:?}");
    let found = warnings(limit, "calls: 8, window_seconds: 900, cushion: 5");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(
            "channel.yml:8:27: warning: `service_levels.professional.fastest`: an account that is polled at its fastest needs 4 in 900 seconds, and `limits[0]` allows 3"
        ),
        "{found:?}"
    );
}

#[test]
fn a_job_type_without_any_limit_is_told() {
    let limits = "limits:\n  - {scope: account, calls: 100, window_seconds: 900, cushion: 5, headers: {remaining: X-Left}}\n";
    let found = warnings(limits, "");
    assert!(found.iter().any(|warning| warning.contains("`job_types.posts`: has no `limits`")), "{found:#?}");
    assert!(found.iter().any(|warning| warning.contains("cost`: has no use without `limits`")), "{found:#?}");
}
