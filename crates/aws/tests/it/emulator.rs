//! The contract suite against a whole emulator of AWS, over real HTTP. The end-to-end test of the repository starts one
//! and runs these; alone they need `AWS_ENDPOINT_URL` and the other variables of a function's environment.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use pollwheel_aws::{Connection, ConnectionSettings, EventBridgeBus, Meter, SqsQueues};
use pollwheel_core::contract::queues_contract;
use pollwheel_core::event::{Event, Item};
use pollwheel_core::keys::queue_name;
use pollwheel_core::ports::{Bus, QueueName, Secret};
use pollwheel_core::time::Timestamp;
use serde_json::value::RawValue;

use crate::fixture::row;

/// The connection and the raw client of the environment's AWS.
fn environment() -> (Connection, aws_sdk_sqs::Client, aws_sdk_eventbridge::Client) {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let needed = |name: &str| variable(name).unwrap_or_else(|| panic!("`{name}` must name the emulator"));
    let settings = ConnectionSettings {
        region: needed("AWS_REGION"),
        access_key_id: needed("AWS_ACCESS_KEY_ID"),
        secret_access_key: Secret::new(needed("AWS_SECRET_ACCESS_KEY")),
        session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
        endpoint: Some(needed("AWS_ENDPOINT_URL")),
    };
    let connection = Connection::new(&settings);
    let http = aws_smithy_http_client::Builder::new().build_http();
    let credentials = aws_credential_types::Credentials::new(
        settings.access_key_id,
        settings.secret_access_key.expose(),
        None,
        None,
        "test",
    );
    let config = aws_types::SdkConfig::builder()
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .region(aws_types::region::Region::new(settings.region))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .endpoint_url(needed("AWS_ENDPOINT_URL"))
        .http_client(http)
        .build();
    (connection, aws_sdk_sqs::Client::new(&config), aws_sdk_eventbridge::Client::new(&config))
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Receives and deletes until a long poll finds nothing more.
async fn drain(sqs: &aws_sdk_sqs::Client, url: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let received = sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .unwrap();
        if received.messages().is_empty() {
            return bodies;
        }
        for message in received.messages() {
            bodies.push(message.body().unwrap().to_owned());
            let receipt = message.receipt_handle().unwrap();
            sqs.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
        }
    }
}

/// A prefix of names that no other run of these tests uses.
fn prefix(kind: &str) -> String {
    format!("contract-{kind}-{}-", std::process::id())
}

#[test]
#[ignore = "needs an emulator of AWS: `just e2e` runs it"]
fn sqs_keeps_the_contract_of_the_queues() {
    let (connection, sqs, _) = environment();
    run(async {
        let prefix = prefix("queues");
        let job_type = pollwheel_core::id::JobTypeId::new("contract/jobs").unwrap();
        let mut urls = Vec::new();
        for queue in [QueueName::Jobs(job_type), QueueName::Completed, QueueName::Drains] {
            let name = format!("{prefix}{}", queue_name(&queue));
            // The service's largest message, which not every emulator allows by itself.
            let created = sqs
                .create_queue()
                .queue_name(name)
                .attributes(QueueAttributeName::MaximumMessageSize, "1048576")
                .send()
                .await
                .unwrap();
            urls.push(created.queue_url().unwrap().to_owned());
        }
        let url_prefix = urls[0].split(&prefix).next().unwrap().to_owned() + &prefix;
        let queues = SqsQueues::new(&connection, url_prefix.clone(), &Meter::default());
        queues_contract(&queues, async |queue| {
            drain(&sqs, &format!("{url_prefix}{}", queue_name(queue))).await
        })
        .await;
        for url in urls {
            sqs.delete_queue().queue_url(url).send().await.unwrap();
        }
    });
}

#[test]
#[ignore = "needs an emulator of AWS: `just e2e` runs it"]
fn events_that_the_bus_accepted_reach_a_subscriber() {
    let (connection, sqs, bridge) = environment();
    run(async {
        let name = format!("{}bus", prefix("bus"));
        bridge.create_event_bus().name(&name).send().await.unwrap();
        let queue =
            sqs.create_queue().queue_name(&name).send().await.unwrap().queue_url().unwrap().to_owned();
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(&queue)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await;
        let arn = attributes.unwrap().attributes().unwrap()[&QueueAttributeName::QueueArn].clone();
        let pattern = r#"{"source": [{"prefix": "/pollwheel/"}]}"#;
        bridge.put_rule().name(&name).event_bus_name(&name).event_pattern(pattern).send().await.unwrap();
        let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(arn).build().unwrap();
        bridge.put_targets().rule(&name).event_bus_name(&name).targets(target).send().await.unwrap();

        let now = Timestamp::from_millis(1_763_870_400_000);
        let polled = row("a1", pollwheel_core::cadence::Cadence::FASTEST, now.minute());
        let event = |number: usize| {
            let data = RawValue::from_string(format!("{{\"number\":{number}}}")).unwrap();
            let item = Item {
                id: number.to_string(),
                kind: "mastodon.status".to_owned(),
                time: None,
                subject: None,
                data,
                dedupe_version: 1,
            };
            Event::of_item(&polled.job, item, now)
        };
        let events: Vec<Event> = (0..12).map(event).collect();
        let bus = EventBridgeBus::new(&connection, &name, &Meter::default());
        let answers = bus.publish(events.clone()).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");

        let expected: std::collections::BTreeSet<String> =
            events.iter().map(|event| event.id.clone()).collect();
        let mut seen = std::collections::BTreeSet::new();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while seen != expected && tokio::time::Instant::now() < deadline {
            for body in drain(&sqs, &queue).await {
                let envelope: serde_json::Value = serde_json::from_str(&body).unwrap();
                assert_eq!(envelope["detail-type"], "mastodon.status");
                seen.insert(envelope["detail"]["id"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(seen, expected);
        bridge.remove_targets().rule(&name).event_bus_name(&name).ids("queue").send().await.unwrap();
        bridge.delete_rule().name(&name).event_bus_name(&name).send().await.unwrap();
        bridge.delete_event_bus().name(&name).send().await.unwrap();
        sqs.delete_queue().queue_url(queue).send().await.unwrap();
    });
}
