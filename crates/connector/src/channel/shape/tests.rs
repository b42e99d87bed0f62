use std::path::Path;

use crate::channel::problem::Problems;
use crate::channel::{ChannelErrors, ChannelSet};

const GOOD: &str = r#"channel: toy
about: A toy.
base_url: https://api.example.com
auth: {bearer: optional}
limits:
  - scope: account
    calls: 300
    window_seconds: 300
errors:
  - {status: 403, outcome: rate_limited}
service_levels:
  free:
    fastest: 15
    slowest: 1440
job_types:
  posts:
    request:
      path: /posts
      query:
        limit: 40
        since: "{{ cursor }}"
    items:
      list: .posts
      id: .id
      type: toy.post
      data: "{text}"
    cursor: {greatest_id: numeric}
    pages:
      follow: {max_id: before}
    first_poll: {publish: 5}
    floor: [X-Poll-Interval]
"#;

fn found(text: &str) -> Vec<String> {
    let loaded = ChannelSet::of_text(Path::new("toy/channel.yml"), text);
    let ChannelErrors(problems) = loaded.map(drop).unwrap_err();
    problems.iter().map(|problem| problem.to_string().replace("toy/channel.yml:", "")).collect()
}

/// Every likely mistake, and all that is said of it.
#[test]
fn likely_mistakes_are_said_in_plain_words_with_their_place_and_field() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "base_url: https",
            "baseurl: https",
            &["3:1: `baseurl`: unknown field `baseurl`: did you mean `base_url`?"],
        ),
        (
            "scope: account",
            "scope: acount",
            &[
                "6:12: `limits[0].scope`: `acount` is not one of `account`, `application`, `token`, `host`, `endpoint`: did you mean `account`?",
            ],
        ),
        (
            "greatest_id: numeric",
            "greatest_id: no",
            &[
                "27:27: `job_types.posts.cursor.greatest_id`: `false` is not one of `numeric`, `lexicographic`",
            ],
        ),
        (
            "\"{{ cursor }}\"",
            "{{ cursor }}",
            &[
                r#"21:9: `job_types.posts.request.query.since`: begins with `{{`, which is a map to YAML: write it in quotes, `"{{ cursor }}"`"#,
            ],
        ),
        ("id: .id", "id:", &["24:7: `job_types.posts.items.id`: is empty: write a text"]),
        (
            "{greatest_id: numeric}",
            "{greatest_id: numeric, time: {}}",
            &["27:36: `job_types.posts.cursor`: has `greatest_id`, `time` at once: keep one"],
        ),
        (
            "{greatest_id: numeric}",
            "time",
            &["27:13: `job_types.posts.cursor`: `time` needs a value: write `{time: {}}`"],
        ),
        (
            "{greatest_id: numeric}",
            "{greatest: numeric}",
            &[
                "27:14: `job_types.posts.cursor.greatest`: unknown field `greatest`: it has `greatest_id`, `time`, `seen`, `token`",
            ],
        ),
        (
            "{greatest_id: numeric}",
            "{}",
            &[
                "27:5: `job_types.posts.cursor`: is empty: write a map of one of `greatest_id`, `time`, `seen`, `token`",
            ],
        ),
        (
            "{greatest_id: numeric}",
            "",
            &[
                "27:5: `job_types.posts.cursor`: is empty: write a map of one of `greatest_id`, `time`, `seen`, `token`",
            ],
        ),
        (
            "{greatest_id: numeric}",
            "[time]",
            &[
                "27:5: `job_types.posts.cursor`: is a list: write a map of one of `greatest_id`, `time`, `seen`, `token`",
            ],
        ),
        (
            "{max_id: before}",
            "page",
            &[
                "29:15: `job_types.posts.pages.follow`: `page` needs a value: write `{page: {parameter: ...}}`",
            ],
        ),
        (
            "{max_id: before}",
            "{page: nr}",
            &["29:22: `job_types.posts.pages.follow.page`: `nr` is not a map like `{parameter: ...}`"],
        ),
        (
            "{max_id: before}",
            "link-header",
            &[
                "29:15: `job_types.posts.pages.follow`: `link-header` is not one of `link_header`, `token`, or a map of one of `max_id`, `cursor`, `url`, `page`, `offset`: did you mean `link_header`?",
            ],
        ),
        (
            "{max_id: before}",
            "{link_header: yes}",
            &[
                "29:16: `job_types.posts.pages.follow.link_header`: stands alone: write `link_header` without a `:`",
            ],
        ),
        (
            "[X-Poll-Interval]",
            "X-Poll-Interval",
            &["31:12: `job_types.posts.floor`: `X-Poll-Interval` is not a list: write `[X-Poll-Interval]`"],
        ),
        ("limit: 40", "limit:", &["20:9: `job_types.posts.request.query.limit`: is empty: write a text"]),
        (
            "{publish: 5}",
            "publish",
            &["30:17: `job_types.posts.first_poll`: `publish` needs a value: write `{publish: 1}`"],
        ),
        (
            "{publish: 5}",
            "{publish: many}",
            &[
                "30:27: `job_types.posts.first_poll.publish`: `many` is not a whole number from 0 to 4294967295",
            ],
        ),
        (
            "{publish: 5}",
            "seeds",
            &[
                "30:17: `job_types.posts.first_poll`: `seeds` is not `seed`, or a map like `{publish: 1}`: did you mean `seed`?",
            ],
        ),
        (
            "about: A toy.\n",
            "",
            &["1:1: `about`: is missing: write `about: ...` (What it is, in a sentence)"],
        ),
        (
            "auth: {bearer: optional}\n",
            "",
            &["1:1: `auth`: is missing: write `auth: none` (How requests authenticate)"],
        ),
        (
            "      id: .id\n",
            "",
            &[
                "22:5: `job_types.posts.items.id`: is missing: write `id: ...` (jq, on an element: a string or number. Every element must have one)",
            ],
        ),
        (
            "      id: .id\n",
            "      ids: .id\n",
            &["24:7: `job_types.posts.items.ids`: unknown field `ids`: did you mean `id`?"],
        ),
        (
            "data: \"{text}\"",
            "data: {text}",
            &["26:7: `job_types.posts.items.data`: is a map: write a text, in quotes"],
        ),
        (
            "data: \"{text}\"",
            "data: [.text]",
            &["26:7: `job_types.posts.items.data`: is a list: write a text, in quotes"],
        ),
        (
            "calls: 300",
            "calls: -3",
            &["7:12: `limits[0].calls`: `-3` is not a whole number from 0 to 18446744073709551615"],
        ),
        (
            "calls: 300",
            "calls: 1.5",
            &["7:12: `limits[0].calls`: `1.5` is not a whole number from 0 to 18446744073709551615"],
        ),
        (
            "  - scope: account\n    calls: 300\n    window_seconds: 300\n",
            "  scope: account\n",
            &["5:1: `limits`: is a map: write a list, each element after a `-`"],
        ),
        (
            "outcome: rate_limited",
            "outcome: ratelimited",
            &[
                "10:28: `errors[0].outcome`: `ratelimited` is not one of `rate_limited`, `unauthorized`, `gone`, `server_error`, `bad_response`, `unchanged`: did you mean `rate_limited`?",
            ],
        ),
        (
            "status: 403",
            "status: {a: 1}",
            &[
                "10:6: `errors[0].status`: is a map: write one of `4xx`, `5xx`, or a whole number from 400 to 599, or a list, each element after a `-`",
            ],
        ),
        (
            "{status: 403, outcome: rate_limited}",
            "{status: 403}",
            &[
                "10:5: `errors[0].outcome`: is missing: write `outcome: rate_limited` (What the response comes to)",
            ],
        ),
        (
            "bearer: optional",
            "bearer: maybe",
            &["4:16: `auth.bearer`: `maybe` is not one of `optional`, `required`"],
        ),
        (
            "{bearer: optional}",
            "{basic: optional}",
            &[
                "4:8: `auth.basic`: unknown field `basic`: it has `bearer`, `from`, `need`, `oauth2`, `send`, `none`",
            ],
        ),
        (
            "{bearer: optional}",
            "bearer",
            &["4:7: `auth`: `bearer` is neither `none` nor a map like `{send: bearer}`"],
        ),
        (
            "{bearer: optional}",
            "",
            &["4:1: `auth`: is empty: write `none`, or a map like `{bearer: optional}`"],
        ),
        (
            "      path: /posts\n",
            "      path: /posts\n      body: {json: {}, form: {}}\n",
            &["19:24: `job_types.posts.request.body`: has `json`, `form` at once: keep one"],
        ),
        (
            "      path: /posts\n",
            "      path: /posts\n      body: {graphql: \"{a}\"}\n",
            &["19:23: `job_types.posts.request.body.graphql`: `{a}` is not a map like `{query: ...}`"],
        ),
        (
            "      path: /posts\n",
            "      path: /posts\n      body: {json: {a: {{ cursor }}}}\n",
            &[
                r#"19:21: `job_types.posts.request.body.json.a`: begins with `{{`, which is a map to YAML: write it in quotes, `"{{ cursor }}"`"#,
            ],
        ),
        (
            "      path: /posts\n",
            "      path: /posts\n      method: get\n",
            &[
                "19:15: `job_types.posts.request.method`: `get` is not one of `GET`, `POST`: did you mean `GET`?",
            ],
        ),
        (
            "  free:\n    fastest: 15\n    slowest: 1440\n",
            "  free: 15\n",
            &["12:9: `service_levels.free`: `15` is not a map like `{fastest: 1, slowest: 1}`"],
        ),
        (
            "    fastest: 15\n",
            "    fastest: fast\n",
            &["13:14: `service_levels.free.fastest`: `fast` is not a whole number from 0 to 65535"],
        ),
        (
            "    cursor:",
            "    conditional: maybe\n    cursor:",
            &["27:18: `job_types.posts.conditional`: `maybe` is not `true` or `false`"],
        ),
        (
            "  posts:\n",
            "  posts:\n  likes:\n",
            &[
                "16:3: `job_types.posts.request`: is missing: write `request: {}` (What is asked)",
                "16:3: `job_types.posts.items`: is missing: write `items: {id: ..., type: ..., data: ...}` (Where items are in a response)",
                "16:3: `job_types.posts.cursor`: is missing: write `cursor: {greatest_id: numeric}` (How a poll knows what is new)",
            ],
        ),
        (
            "job_types:\n  posts:\n",
            "job_types:\n  - posts:\n",
            &["15:1: `job_types`: is a list: write a map like `{NAME: ...}`"],
        ),
    ];
    for (from, to, expected) in cases {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(found(&GOOD.replacen(from, to, 1)), *expected, "{from} became {to}");
    }
}

