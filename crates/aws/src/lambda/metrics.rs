//! Metrics in CloudWatch's embedded format: a JSON line on standard output becomes metrics, without a call.
//!
//! Every line has the dimension `Stack` and those of its [`Dimension`]. A dashboard or an alarm names them all.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;
use std::io::Write;

use pollwheel_core::id::{ChannelName, JobTypeId, ServiceLevel};
use pollwheel_core::time::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of every metric.
const NAMESPACE: &str = "Pollwheel";

/// Most values of one metric in a line: CloudWatch drops a longer list.
pub const MAX_VALUES: usize = 100;

/// What a line is about, besides the stack.
#[derive(Debug, Clone, Copy)]
pub enum Dimension<'a> {
    /// A job type: what a tick dispatched of it.
    JobType(&'a JobTypeId),
    /// A channel: what its worker polled.
    Channel(&'a ChannelName),
    /// A function: `scheduler`, `completion`, `control`.
    Function(&'a str),
    /// A job type at a service level: how fresh its items are.
    Level(&'a JobTypeId, &'a ServiceLevel),
}

impl Dimension<'_> {
    /// Names and values.
    fn members(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::JobType(job_type) => vec![("JobType", job_type.as_str())],
            Self::Channel(channel) => vec![("Channel", channel.as_str())],
            Self::Function(name) => vec![("Function", name)],
            Self::Level(job_type, level) => vec![("JobType", job_type.as_str()), ("Level", level.as_str())],
        }
    }
}

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
}

/// One metric of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    name: String,
    unit: Unit,
    value: Value,
}

impl Metric {
    /// A number of things.
    pub fn count(name: impl Into<String>, count: u64) -> Self {
        Self { name: name.into(), unit: Unit::Count, value: count.into() }
    }

    /// A number of things of which there are parts.
    pub fn amount(name: impl Into<String>, amount: f64) -> Self {
        Self { name: name.into(), unit: Unit::Count, value: amount.into() }
    }

    /// A time.
    pub fn seconds(name: impl Into<String>, time: std::time::Duration) -> Self {
        Self { name: name.into(), unit: Unit::Seconds, value: time.as_secs_f64().into() }
    }

    /// Several times, of which the first [`MAX_VALUES`] are kept: percentiles are of all of them.
    pub fn all_seconds(name: impl Into<String>, mut seconds: Vec<u64>) -> Self {
        seconds.truncate(MAX_VALUES);
        Self { name: name.into(), unit: Unit::Seconds, value: seconds.into() }
    }

    /// A count by the name of an outcome: `rate_limited` is the metric `RateLimited`.
    #[must_use]
    pub fn outcome(name: &str, count: u64) -> Self {
        let mut camel = String::with_capacity(name.len());
        for word in name.split('_') {
            let mut letters = word.chars();
            camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            camel.push_str(letters.as_str());
        }
        Self::count(camel, count)
    }
}

/// A line, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Line(Value);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Line {
    fn new(stack: &str, now: Timestamp, dimension: Dimension<'_>, metrics: Vec<Metric>) -> Self {
        let declared: Vec<Value> = metrics
            .iter()
            .map(|metric| {
                let unit = match metric.unit {
                    Unit::Count => "Count",
                    Unit::Seconds => "Seconds",
                };
                json!({"Name": metric.name, "Unit": unit})
            })
            .collect();
        let mut line = Map::new();
        let members = dimension.members();
        let names: Vec<&str> = ["Stack"].into_iter().chain(members.iter().map(|(name, _)| *name)).collect();
        let directive = json!({
            "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": declared,
        });
        line.insert("_aws".to_owned(), json!({"Timestamp": now.millis(), "CloudWatchMetrics": [directive]}));
        line.insert("Stack".to_owned(), stack.into());
        line.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        line.extend(metrics.into_iter().map(|metric| (metric.name, metric.value)));
        Self(Value::Object(line))
    }
}

/// Where lines go.
pub struct Metrics {
    stack: String,
    write: Box<dyn Fn(&Line)>,
}

impl Metrics {
    /// Metrics of a stack, on standard output.
    pub fn new(stack: impl Into<String>) -> Self {
        Self::to(stack, |line| {
            let text = format!("{line}\n");
            // A log that takes no more lines must not end the pass.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        })
    }

    /// Metrics of a stack, to wherever `write` puts them.
    pub fn to(stack: impl Into<String>, write: impl Fn(&Line) + 'static) -> Self {
        Self { stack: stack.into(), write: Box::new(write) }
    }

    /// Writes a line, unless it has no metric.
    pub fn emit(&self, now: Timestamp, dimension: Dimension<'_>, metrics: Vec<Metric>) {
        if !metrics.is_empty() {
            (self.write)(&Line::new(&self.stack, now, dimension, metrics));
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("stack", &self.stack).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_embedded_metric_format() {
        let job_type = JobTypeId::new("mastodon/statuses").unwrap();
        let line = Line::new(
            "pollwheel-dev",
            Timestamp::from_millis(1_795_419_862_000),
            Dimension::JobType(&job_type),
            vec![
                Metric::count("Dispatched", 12),
                Metric::seconds("TickLagSeconds", std::time::Duration::from_millis(1500)),
                Metric::outcome("rate_limited", 2),
                Metric::amount("ReadUnits", 0.5),
            ],
        );
        assert_eq!(
            line.to_string(),
            concat!(
                r#"{"Dispatched":12,"JobType":"mastodon/statuses","RateLimited":2,"ReadUnits":0.5,"#,
                r#""Stack":"pollwheel-dev","TickLagSeconds":1.5,"_aws":{"CloudWatchMetrics":[{"#,
                r#""Dimensions":[["Stack","JobType"]],"Metrics":[{"Name":"Dispatched","Unit":"Count"},"#,
                r#"{"Name":"TickLagSeconds","Unit":"Seconds"},{"Name":"RateLimited","Unit":"Count"},"#,
                r#"{"Name":"ReadUnits","Unit":"Count"}],"Namespace":"Pollwheel"}],"Timestamp":1795419862000}}"#
            )
        );
    }

    #[test]
    fn a_line_without_metrics_is_not_written() {
        let metrics = Metrics::to("x", |line| panic!("wrote {line}"));
        metrics.emit(Timestamp::from_millis(0), Dimension::Function("control"), Vec::new());
    }
}
