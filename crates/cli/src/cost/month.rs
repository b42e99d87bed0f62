//! A month of a deployment, by component: what is in proportion to polls, and what is the same whatever is polled.

use pollwheel_core::cadence::Cadence;
use pollwheel_core::meter::deployment::{
    COMPLETION_BATCH, COMPLETION_MB, COMPLETION_MS, DISPATCH_NS, LOG_BYTES, LONG_POLLS_A_MINUTE,
    OUTCOME_BYTES, POLL_MS, SCHEDULER_MB, TICK_MS, WORKER_BATCH, WORKER_CONCURRENCY, WORKER_MB, alarms,
    mapped_queues, metrics, worker_ms,
};
use pollwheel_core::meter::units::{CHUNK_BYTES, READ_UNIT_BYTES, REQUEST_MESSAGES};
use pollwheel_core::meter::{Prices, Usage};
use serde::Serialize;

use super::batches::{Second, a_second, of_outcomes};
use super::workload::{MONTH_MINUTES, Workload, float, whole};

/// What a job takes in the tables: row, registration, credentials, and what DynamoDB adds to each.
const STORED_BYTES: f64 = 1500.0;
/// Partitions that a tick looks into, of each job type and shard: a cohort of each cadence, and the wake-ups.
const PARTITIONS: u64 = Cadence::ALL.len() as u64 + 1;
/// Items of a gate, read with consistency: a unit each.
const GATE_ITEMS: u64 = 5;
/// Shared scopes that a worker asks about for each batch: the channel's and the job type's.
const SCOPES: f64 = 2.0;
/// Accounts are on one channel.
const CHANNELS: u64 = 1;
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

/// A month, in dollars.
#[derive(Debug, Serialize)]
pub(super) struct Month {
    pub(super) usd: f64,
    /// All of it, for a million polls.
    pub(super) usd_per_million_polls: f64,
    /// What is in proportion to polls, for a million of them.
    pub(super) usd_working_per_million_polls: f64,
    pub(super) usd_working: f64,
    pub(super) usd_standing: f64,
    /// In proportion to polls.
    pub(super) working: Vec<Component>,
    /// Whatever is polled.
    pub(super) standing: Vec<Component>,
}

/// One line of a bill.
#[derive(Debug, Serialize)]
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) usd: f64,
    pub(super) how: String,
}

impl Month {
    pub(super) fn of(workload: &Workload, prices: &Prices) -> Self {
        let (working, standing) = (working(workload, prices), standing(workload, prices));
        let sum = |components: &[Component]| components.iter().map(|component| component.usd).sum::<f64>();
        let (usd_working, usd_standing) = (sum(&working), sum(&standing));
        let (usd, million) = (usd_working + usd_standing, float(workload.polls()) / 1e6);
        Self {
            usd,
            usd_per_million_polls: usd / million,
            usd_working_per_million_polls: usd_working / million,
            usd_working,
            usd_standing,
            working,
            standing,
        }
    }
}

