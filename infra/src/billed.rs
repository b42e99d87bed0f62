//! What the core's meter takes the deployment to be is what is rendered.

use pollwheel_core::id::JobTypeId;
use pollwheel_core::meter::deployment as billed;

use crate::deployment::Deployment;
use crate::functions::{self, Binary};
use crate::queues::{Queue, WINDOW_SECONDS};
use crate::scale::Scale;
use crate::stack::Stack;

fn deployment(job_types: &[&str]) -> Deployment {
    Deployment::from_ids(job_types.iter().map(|id| JobTypeId::new(*id).unwrap())).unwrap()
}

#[test]
fn functions_have_the_memory_that_is_billed() {
    for function in functions::all(&deployment(&["mastodon/statuses"])) {
        let memory = match function.binary {
            Binary::Scheduler => billed::SCHEDULER_MB,
            Binary::Worker { .. } => billed::WORKER_MB,
            Binary::Completion => billed::COMPLETION_MB,
            Binary::Control => continue,
        };
        assert_eq!(u64::from(function.memory_mb), memory, "{}", function.name);
    }
}

#[test]
fn queues_gather_the_batches_that_are_billed() {
    let batches = [
        (Queue::of_jobs("jobs-x", "X"), billed::WORKER_BATCH),
        (Queue::of_outcomes(), billed::COMPLETION_BATCH),
        (Queue::of_drains(), billed::DRAIN_BATCH),
    ];
    for (queue, batch) in batches {
        assert_eq!(u64::from(queue.batch_size), batch, "{}", queue.name);
    }
    assert_eq!(u64::from(WINDOW_SECONDS) * 1000, billed::WINDOW_MS);
}

#[test]
fn alarms_and_mappings_are_as_many_as_are_billed() {
    for (channels, job_types, ids) in [
        (1, 1, &["mastodon/statuses"][..]),
        (1, 2, &["mastodon/statuses", "mastodon/notifications"]),
        (2, 3, &["mastodon/statuses", "mastodon/notifications", "github/events"]),
    ] {
        let stack = Stack::of(&deployment(ids), &Scale::default()).unwrap();
        let count = |kind: &str| {
            stack.resources.iter().filter(|(_, resource)| resource.kind() == kind).count() as u64
        };
        assert_eq!(count("AWS::CloudWatch::Alarm"), billed::alarms(channels, job_types), "{ids:?}");
        let mappings = count("AWS::Lambda::EventSourceMapping");
        assert_eq!(mappings, billed::mapped_queues(job_types), "{ids:?}");
    }
}
