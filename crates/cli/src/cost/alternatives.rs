//! Other ways of polling that a team would consider, each at its best: no free tiers, no idle machines beyond what it
//! needs, and the same events on the same bus.

use pollwheel_core::meter::deployment::{POLL_MS, WORKER_OVERHEAD_MS};
use pollwheel_core::meter::{Prices, Usage};
use serde::Serialize;

use super::workload::{MONTH_HOURS, Workload, float, whole};

/// Memory of a function that makes one poll, in MB.
const POLLER_MB: u64 = 256;
/// What one invocation logs, in bytes: Lambda's own three lines.
const POLLER_LOG_BYTES: u64 = 400;
/// Transitions of a loop: wait, poll, choose.
const LOOP_TRANSITIONS: f64 = 3.0;
/// Redis commands a poll: take from the due set, read, read the token, put back, note; each below a KB.
const REDIS_COMMANDS: f64 = 5.0;
/// What a job takes in Redis, in bytes.
const REDIS_JOB_BYTES: f64 = 1000.0;
/// The least that a cache is charged for, in GB.
const REDIS_LEAST_GB: f64 = 0.1;
/// Processor time of a poll, in seconds: TLS, JSON, Redis, in a language with a runtime.
const POLL_CPU_SECONDS: f64 = 0.002;
/// Processors of a machine, and how much of them may be used.
const MACHINE_PROCESSORS: f64 = 2.0;
const MACHINE_USE: f64 = 0.5;
/// Machines of a cluster that outlives one of them.
const LEAST_MACHINES: f64 = 3.0;
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Another way, for a month.
#[derive(Debug, Serialize)]
pub(super) struct Alternative {
    pub(super) name: &'static str,
    pub(super) usd: f64,
    pub(super) components: Vec<(&'static str, f64)>,
    pub(super) assumptions: Vec<String>,
}

impl Alternative {
    fn of(name: &'static str, components: Vec<(&'static str, f64)>, assumptions: Vec<String>) -> Self {
        Self { name, usd: components.iter().map(|(_, usd)| usd).sum(), components, assumptions }
    }
}

/// All of them.
pub(super) fn all(workload: &Workload, prices: &Prices) -> Vec<Alternative> {
    vec![schedules(workload, prices), workflows(workload, prices), machines(workload, prices)]
}

/// One schedule of EventBridge Scheduler a job, which invokes a function that polls it.
fn schedules(workload: &Workload, prices: &Prices) -> Alternative {
    let polls = workload.polls();
    let starting = Usage { schedule_invocations: polls, ..Usage::default() };
    // The row and the token, without consistency.
    let reading = Usage { read_half_units: 2 * polls, ..Usage::default() };
    let components = vec![
        ("EventBridge Scheduler", prices.bill(&starting).total()),
        ("Lambda and its logs", prices.bill(&one_by_one(polls)).total()),
        ("DynamoDB, reads", prices.bill(&reading).total()),
        ("DynamoDB, news", prices.bill(&news_writes(workload)).total()),
        ("EventBridge, news", prices.bill(&news_events(workload)).total()),
    ];
    let assumptions = vec![
        format!("an invocation a poll: {POLLER_MB} MB for {} ms", POLL_MS + WORKER_OVERHEAD_MS),
        "the row and the token are read each time, and the row is written when there is news".to_owned(),
        "no retries, no rate limits: a job that is held is invoked all the same".to_owned(),
    ];
    Alternative::of("one EventBridge Scheduler schedule a job", components, assumptions)
}

/// A state machine a job, which waits, polls, and begins anew.
fn workflows(workload: &Workload, prices: &Prices) -> Alternative {
    let polls = workload.polls();
    let transitions = float(polls) * LOOP_TRANSITIONS;
    let tokens = Usage { read_half_units: polls, ..Usage::default() };
    let components = vec![
        ("Step Functions", transitions / 1e6 * prices.step_functions.million_transitions),
        ("Lambda and its logs", prices.bill(&one_by_one(polls)).total()),
        ("DynamoDB, tokens", prices.bill(&tokens).total()),
        ("EventBridge, news", prices.bill(&news_events(workload)).total()),
    ];
    let assumptions = vec![
        format!("{LOOP_TRANSITIONS} transitions a poll in a standard workflow: wait, poll, choose"),
        "its state is the workflow's own; an express workflow may not wait longer than five minutes in all"
            .to_owned(),
        "starting anew before 25,000 entries of history is not counted".to_owned(),
    ];
    Alternative::of("a Step Functions loop", components, assumptions)
}

/// Workers on Kubernetes, and the due jobs in Redis.
fn machines(workload: &Workload, prices: &Prices) -> Alternative {
    let polls = float(workload.polls());
    let polls_a_second = polls / (MONTH_HOURS * 3600.0);
    let processors = polls_a_second * POLL_CPU_SECONDS / MACHINE_USE;
    let count = (processors / MACHINE_PROCESSORS).ceil().max(LEAST_MACHINES);
    let kept = (float(workload.jobs()) * REDIS_JOB_BYTES / GB).max(REDIS_LEAST_GB);
    let commands = polls * REDIS_COMMANDS;
    let components = vec![
        ("EKS", prices.eks.cluster_hour * MONTH_HOURS),
        ("EC2", count * prices.ec2.machine_hour * MONTH_HOURS),
        (
            "ElastiCache",
            kept * prices.elasticache.gb_hour * MONTH_HOURS
                + commands / 1e6 * prices.elasticache.million_processing_units,
        ),
        ("EventBridge, news", prices.bill(&news_events(workload)).total()),
    ];
    let assumptions = vec![
        format!(
            "{count} machines (m7g.large): {POLL_CPU_SECONDS} s of processor a poll, at half use, three at least"
        ),
        format!(
            "{REDIS_COMMANDS} commands a poll and {REDIS_JOB_BYTES} bytes a job in ElastiCache Serverless for Valkey"
        ),
        "whatever is in Redis may be lost; no disks, load balancers, NAT, traffic between zones, logs"
            .to_owned(),
        "nobody is paid to keep the cluster running".to_owned(),
    ];
    Alternative::of("Redis and Kubernetes", components, assumptions)
}

/// A function that polls one job an invocation.
fn one_by_one(polls: u64) -> Usage {
    let one = Usage::invocation(POLLER_MB, POLL_MS + WORKER_OVERHEAD_MS, POLLER_LOG_BYTES);
    Usage {
        function_requests: polls,
        function_mb_ms: one.function_mb_ms * polls,
        log_bytes: one.log_bytes * polls,
        ..Usage::default()
    }
}

fn news_writes(workload: &Workload) -> Usage {
    Usage { write_units: whole(workload.news_rate * float(workload.polls())), ..Usage::default() }
}

fn news_events(workload: &Workload) -> Usage {
    Usage { events: whole(workload.news_rate * float(workload.polls())), ..Usage::default() }
}
