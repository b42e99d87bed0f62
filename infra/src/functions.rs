//! The functions: what each is for, its limits, its environment, its log group. How a function is written down differs
//! between SAM and the Serverless Framework; see `sam.rs` and `serverless.rs`.

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::tables;
use crate::template::{Named, Resource, arn, reference, sub};

/// The runtime of all functions: a binary of ours called `bootstrap`.
pub(crate) const RUNTIME: &str = "provided.al2023";
/// The name of that binary.
pub(crate) const HANDLER: &str = "bootstrap";

/// Which binary of ours a function runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binary {
    /// Dispatches what is due.
    Scheduler,
    /// Polls the accounts of one channel.
    Worker {
        /// The channel's name.
        channel: String,
    },
    /// Applies outcomes.
    Completion,
    /// Takes commands.
    Control,
}

impl Binary {
    /// The zip in `target/lambda` with its code.
    pub(crate) const fn zip(&self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Worker { .. } => "worker",
            Self::Completion => "completion",
            Self::Control => "control",
        }
    }
}

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    /// What it runs.
    pub(crate) binary: Binary,
    /// `WorkerMastodon`: what its logical ids begin with.
    pub(crate) id: String,
    /// `workerMastodon`: its key in `serverless.yml`, from which the framework makes the same logical id.
    pub(crate) key: String,
    /// `worker-mastodon`: its name after the stack's.
    pub(crate) name: String,
    /// What it does, in a sentence.
    pub(crate) purpose: String,
    /// Memory, in MB. Lambda gives a whole processor at 1,769 MB, and less in proportion.
    pub(crate) memory_mb: u32,
    /// When Lambda ends it, in seconds.
    pub(crate) timeout_seconds: u32,
    /// Its environment.
    pub(crate) environment: Named<Value>,
}

/// A tick must end before the next one comes. A larger one hands its partitions to the `drains` queue.
pub(crate) const SCHEDULER_TIMEOUT_SECONDS: u32 = 60;
/// A batch is 100 records, all at a time, each cut off by the connector's own limits well before.
pub(crate) const WORKER_TIMEOUT_SECONDS: u32 = 60;
/// A batch is ten messages of at most a hundred outcomes, most of which write nothing.
pub(crate) const COMPLETION_TIMEOUT_SECONDS: u32 = 30;
/// Lambda's longest: an import of a million accounts goes on where it stopped.
const CONTROL_TIMEOUT_SECONDS: u32 = 900;

impl Function {
    /// `WorkerMastodonLambdaFunction`.
    pub(crate) fn logical(&self) -> String {
        format!("{}LambdaFunction", self.id)
    }

    /// Its role.
    pub(crate) fn role(&self) -> String {
        format!("{}Role", self.id)
    }

    /// Its log group.
    pub(crate) fn log_group(&self) -> String {
        format!("{}LogGroup", self.id)
    }

    /// With the least memory and time; its maker knows better.
    fn new(binary: Binary, id: &str, name: &str, purpose: impl Into<String>) -> Self {
        let mut key = id.to_owned();
        key[..1].make_ascii_lowercase();
        let mut environment = Named::default();
        environment.add("POLLWHEEL_LOG", reference("LogLevel"));
        Self {
            binary,
            id: id.to_owned(),
            key,
            name: name.to_owned(),
            purpose: purpose.into(),
            memory_mb: 128,
            timeout_seconds: 3,
            environment,
        }
    }

    fn with(mut self, variable: &str, value: Value) -> Self {
        self.environment.add(variable, value);
        self
    }

    fn with_tables(self) -> Self {
        self.with("POLLWHEEL_JOBS_TABLE", reference(tables::JOBS.logical))
            .with("POLLWHEEL_REGISTRATIONS_TABLE", reference(tables::REGISTRATIONS.logical))
            .with("POLLWHEEL_CONTROL_TABLE", reference(tables::CONTROL.logical))
    }
}

