//! Nothing that the function writes holds a token.

use serde_json::json;

use crate::fixture::{Deployment, TOKEN, command, line};
use crate::log;

#[tokio::test(start_paused = true)]
async fn r28_a_token_is_in_no_log_no_metric_and_no_answer() {
    let deployment = Deployment::new();
    // The token where it belongs, and in every field that is not a name or an id.
    let misplaced = json!({"account_id": "a2", "channel": "mastodon", "service_level": "free", "context": TOKEN, "base_url": TOKEN});
    deployment
        .function
        .objects
        .replace(format!("{}\n{misplaced}\n{{\"token\": {TOKEN}}}\n{TOKEN}", line("a3")));
    let selection = json!({"account_id": "a1", "channel": "mastodon"});
    let mut texts = Vec::new();
    for event in [
        command("register", &line("a1")),
        command("register", &misplaced),
        command("register", &json!({"token": [TOKEN], "targets": TOKEN})),
        json!({"detail-type": "account.connected", "detail": {"account_id": "a2", "token": {"value": TOKEN}}}),
        json!({"detail-type": TOKEN}),
        command("list", &json!({"account_id": "a1"})),
        command("show", &selection),
        command("poll_now", &selection),
        command("import", &json!({"bucket": "files", "key": "accounts.jsonl"})),
        command("import", &json!({"bucket": "b", "key": "k", "from": TOKEN})),
        command("remove", &selection),
    ] {
        texts.push(format!("{:?}", deployment.invoke(&event).await));
    }
    let log = log::text();
    assert!(log.contains("an account was registered"), "the log was taken: {log}");
    texts.extend([log, deployment.lines.borrow().join("\n")]);
    for text in texts {
        assert!(!text.contains(TOKEN), "{text}");
    }
}
