//! The mappings from queues to functions: which function reads what, in which batches, with how many at a time.

use serde_json::json;

use crate::deployment::Deployment;
use crate::queues::{DeadLetters, Queue, WINDOW_SECONDS};
use crate::scale::Scale;
use crate::template::{Named, Resource, arn, reference};

/// Dead letters are few, and nobody waits for them: SQS's least.
const DEAD_LETTER_CONCURRENCY: u32 = 2;

/// All mappings.
pub(crate) fn add(deployment: &Deployment, scale: &Scale, resources: &mut Named<Resource>) {
    for (channel, job_type) in deployment.job_types() {
        let queue = Queue::of_jobs(&job_type.queue, &job_type.logical);
        let worker = format!("Worker{}LambdaFunction", channel.logical);
        let own = scale.of(&job_type.id).and_then(|size| size.worker_concurrency);
        let concurrency = own.map_or_else(|| reference("WorkerConcurrency"), |own| json!(own));
        resources.add(format!("{}Mapping", queue.id), mapping(&queue, &worker, concurrency));
        if queue.dead_letters == DeadLetters::Completed {
            resources.add(format!("{}DeadMapping", queue.id), dead_mapping(&queue));
        }
    }
    let completed = Queue::of_outcomes();
    resources.add(
        "CompletedMapping",
        mapping(&completed, "CompletionLambdaFunction", reference("CompletionConcurrency")),
    );
    let drains = Queue::of_drains();
    resources
        .add("DrainsMapping", mapping(&drains, "SchedulerLambdaFunction", reference("DrainConcurrency")));
}

fn mapping(queue: &Queue, function: &str, concurrency: serde_json::Value) -> Resource {
    Resource::new(
        "AWS::Lambda::EventSourceMapping",
        json!({
            "EventSourceArn": arn(&queue.logical()),
            "FunctionName": arn(function),
            "BatchSize": queue.batch_size,
            "MaximumBatchingWindowInSeconds": queue.window_seconds,
            // A record that fails comes back alone; without this its whole batch would.
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": { "MaximumConcurrency": concurrency },
        }),
    )
}

fn dead_mapping(queue: &Queue) -> Resource {
    Resource::new(
        "AWS::Lambda::EventSourceMapping",
        json!({
            "EventSourceArn": arn(&queue.dead_logical()),
            "FunctionName": arn("CompletionLambdaFunction"),
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": WINDOW_SECONDS,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": { "MaximumConcurrency": DEAD_LETTER_CONCURRENCY },
        }),
    )
}
