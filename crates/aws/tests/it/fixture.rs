//! An AWS inside the process.

mod dynamo;
mod models;
mod rows;
mod wire;

pub(crate) use rows::{job_type, row};
pub(crate) use wire::{Answer, Aws, Call};

use pollwheel_aws::{Connection, ConnectionSettings, ControlTable, JobTables, Meter, Store};
use pollwheel_core::ports::Secret;

/// The settings of a function on AWS; nothing listens at the endpoint.
pub(crate) fn settings() -> ConnectionSettings {
    ConnectionSettings {
        region: "eu-central-1".to_owned(),
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI-planted-secret"),
        session_token: Some(Secret::new("planted-session-token")),
        endpoint: Some("http://127.0.0.1:1".to_owned()),
    }
}

/// A URL prefix of queues.
pub(crate) const QUEUES: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/pollwheel-test-";

/// The stores of an AWS.
pub(crate) fn store(connection: &Connection, meter: &Meter) -> Store {
    Store {
        jobs: JobTables::new(connection, "jobs", "registrations", meter),
        control: ControlTable::new(connection, "control", meter),
    }
}

/// Runs a test on a clock that jumps over waits: a retry's backoff costs no time.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
