//! The operator's dashboard, from top to bottom in the order of the questions: is anything wrong, do ticks come, do
//! queues drain, what do polls come to, how are functions and tables, what does it cost.

mod widget;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::alarms::{Alarm, NAMESPACE, TICK_LAG_SECONDS};
use crate::bus::CONTROL_RULE_NAME;
use crate::deployment::{Deployment, dead};
use crate::functions::Function;
use crate::queues::{CONTROL_DEAD, Queue, TICK_DEAD};
use crate::tables;
use crate::template::{Named, Resource, sub};
use widget::{Grid, Line, STACK, Widget};

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html>
const MAX_LINES_OF_A_GRAPH: usize = 500;
/// Alarms in one widget.
const MAX_ALARMS_OF_A_WIDGET: usize = 100;

/// How polls end, as the metrics call it; what is well first.
const OUTCOMES: [&str; 13] = [
    "Unchanged",
    "New",
    "Seeded",
    "RateLimited",
    "Unauthorized",
    "Gone",
    "ServerError",
    "Timeout",
    "Network",
    "BadResponse",
    "BusRefused",
    "Crashed",
    "Deferred",
];

/// Adds the dashboard.
///
/// # Errors
/// When there are more queues or functions than a graph can show.
pub(crate) fn add(
    deployment: &Deployment,
    functions: &[Function],
    queues: &[Queue],
    alarms: &[Alarm],
    resources: &mut Named<Resource>,
) -> Result<()> {
    let most = functions.len().max(queues.len() + 2) * 2;
    ensure!(
        most <= MAX_LINES_OF_A_GRAPH,
        "a graph of the dashboard would have {most} lines, and CloudWatch draws {MAX_LINES_OF_A_GRAPH}: deploy some of \
         the channels as a stack of their own",
    );
    let mut grid = Grid::default();
    summary(&mut grid, alarms);
    ticks(&mut grid, deployment);
    queue_graphs(&mut grid, queues);
    polls(&mut grid, deployment);
    function_graphs(&mut grid, functions);
    stores(&mut grid);
    cost(&mut grid, functions, queues);
    resources.add(
        "Dashboard",
        Resource::new(
            "AWS::CloudWatch::Dashboard",
            json!({ "DashboardName": sub("${AWS::StackName}"), "DashboardBody": sub(grid.body()) }),
        ),
    );
    Ok(())
}

/// One of our own metrics.
fn own(metric: &str, dimension: (&str, &str)) -> Line {
    Line::new(NAMESPACE, metric, &[("Stack", STACK), dimension])
}

fn of_scheduler(metric: &str) -> Line {
    own(metric, ("Function", "scheduler"))
}

fn of_completion(metric: &str) -> Line {
    own(metric, ("Function", "completion"))
}

fn summary(grid: &mut Grid, alarms: &[Alarm]) {
    grid.heading(&format!(
        "# {STACK}\nRed below: docs/operations.md tells what each alarm means and what to do first. \
         All green: lag, lateness and ages low, dispatches following the cohorts."
    ));
    let arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}";
    let arns: Vec<String> = alarms.iter().map(|alarm| format!("{arn}-{}", alarm.name)).collect();
    for part in arns.chunks(MAX_ALARMS_OF_A_WIDGET) {
        grid.row(vec![Widget::alarms("Alarms", part.to_vec())]);
    }
}

fn ticks(grid: &mut Grid, deployment: &Deployment) {
    grid.heading("## Ticks\nA tick a minute. What a tick missed the next one makes up, so a gap here is late, not lost.");
    let dispatched = deployment
        .job_types()
        .map(|(_, job_type)| {
            let id = job_type.id.as_str();
            own("Dispatched", ("JobType", id)).drawn(id, "Sum")
        })
        .collect();
    grid.row(vec![
        Widget::graph("Tick lag, seconds", vec![of_scheduler("TickLagSeconds").drawn("lag", "Maximum")])
            .limit("alarm", TICK_LAG_SECONDS),
        Widget::stacked("Jobs dispatched, a minute", dispatched),
        Widget::graph(
            "Left out by the tick",
            vec![
                of_scheduler("Held").drawn("jobs on hold", "Sum"),
                of_scheduler("SkippedJobTypes").drawn_right("job types paused, throttled, backlogged", "Sum"),
                of_scheduler("CursorsKept").drawn_right("job types to be made up", "Sum"),
                of_scheduler("MissedMinutes").drawn_right("minutes made up", "Sum"),
            ],
        ),
    ]);
}

