//! The alarms, and the topic that they may report to. What each means and what to do first is told in
//! `docs/operations.md`, under the heading that its description names.

use serde_json::{Value, json};

use crate::deployment::dead;
use crate::functions::Function;
use crate::parameters::HAS_ALARM_EMAIL;
use crate::queues::{CONTROL_DEAD, DeadLetters, Queue, TICK_DEAD};
use crate::template::{Named, Resource, attribute, either, named, nothing, reference};

/// The namespace of our own metrics.
pub(crate) const NAMESPACE: &str = "Pollwheel";
const TOPIC: &str = "AlarmTopic";

/// One alarm on one metric.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// Its logical id, without `Alarm`.
    id: String,
    /// Its name after the stack's.
    pub(crate) name: String,
    /// What it means, in a sentence.
    meaning: String,
    /// The heading of the page on operations that tells what to do.
    heading: &'static str,
    namespace: &'static str,
    metric: &'static str,
    dimensions: Vec<(&'static str, Value)>,
    statistic: &'static str,
    /// It rings when the statistic reaches this.
    threshold: u32,
    span: Span,
    missing: &'static str,
}

/// Over which time an alarm looks.
#[derive(Debug, Clone, Copy)]
struct Span {
    period_seconds: u32,
    periods: u32,
    bad_periods: u32,
}

/// One bad five minutes are enough: what it counts must not happen.
const AT_ONCE: Span = Span { period_seconds: 300, periods: 1, bad_periods: 1 };
/// Two bad ones of three: a single mishap mends itself by a retry.
const PERSISTENT: Span = Span { period_seconds: 300, periods: 3, bad_periods: 2 };
/// Three minutes without interruption.
const MINUTES: Span = Span { period_seconds: 60, periods: 3, bad_periods: 3 };

/// A tick later than this for three minutes is a scheduler that does not keep up.
pub(crate) const TICK_LAG_SECONDS: u32 = 120;
/// Redeliveries that a message may need while all is well, and time beyond them, until its age is an alarm.
const REDELIVERIES: u32 = 2;
const AGE_MARGIN_SECONDS: u32 = 180;

/// Every alarm.
pub(crate) fn all(functions: &[Function], queues: &[Queue]) -> Vec<Alarm> {
    let mut alarms = vec![tick_lag(), tick_time_fallback(), cursors_kept(), rows_unreadable(), unavailable()];
    for queue in queues {
        alarms.push(old(queue));
        alarms.extend(dead_letters(queue));
    }
    for park in [TICK_DEAD, CONTROL_DEAD] {
        let id = park.logical.trim_end_matches("Queue");
        alarms.push(not_empty(id, park.name, park.logical, AT_ONCE));
    }
    for function in functions {
        alarms.extend(of_function(function));
    }
    alarms
}

/// The dimensions of our own metrics that a function reports for itself.
fn of_scheduler() -> Vec<(&'static str, Value)> {
    vec![("Stack", reference("AWS::StackName")), ("Function", json!("scheduler"))]
}

/// No tick at all is the worst lag of all, so that missing data is a breach.
fn tick_lag() -> Alarm {
    Alarm {
        id: "TickLag".to_owned(),
        name: "tick-lag".to_owned(),
        meaning: format!(
            "Ticks come {TICK_LAG_SECONDS} seconds late, or not at all: nothing is polled on time"
        ),
        heading: "tick-lag",
        namespace: NAMESPACE,
        metric: "TickLagSeconds",
        dimensions: of_scheduler(),
        statistic: "Maximum",
        threshold: TICK_LAG_SECONDS,
        span: MINUTES,
        missing: "breaching",
    }
}