/// What a month of polls uses, without the tables' storage: a pair for each component.
pub(super) fn usage(workload: &Workload) -> [(&'static str, Usage, String); 7] {
    let flow = Flow::of(workload);
    let none = Usage::default();
    let (news, quantity) = (workload.news_rate, |of_a_poll: f64| whole(of_a_poll * float(workload.polls())));
    let worker_ms = flow.worker_ms();
    let mb_ms = float(WORKER_MB) * worker_ms
        + float(COMPLETION_MB * COMPLETION_MS) * flow.completions
        + float(SCHEDULER_MB * DISPATCH_NS) / 1e6;
    let invocations = flow.workers + flow.completions;
    [
        (
            "SQS",
            Usage { queue_requests: quantity(flow.requests), ..none },
            format!(
                "{:.3} requests a poll: sent by ten, received and deleted in batches of {:.0}",
                flow.requests,
                flow.batch()
            ),
        ),
        (
            "Lambda, time",
            Usage { function_mb_ms: quantity(mb_ms), ..none },
            format!(
                "{:.5} GB-seconds a poll: workers of {WORKER_MB} MB for {POLL_MS} ms",
                mb_ms / 1_024_000.0
            ),
        ),
        (
            "Lambda, requests",
            Usage { function_requests: quantity(invocations), ..none },
            format!("{invocations:.4} a poll"),
        ),
        (
            "DynamoDB, dispatch",
            Usage { read_half_units: quantity(flow.dispatch_halves), ..none },
            format!("{:.3} read units a poll", flow.dispatch_halves / 2.0),
        ),
        (
            "DynamoDB, credentials",
            Usage { read_half_units: quantity(1.0), ..none },
            "0.5 read units a poll: a token for every account".to_owned(),
        ),
        (
            "DynamoDB, news",
            Usage { write_units: quantity(news), ..none },
            format!("{news} write units a poll"),
        ),
        (
            "logs",
            Usage { log_bytes: quantity(float(LOG_BYTES) * invocations), ..none },
            format!("{LOG_BYTES} bytes an invocation"),
        ),
    ]
}

fn working(workload: &Workload, prices: &Prices) -> Vec<Component> {
    let component =
        |(name, usage, how): (_, Usage, _)| Component { name, usd: prices.bill(&usage).total(), how };
    let mut components: Vec<Component> = usage(workload).into_iter().map(component).collect();
    let events = Usage { events: whole(workload.news_rate * float(workload.polls())), ..Usage::default() };
    components.push(component((
        "EventBridge, news",
        events,
        format!("{} events a poll", workload.news_rate),
    )));
    let stored = float(workload.jobs()) * STORED_BYTES / GB;
    components.push(Component {
        name: "storage and recovery",
        usd: stored * (prices.dynamodb.storage_gb_month + prices.dynamodb.recovery_gb_month),
        how: format!("{stored:.2} GB: {STORED_BYTES} bytes a job"),
    });
    components
}

fn standing(workload: &Workload, prices: &Prices) -> Vec<Component> {
    let (job_types, none) = (workload.job_types, Usage::default());
    let (metrics, alarms) = (metrics(CHANNELS, job_types), alarms(CHANNELS, job_types));
    let queues = mapped_queues(job_types);
    let waiting = Usage { queue_requests: queues * LONG_POLLS_A_MINUTE * MONTH_MINUTES, ..none };
    let ticks = Usage {
        schedule_invocations: MONTH_MINUTES,
        function_requests: MONTH_MINUTES,
        function_mb_ms: MONTH_MINUTES * SCHEDULER_MB * TICK_MS,
        log_bytes: MONTH_MINUTES * LOG_BYTES,
        ..none
    };
    let partitions = PARTITIONS * workload.shards();
    let looking = Usage {
        read_half_units: MONTH_MINUTES * job_types * (partitions + 2 * GATE_ITEMS),
        write_units: MONTH_MINUTES * job_types,
        queue_requests: MONTH_MINUTES * job_types,
        ..none
    };
    let cloudwatch = &prices.cloudwatch;
    let component = |name, usd, how| Component { name, usd, how };
    let metered = |name, usage: Usage, how| component(name, prices.bill(&usage).total(), how);
    vec![
        component("metrics", float(metrics) * cloudwatch.metric_month, format!("{metrics} custom metrics")),
        component("alarms", float(alarms) * cloudwatch.alarm_month, format!("{alarms} alarms")),
        component(
            "dashboard and key",
            cloudwatch.dashboard_month + prices.kms.key_month,
            "one of each".to_owned(),
        ),
        metered(
            "waiting for messages",
            waiting,
            format!("{queues} queues, {LONG_POLLS_A_MINUTE} requests a minute"),
        ),
        metered("ticks", ticks, format!("a minute each, {TICK_MS} ms of {SCHEDULER_MB} MB, and their logs")),
        metered(
            "looking at partitions",
            looking,
            format!("{partitions} partitions, a gate, a cursor and a backlog, a minute and job type"),
        ),
    ]
}

/// What a poll takes on its way, on average.
struct Flow {
    /// Invocations of workers and of completions.
    workers: f64,
    completions: f64,
    /// Requests to send, receive and delete.
    requests: f64,
    /// Half read units to dispatch it, and its share of a batch's throttles.
    dispatch_halves: f64,
}

impl Flow {
    fn of(workload: &Workload) -> Self {
        let rate = workload.jobs_a_second();
        let jobs = a_second(rate, WORKER_BATCH);
        let Second { messages, batches, tens } = jobs;
        let workers = batches / messages;
        let outcomes = of_outcomes(rate, batches, workload.job_types, COMPLETION_BATCH);
        // Messages of a completion's batch.
        let gathered = batches * float(workload.job_types) / outcomes;
        let completions = workers / gathered;
        let batch_bytes = messages / batches * float(OUTCOME_BYTES);
        let chunk = CHUNK_BYTES as u64;
        let sends = float(whole(batch_bytes).div_ceil(chunk).max(1));
        // A receive of outcomes carries those of whole batches, and is counted by its chunks.
        let received = (batch_bytes * gathered / float(chunk)).max(1.0);
        let sent =
            float(workload.cohort_rows().div_ceil(REQUEST_MESSAGES as u64)) / float(workload.cohort_rows());
        let requests = sent + 2.0 * tens / messages + sends * workers + (received + 1.0) * completions;
        let rows = workload.cohort_rows();
        let dispatch = float((rows * ROW_BYTES).div_ceil(READ_UNIT_BYTES as u64)) / float(rows);
        Self { workers, completions, requests, dispatch_halves: dispatch + SCOPES * workers }
    }

    /// Jobs of a batch.
    fn batch(&self) -> f64 {
        1.0 / self.workers
    }

    /// Time of workers a poll, in milliseconds.
    fn worker_ms(&self) -> f64 {
        float(worker_ms(WORKER_CONCURRENCY.min(WORKER_BATCH), POLL_MS)) * self.workers
    }
}

/// A row as they are, in bytes: an account on an instance of its own, with an id and a validator in its context, and the
/// terms of a decision. A test makes one.
pub(super) const ROW_BYTES: u64 = 316;

/// What the month takes for granted.
pub(super) fn assumptions(workload: &Workload) -> Vec<String> {
    let flow = Flow::of(workload);
    vec![
        "a month of 30 days, one channel, every job at the same cadence; free tiers are off".to_owned(),
        format!(
            "a minute's jobs leave over 50 s and gather for 1 s: batches of {:.0}. Lambda's pollers may share thin traffic and make smaller ones",
            flow.batch()
        ),
        format!(
            "a poll takes {POLL_MS} ms, and a worker polls {WORKER_CONCURRENCY} at a time; a completion takes {COMPLETION_MS} ms"
        ),
        "a poll with news brings one item of less than 64 KB, and its row one write of less than 1 KB".to_owned(),
        "polls do not wait for one another: accounts are on many hosts, or the channel allows many requests to one".to_owned(),
        "not in it: traffic out of AWS, support, what consumes the events".to_owned(),
    ]
}