fn queue_graphs(grid: &mut Grid, queues: &[Queue]) {
    grid.heading(
        "## Queues\nA minute's jobs leave evenly over 50 seconds. A backlog that grows means too few workers, or a slow \
         third party; dead letters mean that something ends its function.",
    );
    let of = |metric: &str, queue: &str| {
        Line::new("AWS/SQS", metric, &[("QueueName", &format!("{STACK}-{queue}"))]).drawn(queue, "Maximum")
    };
    let live = |metric: &str| queues.iter().map(|queue| of(metric, &queue.name)).collect();
    let mut dead_letters: Vec<Line> =
        queues.iter().map(|queue| of("ApproximateNumberOfMessagesVisible", &dead(&queue.name))).collect();
    dead_letters
        .extend(queues.iter().map(|queue| of("ApproximateNumberOfMessagesNotVisible", &dead(&queue.name))));
    dead_letters
        .extend([TICK_DEAD, CONTROL_DEAD].map(|park| of("ApproximateNumberOfMessagesVisible", park.name)));
    grid.row(vec![
        Widget::graph("Backlog, messages", live("ApproximateNumberOfMessagesVisible")),
        Widget::graph("Oldest message, seconds", live("ApproximateAgeOfOldestMessage")),
        Widget::graph("Dead letters, lying and in work", dead_letters),
    ]);
}

fn polls(grid: &mut Grid, deployment: &Deployment) {
    grid.heading("## Polls\nLateness counts from the minute in which a job was due to its call.");
    let by_channel = |metric: &str, statistic: &str| {
        deployment
            .channels
            .iter()
            .map(|channel| own(metric, ("Channel", &channel.name)).drawn(&channel.name, statistic))
            .collect()
    };
    grid.row(vec![
        Widget::graph("Lateness, seconds at most", by_channel("LatenessSecondsMax", "Maximum")),
        Widget::stacked("Polls, a minute", by_channel("Polls", "Sum")),
        Widget::stacked("Events published, a minute", by_channel("Events", "Sum")),
        Widget::graph("Records that come back", by_channel("RecordsFailed", "Sum")),
    ]);
    for pair in deployment.channels.chunks(2) {
        grid.row(
            pair.iter()
                .map(|channel| {
                    let lines = OUTCOMES
                        .iter()
                        .map(|outcome| own(outcome, ("Channel", &channel.name)).drawn(outcome, "Sum"))
                        .collect();
                    Widget::stacked(&format!("Outcomes of {}", channel.name), lines)
                })
                .collect(),
        );
    }
    grid.row(vec![Widget::graph(
        "What the completion did",
        ["Completed", "Updated", "Moved", "Held", "Parked", "Stale", "RecordsFailed"]
            .map(|metric| of_completion(metric).drawn(metric, "Sum"))
            .into(),
    )]);
}

fn function_graphs(grid: &mut Grid, functions: &[Function]) {
    grid.heading("## Functions\nThrottles: raise the account's concurrent executions. Errors: the function's log group.");
    let of = |metric: &str, statistic: &str, function: &Function| {
        Line::new("AWS/Lambda", metric, &[("FunctionName", &format!("{STACK}-{}", function.name))])
            .drawn(&format!("{} {}", function.name, metric.to_lowercase()), statistic)
    };
    let all = |metrics: &[(&str, &str)]| {
        metrics
            .iter()
            .flat_map(|(metric, statistic)| functions.iter().map(|function| of(metric, statistic, function)))
            .collect()
    };
    grid.row(vec![
        Widget::graph("Duration, ms (99th percentile)", all(&[("Duration", "p99")])),
        Widget::graph("Errors and throttles", all(&[("Errors", "Sum"), ("Throttles", "Sum")])),
        Widget::stacked("Concurrent executions", all(&[("ConcurrentExecutions", "Maximum")])),
    ]);
}