/// One failing job type does not fail the scheduler, and lags nowhere: this is what tells of it.
fn cursors_kept() -> Alarm {
    Alarm {
        id: "CursorsKept".to_owned(),
        name: "cursors-kept".to_owned(),
        meaning: "A job type was not dispatched, or in part, for three minutes".to_owned(),
        heading: "cursors-kept",
        namespace: NAMESPACE,
        metric: "CursorsKept",
        dimensions: of_scheduler(),
        statistic: "Sum",
        threshold: 1,
        span: MINUTES,
        missing: "notBreaching",
    }
}

fn rows_unreadable() -> Alarm {
    Alarm {
        id: "RowsUnreadable".to_owned(),
        name: "rows-unreadable".to_owned(),
        meaning: "Rows cannot be read by this build, so their jobs are not polled".to_owned(),
        heading: "rows-unreadable",
        namespace: NAMESPACE,
        metric: "RowsUnreadable",
        dimensions: of_scheduler(),
        statistic: "Sum",
        threshold: 1,
        span: MINUTES,
        missing: "notBreaching",
    }
}

fn unavailable() -> Alarm {
    Alarm {
        id: "Unavailable".to_owned(),
        name: "unavailable".to_owned(),
        meaning: "Jobs cannot be polled for a reason of our own: a key or a table is out of reach".to_owned(),
        heading: "unavailable",
        namespace: NAMESPACE,
        metric: "Unavailable",
        dimensions: vec![("Stack", reference("AWS::StackName")), ("Function", json!("completion"))],
        statistic: "Sum",
        threshold: 1,
        span: PERSISTENT,
        missing: "notBreaching",
    }
}

fn tick_time_fallback() -> Alarm {
    Alarm {
        id: "TickTimeFallback".to_owned(),
        name: "tick-time-fallback".to_owned(),
        meaning: "Ticks carry no usable time, so the scheduler takes the clock's".to_owned(),
        heading: "tick-time-fallback",
        namespace: NAMESPACE,
        metric: "TickTimeFallback",
        dimensions: of_scheduler(),
        statistic: "Sum",
        threshold: 1,
        span: AT_ONCE,
        missing: "notBreaching",
    }
}

fn of_queue(logical: &str) -> Vec<(&'static str, Value)> {
    vec![("QueueName", attribute(logical, "QueueName"))]
}

fn old(queue: &Queue) -> Alarm {
    let threshold = REDELIVERIES * queue.visibility_seconds() + AGE_MARGIN_SECONDS;
    Alarm {
        id: format!("{}Age", queue.id),
        name: format!("{}-age", queue.name),
        meaning: format!("The oldest message of {} waits for {threshold} seconds", queue.name),
        heading: "queue-age",
        namespace: "AWS/SQS",
        metric: "ApproximateAgeOfOldestMessage",
        dimensions: of_queue(&queue.logical()),
        statistic: "Maximum",
        threshold,
        span: MINUTES,
        missing: "notBreaching",
    }
}

/// Where the completion reads the dead letters they are rarely visible, however many there are: what it takes is
/// counted then. And when it takes none, those that lie there are.
fn dead_letters(queue: &Queue) -> Vec<Alarm> {
    let (id, name, logical) = (format!("{}Dead", queue.id), dead(&queue.name), queue.dead_logical());
    match queue.dead_letters {
        DeadLetters::Kept => vec![not_empty(&id, &name, &logical, AT_ONCE)],
        DeadLetters::Completed => vec![
            Alarm {
                id: format!("{id}Letters"),
                name: format!("{name}-letters"),
                meaning: format!("Jobs of {} ended their worker again and again", queue.name),
                heading: "dead-letters-of-jobs",
                namespace: "AWS/SQS",
                metric: "NumberOfMessagesReceived",
                dimensions: of_queue(&logical),
                statistic: "Sum",
                threshold: 1,
                span: AT_ONCE,
                missing: "notBreaching",
            },
            not_empty(&id, &name, &logical, PERSISTENT),
        ],
    }
}

