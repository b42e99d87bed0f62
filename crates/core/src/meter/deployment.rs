//! The sizes of the deployment that a bill depends on: one home for the numbers that the templates are rendered from and
//! that the meter counts with.

/// Memory of the scheduler, in MB.
pub const SCHEDULER_MB: u64 = 1024;
/// Memory of a worker, in MB.
pub const WORKER_MB: u64 = 512;
/// Memory of the completion, in MB.
pub const COMPLETION_MB: u64 = 256;

/// Jobs of a worker's batch. Ten is the most without a window, and a poll would cost ten times the requests.
pub const WORKER_BATCH: u64 = 100;
/// Polls that one worker runs at a time: the whole batch, so that it lasts as long as its longest poll, which is what is
/// paid for.
pub const WORKER_CONCURRENCY: u64 = 100;
/// Messages of a completion's batch. Each holds the outcomes of a whole batch of polls.
pub const COMPLETION_BATCH: u64 = 10;
/// Dead letters of a batch.
pub const DEAD_LETTER_BATCH: u64 = 10;
/// Partitions of a batch: one may take a whole invocation.
pub const DRAIN_BATCH: u64 = 1;
/// How long batches of jobs, outcomes and dead letters gather, in milliseconds.
pub const WINDOW_MS: u64 = 1000;

/// Time of a tick beside what it dispatches, in milliseconds: reading gates and empty partitions, moving cursors.
pub const TICK_MS: u64 = 300;
/// Time of the scheduler a job dispatched, in nanoseconds: 30 microseconds of processor at 0.58 of one.
pub const DISPATCH_NS: u64 = 52_000;
/// Time of a worker's batch beside its polls, in milliseconds: credentials, throttles, sending outcomes.
pub const WORKER_OVERHEAD_MS: u64 = 30;
/// Time of a poll where nobody has measured it, in milliseconds.
pub const POLL_MS: u64 = 300;
/// Bytes of a poll's outcome in a message, where nobody has measured it.
pub const OUTCOME_BYTES: u64 = 500;
/// Time of a completion, in milliseconds.
pub const COMPLETION_MS: u64 = 100;
/// What an invocation logs, in bytes: a report of ours, and Lambda's three lines.
pub const LOG_BYTES: u64 = 2048;
/// Requests a minute by which a mapping waits at a queue: five pollers, 20 seconds each.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
pub const LONG_POLLS_A_MINUTE: u64 = 15;

/// Queues with a mapping: completed and drains, and of each job type its jobs and its dead letters.
#[must_use]
pub const fn mapped_queues(job_types: u64) -> u64 {
    2 + 2 * job_types
}

/// Custom metrics of a stack: the scheduler's, the completion's and the control function's, and those of each job type and
/// channel.
#[must_use]
pub const fn metrics(channels: u64, job_types: u64) -> u64 {
    11 + 16 + 5 + 8 * job_types + 18 * channels
}

/// Alarms of a stack: the fixed ones, three a job type, three a channel.
#[must_use]
pub const fn alarms(channels: u64, job_types: u64) -> u64 {
    20 + 3 * job_types + 3 * channels
}

/// Time of a worker's batch, in milliseconds, whose polls last so long each.
#[must_use]
pub const fn worker_ms(polls: u64, poll_ms: u64) -> u64 {
    WORKER_OVERHEAD_MS + polls.div_ceil(WORKER_CONCURRENCY) * poll_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_lasts_as_long_as_its_rounds_of_polls() {
        assert_eq!(worker_ms(1, 300), 330);
        assert_eq!(worker_ms(WORKER_CONCURRENCY, 300), 330);
        assert_eq!(worker_ms(WORKER_CONCURRENCY + 1, 300), 630);
    }

    #[test]
    fn two_job_types_have_six_queues_to_wait_at() {
        assert_eq!(mapped_queues(2), 6);
    }
}
