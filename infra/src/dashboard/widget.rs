//! The pieces of a CloudWatch dashboard: graphs, texts, the state of alarms; and the grid that they stand in.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>

use serde_json::{Value, json};

/// Columns of a dashboard.
const COLUMNS: usize = 24;
/// Rows of a text and of a graph.
const TEXT_ROWS: usize = 2;
const GRAPH_ROWS: usize = 6;

/// The name of the stack, within `Fn::Sub`.
pub(super) const STACK: &str = "${AWS::StackName}";

/// A line in a graph: namespace, metric, dimensions in pairs, and how it is drawn.
#[derive(Debug)]
pub(super) struct Line(Vec<Value>);

impl Line {
    /// A metric with its dimensions.
    pub(super) fn new(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Self {
        let mut parts = vec![json!(namespace), json!(metric)];
        parts.extend(dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]));
        Self(parts)
    }

    /// What its legend says, and by which statistic it is drawn.
    pub(super) fn drawn(mut self, label: &str, statistic: &str) -> Self {
        self.0.push(json!({ "label": label, "stat": statistic }));
        self
    }

    /// The same, against the axis on the right.
    pub(super) fn drawn_right(mut self, label: &str, statistic: &str) -> Self {
        self.0.push(json!({ "label": label, "stat": statistic, "yAxis": "right" }));
        self
    }
}

/// Something in the grid, without its place.
#[derive(Debug)]
pub(super) struct Widget {
    kind: &'static str,
    properties: Value,
}

impl Widget {
    /// Lines over time, a point a minute.
    pub(super) fn graph(title: &str, lines: Vec<Line>) -> Self {
        let metrics: Vec<Value> = lines.into_iter().map(|line| Value::Array(line.0)).collect();
        let properties = json!({
            "title": title,
            "view": "timeSeries",
            "region": "${AWS::Region}",
            "period": 60,
            "metrics": metrics,
            "yAxis": { "left": { "min": 0 }, "right": { "min": 0 } },
        });
        Self { kind: "metric", properties }
    }

    /// The same, one upon the other: their sum counts.
    pub(super) fn stacked(title: &str, lines: Vec<Line>) -> Self {
        let mut widget = Self::graph(title, lines);
        widget.properties["stacked"] = json!(true);
        widget
    }

    /// A line that must not be reached.
    pub(super) fn limit(mut self, label: &str, value: u32) -> Self {
        self.properties["annotations"] = json!({ "horizontal": [{ "label": label, "value": value }] });
        self
    }

    /// The state of alarms.
    pub(super) fn alarms(title: &str, arns: Vec<String>) -> Self {
        Self { kind: "alarm", properties: json!({ "title": title, "alarms": arns }) }
    }

    /// A heading with a sentence or two.
    fn text(markdown: &str) -> Self {
        Self { kind: "text", properties: json!({ "markdown": markdown, "background": "transparent" }) }
    }
}

/// Widgets in rows from the top.
#[derive(Debug, Default)]
pub(super) struct Grid {
    widgets: Vec<Value>,
    next_row: usize,
}

impl Grid {
    /// A heading over the whole width.
    pub(super) fn heading(&mut self, markdown: &str) {
        self.place(vec![Widget::text(markdown)], TEXT_ROWS);
    }

    /// Graphs side by side, of one width.
    pub(super) fn row(&mut self, widgets: Vec<Widget>) {
        self.place(widgets, GRAPH_ROWS);
    }

    fn place(&mut self, widgets: Vec<Widget>, rows: usize) {
        let width = COLUMNS / widgets.len().max(1);
        for (index, widget) in widgets.into_iter().enumerate() {
            self.widgets.push(json!({
                "type": widget.kind,
                "x": index * width,
                "y": self.next_row,
                "width": width,
                "height": rows,
                "properties": widget.properties,
            }));
        }
        self.next_row += rows;
    }

    /// The dashboard's body, a widget a line, so that a change shows as one.
    pub(super) fn body(&self) -> String {
        let lines: Vec<String> = self.widgets.iter().map(Value::to_string).collect();
        format!("{{\"widgets\":[\n{}\n]}}\n", lines.join(",\n"))
    }
}