fn stores(grid: &mut Grid) {
    grid.heading("## Tables and bus\nA quiet system reads and hardly writes.");
    let of = |metric: &str, statistic: &str| {
        tables::ALL
            .map(|table| {
                let name = format!("{STACK}-{}", table.name);
                Line::new("AWS/DynamoDB", metric, &[("TableName", &name)]).drawn(table.name, statistic)
            })
            .into()
    };
    let mut throttled: Vec<Line> = of("ReadThrottleEvents", "Sum");
    throttled.extend::<Vec<Line>>(of("WriteThrottleEvents", "Sum"));
    grid.row(vec![
        Widget::stacked("Read units, a minute", of("ConsumedReadCapacityUnits", "Sum")),
        Widget::stacked("Write units, a minute", of("ConsumedWriteCapacityUnits", "Sum")),
        Widget::graph("Throttled reads and writes", throttled),
        Widget::graph("Commands, from the bus and direct", commands()),
    ]);
}

fn commands() -> Vec<Line> {
    let rule = format!("{STACK}-{CONTROL_RULE_NAME}");
    let of_rule = |metric: &str, label: &str| {
        Line::new("AWS/Events", metric, &[("EventBusName", STACK), ("RuleName", &rule)]).drawn(label, "Sum")
    };
    let of_control = |metric: &str, label: &str| own(metric, ("Function", "control")).drawn(label, "Sum");
    vec![
        of_rule("TriggeredRules", "events for us"),
        of_rule("FailedInvocations", "not delivered"),
        of_rule("InvocationsSentToDlq", "to the dead letters"),
        of_control("Commands", "commands"),
        of_control("CommandsRefused", "refused"),
        of_control("CommandsFailed", "failed"),
    ]
}

fn cost(grid: &mut Grid, functions: &[Function], queues: &[Queue]) {
    grid.heading("## What it costs\nThe quantities that the bill counts. docs/operations.md has the prices.");
    let requests = queues
        .iter()
        .flat_map(|queue| {
            let name = format!("{STACK}-{}", queue.name);
            ["NumberOfMessagesSent", "NumberOfEmptyReceives"].map(|metric| {
                let label = format!("{} {}", queue.name, metric.trim_start_matches("NumberOf"));
                Line::new("AWS/SQS", metric, &[("QueueName", &name)]).drawn(&label, "Sum")
            })
        })
        .collect();
    let time = functions
        .iter()
        .map(|function| {
            let name = format!("{STACK}-{}", function.name);
            let label = format!("{} at {} MB", function.name, function.memory_mb);
            Line::new("AWS/Lambda", "Duration", &[("FunctionName", &name)]).drawn(&label, "Sum")
        })
        .collect();
    let invocations = functions
        .iter()
        .map(|function| {
            let name = format!("{STACK}-{}", function.name);
            Line::new("AWS/Lambda", "Invocations", &[("FunctionName", &name)]).drawn(&function.name, "Sum")
        })
        .collect();
    grid.row(vec![
        Widget::stacked("Milliseconds of functions, a minute", time),
        Widget::stacked("Invocations, a minute", invocations),
        Widget::stacked("Messages and empty receives, a minute", requests),
        Widget::graph(
            "Units that the passes report",
            vec![
                of_scheduler("ReadUnits").drawn("scheduler reads", "Sum"),
                of_scheduler("WriteUnits").drawn("scheduler writes", "Sum"),
                of_completion("ReadUnits").drawn("completion reads", "Sum"),
                of_completion("WriteUnits").drawn("completion writes", "Sum"),
            ],
        ),
    ]);
}
