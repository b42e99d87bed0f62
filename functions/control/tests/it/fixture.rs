//! The function on ports in memory, with the channels of this repository.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Line, Metrics};
use pollwheel_connector::{ChannelSet, PrivateAddresses};
use pollwheel_control::Control;
use pollwheel_core::id::{AccountId, JobId, JobTypeId};
use pollwheel_core::ports::Clock;
use pollwheel_core::row::JobRow;
use pollwheel_core::time::Timestamp;
use pollwheel_local::store::Store;
use serde_json::{Value, json};

use crate::memory::{Journal, MemoryObject, MemoryVault, StorePauses, Tables};

const CHANNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../channels");
/// 2026-11-23T07:45:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_419_920_000);
pub(crate) const TOKEN: &str = "planted-s3cret-t0ken";

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

pub(crate) struct Deployment {
    pub(crate) function: Control<Tables, StorePauses, MemoryVault, MemoryObject, Still>,
    pub(crate) store: Rc<Store>,
    pub(crate) journal: Journal,
    pub(crate) lines: Rc<RefCell<Vec<String>>>,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        crate::log::take();
        let lines = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&lines);
        let write = move |line: &Line| written.borrow_mut().push(line.to_string());
        let (store, journal) = (Rc::new(Store::in_memory().unwrap()), Journal::default());
        let channels = ChannelSet::load(Path::new(CHANNELS)).unwrap();
        let function = Control {
            catalog: channels.catalog(),
            channels,
            private_addresses: PrivateAddresses::Refused,
            store: Tables { store: Rc::clone(&store), journal: Rc::clone(&journal) },
            pauses: StorePauses(Rc::clone(&store)),
            vault: MemoryVault {
                kept: RefCell::default(),
                applications: RefCell::default(),
                journal: Rc::clone(&journal),
                is_down: false,
            },
            objects: MemoryObject::default(),
            clock: Still,
            metrics: Metrics::to("pollwheel-test", write),
            meter: Meter::default(),
        };
        Self { function, store, journal, lines }
    }

    /// What the function answers, or fails with, when it has this long.
    pub(crate) async fn invoke_for(&self, event: &Value, time: Duration) -> Result<Value, String> {
        let deadline = Deadline::new(NOW.plus(time).millis(), NOW);
        let answer = self.function.handle(&event.to_string(), deadline).await;
        answer.map(|answer| serde_json::to_value(&answer).unwrap()).map_err(|error| error.to_string())
    }

    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value, String> {
        self.invoke_for(event, Duration::from_secs(900)).await
    }

    /// What the function answers.
    pub(crate) async fn answer(&self, event: &Value) -> Value {
        self.invoke(event).await.unwrap()
    }

    /// The problems that a command is refused for, one a line.
    pub(crate) async fn refusal(&self, event: &Value) -> String {
        let answer = self.answer(event).await;
        let refused = answer["refused"].as_array();
        let refused = refused.unwrap_or_else(|| panic!("{event} was not refused: {answer}"));
        let lines = refused.iter().map(|problem| {
            format!("{} {}", problem["field"].as_str().unwrap_or("-"), problem["message"].as_str().unwrap())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Registers an account on Mastodon.
    pub(crate) async fn register(&self, account: &str) {
        let answer = self.answer(&command("register", &line(account))).await;
        assert_eq!(answer["inserted"], 1, "{answer}");
    }

    pub(crate) async fn row(&self, account: &str) -> Option<JobRow> {
        self.store.find_row(&job(account)).await.unwrap()
    }

    pub(crate) fn journal(&self) -> Vec<String> {
        self.journal.borrow().clone()
    }
}

pub(crate) fn job(account: &str) -> JobId {
    JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new(account).unwrap(),
        target: None,
    }
}

/// An account on Mastodon, as a line of a file.
pub(crate) fn line(account: &str) -> Value {
    json!({
        "account_id": account, "channel": "mastodon", "job_types": ["statuses"], "service_level": "free", "external_id": "42",
        "base_url": "https://mastodon.example", "token": TOKEN,
    })
}

/// A command with these fields.
pub(crate) fn command(name: &str, fields: &Value) -> Value {
    let mut command = fields.clone();
    command["command"] = name.into();
    command
}
