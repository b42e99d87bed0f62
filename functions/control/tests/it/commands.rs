//! Commands on accounts: register, change, remove, list, pause.

use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::ports::ControlStore;
use serde_json::json;

use crate::fixture::{Deployment, NOW, TOKEN, command, line};

#[tokio::test]
async fn an_account_is_registered_after_its_token_is_kept() {
    let deployment = Deployment::new();
    let answer = deployment.answer(&command("register", &line("a1"))).await;
    assert_eq!(answer, json!({"inserted": 1, "changed": 0, "unparked": 0, "unchanged": 0}));
    assert_eq!(deployment.journal(), ["put a1", "insert mastodon/statuses:a1"]);
    assert_eq!(deployment.function.vault.token("a1").as_deref(), Some(TOKEN));
    let again = deployment.answer(&command("register", &line("a1"))).await;
    assert_eq!(again["unchanged"], 1);
}

#[tokio::test]
async fn a_registration_past_a_shared_limit_is_accepted_and_tells_of_it() {
    let deployment = Deployment::new();
    let spec = deployment.function.catalog.iter().find(|spec| spec.id.channel() == "hackernews").unwrap();
    let budget = &spec.budgets[0];
    let (scope, window_seconds) = (budget.shared_by(&spec.id).unwrap(), budget.window_seconds);
    let limit = PaceKey { scope, window_seconds };
    let register = |account| {
        let fields = json!({
            "account_id": account, "channel": "hackernews", "service_level": "free", "external_id": account,
        });
        command("register", &fields)
    };
    let answer = deployment.answer(&register("a1")).await;
    assert_eq!(answer, json!({"inserted": 1, "changed": 0, "unparked": 0, "unchanged": 0}));
    let pace = Pace {
        turns_thousandths: 2500,
        mean_thousandths: 2500,
        price_millionths: 4_000_000,
        at: Some(NOW.minute()),
        ..Pace::default()
    };
    deployment.store.set_pace(&limit, pace).await.unwrap();
    let answer = deployment.answer(&register("a2")).await;
    assert_eq!(answer["inserted"], 1);
    let overdrawn = json!([
        {"limit": "host hn.algolia.com of hackernews", "window_seconds": 3600, "turns": 2.5, "slower": 2.0}
    ]);
    assert_eq!(answer["overdrawn"], overdrawn);
}

#[tokio::test]
async fn r20_nothing_is_registered_when_the_token_cannot_be_kept() {
    let mut deployment = Deployment::new();
    deployment.function.vault.is_down = true;
    let error = deployment.invoke(&command("register", &line("a1"))).await.unwrap_err();
    assert_eq!(error, "encrypting failed: the key is busy");
    assert!(deployment.row("a1").await.is_none());
}

#[tokio::test]
async fn an_application_is_set_and_removed_by_command_and_never_by_an_event() {
    let deployment = Deployment::new();
    let fields = json!({"channel": "github", "tokens": [{"name": "one", "token": TOKEN}]});
    let answer = deployment.answer(&command("set_application", &fields)).await;
    assert_eq!(answer, json!({"application": "github", "tokens": 1}));
    assert_eq!(deployment.journal(), ["put application github"]);
    let event = json!({"detail-type": "application.set", "detail": fields});
    assert!(deployment.invoke(&event).await.is_err(), "the bus sets none");
    let refused = deployment.answer(&command("set_application", &json!({"channel": "github"}))).await;
    assert_eq!(refused["refused"][0]["field"], "credentials");
    let answer = deployment.answer(&command("remove_application", &json!({"channel": "github"}))).await;
    assert_eq!(answer, json!({"removed_application": "github"}));
    assert!(deployment.function.vault.applications.borrow().is_empty());
}

#[tokio::test]
async fn more_than_a_token_is_kept_by_name() {
    let deployment = Deployment::new();
    let mut fields = line("a1");
    fields.as_object_mut().unwrap().remove("token");
    fields["credentials"] = json!({"token": TOKEN, "refresh_token": "r1"});
    deployment.answer(&command("register", &fields)).await;
    assert_eq!(deployment.function.vault.token("a1").as_deref(), Some(TOKEN));
    let kept = deployment.function.vault.kept.borrow();
    assert!(kept.values().all(|credentials| credentials.get("refresh_token").is_some()));
}

#[tokio::test]
async fn another_level_is_another_cadence() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let change = json!({"account_id": "a1", "channel": "mastodon", "service_level": "enterprise"});
    let answer = deployment.answer(&command("change", &change)).await;
    assert_eq!(answer, json!({"changed": 1, "unchanged": 0}));
    let row = deployment.row("a1").await.unwrap();
    assert_eq!((row.level.as_str(), row.place.cohort().unwrap().cadence), ("enterprise", Cadence::FASTEST));
    assert_eq!(deployment.answer(&command("change", &change)).await["unchanged"], 1);
}

#[tokio::test]
async fn the_last_job_on_a_channel_takes_the_token_with_it() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    deployment.register("a2").await;
    let remove = json!({"account_id": "a1", "channel": "mastodon"});
    assert_eq!(deployment.answer(&command("remove", &remove)).await, json!({"removed": 1}));
    assert!(deployment.row("a1").await.is_none() && deployment.row("a2").await.is_some());
    assert_eq!(deployment.journal()[4..], ["remove mastodon/statuses:a1", "delete a1"]);
    assert!(deployment.function.vault.token("a2").is_some());
    assert_eq!(deployment.answer(&command("remove", &remove)).await, json!({"removed": 0}));
    let other = json!({"account_id": "a2", "job_type": "github/events"});
    assert_eq!(deployment.answer(&command("remove", &other)).await, json!({"removed": 0}));
    assert!(deployment.function.vault.token("a2").is_some(), "its token is another channel's");
}

#[tokio::test]
async fn registrations_are_listed_of_an_account_and_page_by_page() {
    let deployment = Deployment::new();
    for account in ["a1", "a2", "a3"] {
        deployment.register(account).await;
    }
    let entry = json!({
        "job_type": "mastodon/statuses", "account_id": "a1", "service_level": "free",
        "state": "active", "cadence_minutes": 15,
    });
    let of_one = deployment.answer(&command("list", &json!({"account_id": "a1"}))).await;
    assert_eq!(of_one, json!({"registrations": [entry]}));
    let nobody = deployment.answer(&command("list", &json!({"account_id": "nobody"}))).await;
    assert_eq!(nobody, json!({"registrations": []}));

    let first = deployment.answer(&command("list", &json!({"limit": 2}))).await;
    assert_eq!(first["registrations"].as_array().unwrap().len(), 2);
    let rest = deployment.answer(&command("list", &json!({"limit": 2, "next": first["next"]}))).await;
    assert_eq!(rest["registrations"][0]["account_id"], "a3");
    assert_eq!(rest.get("next"), None);
}

#[tokio::test]
async fn dispatch_is_paused_and_resumed() {
    let deployment = Deployment::new();
    let pauses = &deployment.function.pauses;
    let one = json!({"job_type": "mastodon/statuses"});
    let all = json!({"channel": "github"});
    assert_eq!(deployment.answer(&command("pause", &one)).await, json!({"paused": "mastodon/statuses"}));
    deployment.answer(&command("pause", &all)).await;
    assert!(pauses.is_paused("mastodon/statuses").await && pauses.is_paused("github/events").await);
    assert_eq!(deployment.answer(&command("resume", &all)).await, json!({"resumed": "github"}));
    assert!(pauses.is_paused("mastodon/statuses").await && !pauses.is_paused("github/events").await);
}
