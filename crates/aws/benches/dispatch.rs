//! The scheduler's work on AWS without AWS: rows read from answers of DynamoDB, messages sent to answers of SQS that come
//! at once, in CPU time of this process. What is left is ours and the SDK's: JSON, signatures, retries' bookkeeping.
//!
//! `just bench-dispatch [JOBS]`. It measures, it asserts nothing about time.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench: it prints its figure, or stops")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use pollwheel_aws::{
    Connection, ConnectionSettings, ControlTable, JobTables, Meter, SqsQueues, Store, SystemClock,
};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::ports::Secret;
use pollwheel_core::tick::{Dispatch, FAN_OUT_ABOVE_PARTITIONS, PAGE_ROWS, tick};
use pollwheel_core::time::{EpochMinute, Timestamp};
use serde_json::{Value, json};

const NOW: EpochMinute = EpochMinute::new(29_397_840);
/// Messages of a batch.
const BATCH: usize = 10;

fn main() {
    let jobs = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(200_000);
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(measure(jobs));
}

async fn measure(jobs: u64) {
    let instant = Instant::new(jobs / PAGE_ROWS as u64);
    let connector = SharedHttpConnector::new(instant.clone());
    let settings = ConnectionSettings {
        region: "eu-central-1".to_owned(),
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Some(Secret::new("x".repeat(700))),
        endpoint: None,
    };
    let connection = Connection::over(&settings, http_client_fn(move |_, _| connector.clone()));
    let meter = Meter::default();
    let store = Store {
        jobs: JobTables::new(&connection, "jobs", "registrations", &meter),
        control: ControlTable::new(&connection, "control", &meter),
    };
    let queues = SqsQueues::new(&connection, "https://sqs.eu-central-1.amazonaws.com/1/pollwheel-", &meter);
    let every_minute = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).unwrap();
    let id = JobTypeId::new("mastodon/statuses").unwrap();
    let catalog = Catalog::new([JobTypeSpec::new(id, every_minute)]);
    let dispatch = Dispatch {
        catalog: &catalog,
        store: &store,
        queues: &queues,
        clock: &SystemClock,
        deadline: Timestamp::from_millis(u64::MAX),
        fan_out_above: FAN_OUT_ABOVE_PARTITIONS,
    };
    let before = cpu_micros();
    let report = tick(NOW, &dispatch).await.remove(0);
    let spent = cpu_micros() - before;
    let sent = report.drained.dispatched;
    assert_eq!(sent, instant.pages * PAGE_ROWS as u64, "{report:?}");
    assert_eq!(instant.sent.load(Ordering::Relaxed), sent, "every job was in a batch");
    println!(
        "{sent} jobs, {:.1} us of CPU a job",
        f64::from(u32::try_from(spent).unwrap()) / f64::from(u32::try_from(sent).unwrap())
    );
}

#[expect(clippy::cast_sign_loss, reason = "CPU time is positive and short")]
fn cpu_micros() -> u64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let micros = |time: nix::sys::time::TimeVal| (time.tv_sec() * 1_000_000 + time.tv_usec()) as u64;
    micros(usage.user_time()) + micros(usage.system_time())
}

/// Answers every request at once, with what was written before the measurement.
#[derive(Debug, Clone)]
struct Instant {
    /// Pages that the cohort has.
    pages: u64,
    page: &'static [u8],
    accepted: &'static [u8],
    served: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Instant {
    fn new(pages: u64) -> Self {
        let items: Vec<Value> = (0..PAGE_ROWS).map(item).collect();
        let last = json!({"pk": items[0]["pk"], "sk": {"S": "account-00000-999"}});
        let page = json!({"Items": items, "Count": PAGE_ROWS, "LastEvaluatedKey": last});
        let entry = |id: usize| {
            json!({
                "Id": id.to_string(), "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274",
                "MD5OfMessageBody": "fafb00f5732ab283681e124bf8747ed1",
            })
        };
        let accepted = json!({"Successful": (0..BATCH).map(entry).collect::<Vec<_>>(), "Failed": []});
        let forever = |value: Value| &*Box::leak(value.to_string().into_bytes().into_boxed_slice());
        Self {
            pages,
            page: forever(page),
            accepted: forever(accepted),
            served: Arc::default(),
            sent: Arc::default(),
        }
    }

    fn answer(&self, target: &str, body: &[u8]) -> SdkBody {
        match target.rsplit_once('.').unwrap().1 {
            "Query" => self.page(body),
            // Every batch is full: the pages hold a multiple of ten.
            "SendMessageBatch" => {
                self.sent.fetch_add(BATCH as u64, Ordering::Relaxed);
                SdkBody::from(self.accepted)
            }
            "GetQueueAttributes" => SdkBody::from(
                r#"{"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesDelayed":"0"}}"#,
            ),
            "BatchGetItem" => SdkBody::from(r#"{"Responses":{},"UnprocessedKeys":{},"ConsumedCapacity":[]}"#),
            _ => SdkBody::from("{}"),
        }
    }

    /// Pages of the cohort of every minute, nothing of the wake-ups.
    fn page(&self, body: &[u8]) -> SdkBody {
        let wakes = body.windows(5).any(|word| word == b"wake#");
        if wakes || self.served.fetch_add(1, Ordering::Relaxed) >= self.pages {
            return SdkBody::from(r#"{"Items":[],"Count":0}"#);
        }
        SdkBody::from(self.page)
    }
}

fn item(row: usize) -> Value {
    json!({
        "pk": {"S": "mastodon/statuses#1#0#0"}, "sk": {"S": format!("account-00000-{row:03}")},
        "rev": {"N": "1763870400000"}, "external_id": {"S": "109348234098234"},
        "base_url": {"S": "https://mastodon.example"}, "level": {"S": "professional"},
        "context": {"S": "{\"since\":\"115598234098234567\",\"etag\":\"W/\\\"5f2e1a9c0b3d4e6f7a8b9c0d1e2f3a4b\\\"\"}"},
        "active": {"N": "29397840"}, "applied": {"N": "29397825"},
    })
}

impl HttpConnector for Instant {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = self.answer(target, request.body().bytes().unwrap_or_default());
        let status = StatusCode::try_from(200_u16).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}