/// Every function.
pub(crate) fn all(deployment: &Deployment) -> Vec<Function> {
    let mut functions = vec![scheduler()];
    functions.extend(deployment.channels.iter().map(|channel| worker(&channel.logical, &channel.name)));
    functions.extend([completion(), control()]);
    functions
}

/// 30 microseconds of processor time a job: at 0.58 of a processor a drain sends 100,000 jobs in five seconds.
fn scheduler() -> Function {
    let function = Function::new(
        Binary::Scheduler,
        "Scheduler",
        "scheduler",
        "Sends copies of the jobs that are due in a minute",
    );
    Function { memory_mb: 1024, timeout_seconds: SCHEDULER_TIMEOUT_SECONDS, ..function }
        .with_tables()
        .with("POLLWHEEL_QUEUE_URL_PREFIX", queue_url_prefix())
}

/// Waits for the network most of the time; the memory is for the bodies of 100 answers at once, which
/// rarely have more than some hundred kilobytes, and for TLS.
fn worker(logical: &str, channel: &str) -> Function {
    let binary = Binary::Worker { channel: channel.to_owned() };
    let (id, name) = (format!("Worker{logical}"), format!("worker-{channel}"));
    let function = Function::new(binary, &id, &name, format!("Polls the accounts of {channel}"));
    Function { memory_mb: 512, timeout_seconds: WORKER_TIMEOUT_SECONDS, ..function }
        .with("POLLWHEEL_CHANNEL", json!(channel))
        .with("POLLWHEEL_CONTROL_TABLE", reference(tables::CONTROL.logical))
        .with("POLLWHEEL_CREDENTIALS_TABLE", reference(tables::CREDENTIALS.logical))
        .with("POLLWHEEL_QUEUE_URL_PREFIX", queue_url_prefix())
        .with("POLLWHEEL_BUS", reference(crate::bus::BUS))
        .with("POLLWHEEL_CONCURRENCY", reference("PollConcurrency"))
        .with("POLLWHEEL_CONTACT", reference("Contact"))
        .with("POLLWHEEL_PRIVATE_ADDRESSES", reference("PrivateAddresses"))
}

/// Mostly decides that nothing is to be done; the rest is waiting for DynamoDB.
fn completion() -> Function {
    let function = Function::new(
        Binary::Completion,
        "Completion",
        "completion",
        "Decides about the outcomes of polls, and applies it",
    );
    Function { memory_mb: 256, timeout_seconds: COMPLETION_TIMEOUT_SECONDS, ..function }
        .with_tables()
        .with("POLLWHEEL_BUS", reference(crate::bus::BUS))
}

/// An import reads a file by ranges and writes in parallel.
fn control() -> Function {
    let function = Function::new(
        Binary::Control,
        "Control",
        "control",
        "Registers and removes accounts, pauses, lists, polls now",
    );
    Function { memory_mb: 512, timeout_seconds: CONTROL_TIMEOUT_SECONDS, ..function }
        .with_tables()
        .with("POLLWHEEL_CREDENTIALS_TABLE", reference(tables::CREDENTIALS.logical))
        .with("POLLWHEEL_KMS_KEY", arn(tables::KEY))
        .with("POLLWHEEL_PRIVATE_ADDRESSES", reference("PrivateAddresses"))
}

/// What every queue's URL begins with; the rest is the queue's own name.
pub(crate) fn queue_url_prefix() -> Value {
    sub("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${AWS::StackName}-")
}

/// The log groups: ours rather than Lambda's, so that they have a retention and go with the stack.
pub(crate) fn add_log_groups(functions: &[Function], resources: &mut Named<Resource>) {
    for function in functions {
        resources.add(
            function.log_group(),
            Resource::new(
                "AWS::Logs::LogGroup",
                json!({
                    "LogGroupName": sub(format!("/aws/lambda/${{AWS::StackName}}-{}", function.name)),
                    "RetentionInDays": reference("LogRetentionDays"),
                }),
            ),
        );
    }
}