#[test]
fn mistakes_of_shape_come_all_at_once() {
    let broken = GOOD
        .replace("base_url: https", "baseurl: https")
        .replace("scope: account", "scope: acount")
        .replace("greatest_id: numeric", "greatest_id: digits")
        .replace("  posts:\n", "  likes: {}\n  posts:\n");
    let found = found(&broken);
    let lines: Vec<_> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
    assert_eq!(lines, ["3", "6", "16", "16", "16", "28"], "{found:#?}");
}

#[test]
fn what_is_no_yaml_is_said_with_its_place() {
    for (from, to, expected) in [
        ("about: A toy.", "about: [", "4:5: a `[` or `{` before this is not closed"),
        ("about: A toy.", "about: A toy: small", "2:13: a `:` stands where no field can be"),
        ("  free:\n", "  free\n", "13:12: a `:` stands where no field can be"),
        ("    fastest: 15", "    fastest:15", "14:12: a `:` stands where no field can be"),
        ("  - scope", "\t- scope", "6:2: a tab stands in the indentation"),
    ] {
        let found = found(&GOOD.replacen(from, to, 1));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{to}: {found:?}");
    }
}

/// What the schema allows and the structs refuse, and the reverse, would go unsaid or be said wrongly.
#[test]
fn files_that_read_have_no_mistake_of_shape() {
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../channels")).unwrap();
    let files = folders.map(|entry| entry.unwrap().path().join("channel.yml")).filter(|file| file.is_file());
    let texts: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(texts.len() >= 2);
    for text in texts.iter().map(String::as_str).chain([GOOD]) {
        let mut problems = Problems::of(Path::new("channel.yml"));
        super::check(text, &mut problems).unwrap();
        assert!(problems.is_empty(), "{:#?}", problems.into_sorted());
    }
}
