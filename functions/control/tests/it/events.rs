//! Events of the bus that stand for commands.

use serde_json::{Value, json};

use crate::fixture::{Deployment, line};

fn event(kind: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "source": "com.example.accounts", "account": "123456789012",
        "time": "2026-11-23T07:45:00Z", "region": "eu-west-1", "resources": [],
        "detail-type": kind, "detail": detail,
    })
}

#[tokio::test]
async fn an_account_comes_changes_and_leaves_by_events() {
    let deployment = Deployment::new();
    deployment.answer(&event("account.connected", &line("a1"))).await;
    assert!(deployment.row("a1").await.is_some());
    let level = json!({"account_id": "a1", "channel": "mastodon", "service_level": "enterprise"});
    deployment.answer(&event("account.plan_changed", &level)).await;
    assert_eq!(deployment.row("a1").await.unwrap().level.as_str(), "enterprise");
    let leaving = event("account.disconnected", &json!({"account_id": "a1", "channel": "mastodon"}));
    for removed in [1, 0] {
        assert_eq!(deployment.answer(&leaving).await, json!({"removed": removed}));
    }
    assert!(deployment.function.vault.token("a1").is_none());
}

#[tokio::test]
async fn an_event_that_is_refused_fails_so_that_it_is_not_gone() {
    let deployment = Deployment::new();
    for (event, expected) in [
        (
            event("account.connected", &json!({"account_id": "a1"})),
            "`channel` is missing; `external_id` is missing",
        ),
        (event("account.renamed", &json!({})), "`detail-type` is none that this function serves"),
        (event("account.connected", &json!("a1")), "`detail` is not a JSON object"),
        (json!({"detail-type": "account.connected"}), "`detail` is missing"),
        (
            event(
                "account.plan_changed",
                &json!({"account_id": "a1", "channel": "mastodon", "service_level": "free"}),
            ),
            "account `a1` has no such job on `mastodon`",
        ),
    ] {
        let error = deployment.invoke(&event).await.unwrap_err();
        assert!(error.starts_with("the event is refused: ") && error.contains(expected), "{error}");
    }
}
