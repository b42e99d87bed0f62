//! Commands that cannot be done as they stand: named by their fields, with nothing changed.

use serde_json::{Value, json};

use crate::fixture::{Deployment, command, line};

fn without(mut fields: Value, field: &str) -> Value {
    fields[field] = Value::Null;
    fields
}

#[tokio::test]
async fn r32_every_refusal_names_its_field_and_changes_nothing() {
    let deployment = Deployment::new();
    let cases = [
        (json!({}), "command is missing: use one of `register`, `change`"),
        (json!({"command": 7}), "command must be a string"),
        (json!({"command": "registr"}), "command there is no command `registr`"),
        (json!({"command": "registr"}), "did you mean `register`?"),
        (command("register", &json!({})), "account_id is missing\nchannel is missing"),
        (command("register", &without(line("a1"), "base_url")), "base_url channel `mastodon` needs one"),
        (
            command("register", &json!({"account_id": "a1", "tokn": "planted-s3cret"})),
            "- there is no field `tokn`, the fields are account_id,",
        ),
        (command("show", &json!({"account_id": "a1"})), "job_type is missing: name one, or a `channel`"),
        (
            command(
                "show",
                &json!({"account_id": "a1", "channel": "mastodon", "job_type": "mastodon/statuses"}),
            ),
            "channel is part of `job_type` already",
        ),
        (
            command("show", &json!({"account_id": "a1", "channel": "mastodon", "target": "x"})),
            "target belongs to one job type",
        ),
        (command("show", &json!({"account_id": "a\u{0}", "channel": "mastodon"})), "account_id account id"),
        (
            command("show", &json!({"account_id": "a1", "channel": "mastodon"})),
            "account_id account `a1` has no such job",
        ),
        (command("poll_now", &json!({"account_id": "a1", "channel": "mastodon"})), "register it first"),
        (command("unpark", &json!({"account_id": "a1", "channel": "mastodon"})), "register it first"),
        (
            command("change", &json!({"account_id": "a1", "channel": "mastodn", "service_level": "free"})),
            "channel there is no channel `mastodn`, there is `bluesky`, `facebook`, `feed`, `github`, `hackernews`, `mastodon`, `reddit`, `x`, `youtube`: did you mean `mastodon`?",
        ),
        (
            command("change", &json!({"account_id": "a1", "channel": "mastodon", "service_level": "free"})),
            "account_id account `a1` has no such job on `mastodon`",
        ),
        (command("pause", &json!({})), "channel is missing: name one, or a `job_type`"),
        (command("pause", &json!({"channel": "mastodn"})), "did you mean `mastodon`?"),
        (
            command("resume", &json!({"job_type": "mastodon/status"})),
            "job_type there is no job type `mastodon/status`",
        ),
        (command("list", &json!({"limit": 0})), "limit must be a number from 1 to 1000"),
        (command("list", &json!({"account_id": "a1", "limit": 5})), "account_id lists all of an account"),
        (command("import", &json!({"bucket": "b"})), "key is missing"),
        (
            command("import", &json!({"bucket": "b", "key": "k", "from": {"line": "planted-s3cret"}})),
            "from is not the `next` of an earlier answer",
        ),
    ];
    for (event, expected) in cases {
        let refused = deployment.refusal(&event).await;
        assert!(refused.contains(expected), "{event}\nexpected {expected}\nin {refused}");
        assert!(!refused.contains("planted"), "a secret got out: {refused}");
    }
    assert_eq!(deployment.journal(), [] as [String; 0]);
}

#[tokio::test]
async fn a_level_that_the_channel_does_not_have_is_refused_with_those_it_has() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let change = json!({"account_id": "a1", "channel": "mastodon", "service_level": "gold"});
    let refused = deployment.refusal(&command("change", &change)).await;
    assert!(
        refused.contains("service_level of channel `mastodon`: there is no service level `gold`"),
        "{refused}"
    );
    assert_eq!(deployment.row("a1").await.unwrap().level.as_str(), "free");
}

#[tokio::test]
async fn an_address_in_a_private_network_is_refused_by_the_setting_that_allows_it() {
    let deployment = Deployment::new();
    let mut private = line("a1");
    private["base_url"] = "https://10.0.0.1".into();
    let refused = deployment.refusal(&command("register", &private)).await;
    assert!(refused.contains("`POLLWHEEL_PRIVATE_ADDRESSES=allowed` allows requests to it"), "{refused}");
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let deployment = Deployment::new();
    for event in [json!([]), json!("register"), json!(null)] {
        assert!(deployment.refusal(&event).await.contains("the event is not a JSON object"), "{event}");
    }
}
