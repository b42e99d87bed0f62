//! Commands on jobs: show, poll now, unpark.

use pollwheel_core::register::withdraw;
use serde_json::json;

use crate::fixture::{Deployment, NOW, command, job, line};

#[tokio::test]
async fn a_job_is_shown_with_its_state() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let answer =
        deployment.answer(&command("show", &json!({"account_id": "a1", "channel": "mastodon"}))).await;
    let shown = &answer["jobs"][0];
    let row = deployment.row("a1").await.unwrap();
    assert_eq!(shown["job_type"], "mastodon/statuses");
    assert_eq!(shown["cadence_minutes"], 15);
    assert_eq!(shown["next_due"], row.next_due(NOW.minute()).unwrap().to_string());
    assert_eq!(shown["external_id"], "42");
    assert_eq!(shown["context"], json!({}));
    assert_eq!(shown.get("held_until"), None);
}

#[tokio::test]
async fn a_job_is_polled_in_the_next_minute() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let selection = json!({"account_id": "a1", "job_type": "mastodon/statuses"});
    let answer = deployment.answer(&command("poll_now", &selection)).await;
    let minute = NOW.minute().plus(1);
    assert_eq!(
        answer,
        json!({"jobs": [{
            "job_type": "mastodon/statuses", "account_id": "a1", "result": "due", "minute": minute.to_string(),
        }]})
    );
    let wakes = deployment.store.wakes_of(&job("a1")).unwrap();
    assert_eq!(wakes.iter().map(|wake| wake.minute).collect::<Vec<_>>(), [minute]);
}

#[tokio::test]
async fn a_parked_job_says_so_and_comes_back_when_it_is_told_to() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let spec = deployment.function.catalog.get(&job("a1").job_type).unwrap().clone();
    assert!(withdraw(NOW, &job("a1"), &spec, &*deployment.store).await.unwrap());
    let selection = json!({"account_id": "a1", "channel": "mastodon"});
    let polled = deployment.answer(&command("poll_now", &selection)).await;
    assert_eq!(
        (&polled["jobs"][0]["result"], &polled["jobs"][0]["because"]),
        (&json!("parked"), &json!("withdrawn"))
    );
    let listed = deployment.answer(&command("list", &json!({"account_id": "a1"}))).await;
    assert_eq!(listed["registrations"][0]["state"], "parked");
    let shown = deployment.answer(&command("show", &selection)).await;
    assert_eq!(shown["jobs"][0]["parked_because"], "withdrawn");

    let unparked = deployment.answer(&command("unpark", &selection)).await;
    assert_eq!(unparked, json!({"changed": 1, "unchanged": 0}));
    assert!(deployment.row("a1").await.unwrap().parked.is_none());
    assert_eq!(deployment.answer(&command("unpark", &selection)).await["unchanged"], 1);
}

#[tokio::test]
async fn a_paused_account_stays_out_of_the_wheel_until_it_is_resumed() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    deployment.register("a2").await;
    let account = json!({"account_id": "a1"});
    assert_eq!(deployment.answer(&command("pause", &account)).await, json!({"changed": 1, "unchanged": 0}));
    assert_eq!(deployment.answer(&command("register", &line("a1"))).await["unchanged"], 1);
    let parked = deployment.row("a1").await.unwrap().parked.map(|parked| parked.reason.as_str());
    assert_eq!(parked, Some("paused"), "registering again does not end a pause");
    assert!(deployment.row("a2").await.unwrap().parked.is_none());
    assert_eq!(deployment.answer(&command("resume", &account)).await, json!({"changed": 1, "unchanged": 0}));
    assert!(deployment.row("a1").await.unwrap().parked.is_none());
    assert_eq!(deployment.answer(&command("resume", &account)).await["unchanged"], 1);
}

#[tokio::test]
async fn parked_jobs_are_taken_back_by_reason_page_by_page() {
    let deployment = Deployment::new();
    for account in ["a1", "a2", "a3"] {
        deployment.register(account).await;
    }
    let spec = deployment.function.catalog.get(&job("a1").job_type).unwrap().clone();
    for account in ["a1", "a2"] {
        assert!(withdraw(NOW, &job(account), &spec, &*deployment.store).await.unwrap());
    }
    deployment.answer(&command("pause", &json!({"account_id": "a3"}))).await;
    let mut selection = json!({"reason": "withdrawn", "channel": "mastodon", "limit": 1});
    let mut unparked = 0;
    loop {
        let answer = deployment.answer(&command("unpark", &selection)).await;
        unparked += answer["unparked"].as_u64().unwrap();
        match answer.get("next") {
            Some(next) => selection["next"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(unparked, 2);
    assert!(deployment.row("a3").await.unwrap().parked.is_some(), "it was parked for another reason");
}

#[tokio::test]
async fn a_pause_of_the_channel_is_shown_with_each_job() {
    let deployment = Deployment::new();
    deployment.register("a1").await;
    let selection = json!({"account_id": "a1", "channel": "mastodon"});
    assert_eq!(deployment.answer(&command("show", &selection)).await["jobs"][0].get("paused"), None);
    deployment.answer(&command("pause", &json!({"channel": "mastodon"}))).await;
    assert_eq!(deployment.answer(&command("show", &selection)).await["jobs"][0]["paused"], true);
}