fn not_empty(id: &str, name: &str, logical: &str, span: Span) -> Alarm {
    Alarm {
        id: id.to_owned(),
        name: name.to_owned(),
        meaning: format!("Messages lie in {name}"),
        heading: "dead-letters",
        namespace: "AWS/SQS",
        metric: "ApproximateNumberOfMessagesVisible",
        dimensions: of_queue(logical),
        statistic: "Maximum",
        threshold: 1,
        span,
        missing: "notBreaching",
    }
}

fn of_function(function: &Function) -> [Alarm; 3] {
    let alarm =
        |metric: &'static str, suffix: &str, meaning: &str, heading: &'static str, span: Span| Alarm {
            id: format!("{}{metric}", function.id),
            name: format!("{}-{suffix}", function.name),
            meaning: format!("{}: {meaning}", function.name),
            heading,
            namespace: "AWS/Lambda",
            metric,
            dimensions: vec![("FunctionName", reference(&function.logical()))],
            statistic: "Sum",
            threshold: 1,
            span,
            missing: "notBreaching",
        };
    [
        alarm("Errors", "errors", "invocations fail", "function-errors", PERSISTENT),
        alarm("Throttles", "throttles", "Lambda refuses invocations", "function-throttles", PERSISTENT),
        alarm(
            "RecursiveInvocationsDropped",
            "recursion",
            "Lambda stopped a loop",
            "recursive-invocations-dropped",
            AT_ONCE,
        ),
    ]
}

impl Alarm {
    fn resource(&self) -> Resource {
        let dimensions: Vec<Value> =
            self.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let actions = || either(HAS_ALARM_EMAIL, json!([reference(TOPIC)]), nothing());
        Resource::new(
            "AWS::CloudWatch::Alarm",
            json!({
                "AlarmName": named(&self.name),
                "AlarmDescription": format!("{}. See docs/operations.md#{}", self.meaning, self.heading),
                "Namespace": self.namespace,
                "MetricName": self.metric,
                "Dimensions": dimensions,
                "Statistic": self.statistic,
                "Period": self.span.period_seconds,
                "EvaluationPeriods": self.span.periods,
                "DatapointsToAlarm": self.span.bad_periods,
                "Threshold": self.threshold,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": self.missing,
                "AlarmActions": actions(),
                "OKActions": actions(),
            }),
        )
    }
}

/// Alarms and topic.
pub(crate) fn add(alarms: &[Alarm], resources: &mut Named<Resource>) {
    let topic = json!({ "TopicName": named("alarms") });
    resources.add(TOPIC, Resource::new("AWS::SNS::Topic", topic).when(HAS_ALARM_EMAIL));
    let subscription =
        json!({ "TopicArn": reference(TOPIC), "Protocol": "email", "Endpoint": reference("AlarmEmail") });
    resources.add(
        "AlarmSubscription",
        Resource::new("AWS::SNS::Subscription", subscription).when(HAS_ALARM_EMAIL),
    );
    for alarm in alarms {
        resources.add(format!("{}Alarm", alarm.id), alarm.resource());
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::id::JobTypeId;

    use super::*;
    use crate::deployment::Deployment;
    use crate::{functions, queues};

    #[test]
    fn the_page_on_operations_tells_what_to_do_about_every_alarm() {
        let page = include_str!("../../docs/operations.md");
        let anchors: Vec<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
            .map(|heading| heading.to_lowercase().replace(' ', "-"))
            .collect();
        let deployment = Deployment::from_ids([JobTypeId::new("toy/posts").unwrap()]).unwrap();
        for alarm in all(&functions::all(&deployment), &queues::all(&deployment)) {
            assert!(
                anchors.iter().any(|anchor| anchor == alarm.heading),
                "{} of {}",
                alarm.heading,
                alarm.name
            );
        }
    }

    #[test]
    fn a_message_may_be_redelivered_twice_before_its_age_is_an_alarm() {
        let queue = Queue::of_outcomes();
        assert_eq!(queue.visibility_seconds(), 6 * 30 + 1);
        assert_eq!(old(&queue).threshold, 2 * 181 + 180);
    }
}
