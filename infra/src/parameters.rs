//! The template's parameters and conditions: what an operator chooses for a stack.

use serde_json::{Value, json};

use crate::template::Named;

/// A parameter of the template.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value unless told otherwise.
    pub(crate) default: &'static str,
    kind: &'static str,
    description: &'static str,
    rule: Rule,
}

/// What a value must be.
#[derive(Debug)]
enum Rule {
    Free,
    OneOf(&'static [&'static str]),
    Range(u32, u32),
    Pattern(&'static str),
}

/// Fixes the processor of the functions. The Serverless Framework wants it in its own words, so that form has no such
/// parameter.
pub(crate) const ARCHITECTURE: &str = "Architecture";

/// Retentions that CloudWatch Logs knows.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTIONS: &[&str] = &[
    "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096",
    "1827",
];

const fn text(name: &'static str, default: &'static str, rule: Rule, description: &'static str) -> Parameter {
    Parameter { name, default, kind: "String", description, rule }
}

const fn number(
    name: &'static str,
    default: &'static str,
    rule: Rule,
    description: &'static str,
) -> Parameter {
    Parameter { name, default, kind: "Number", description, rule }
}

/// Every parameter.
pub(crate) const ALL: &[Parameter] = &[
    text(
        ARCHITECTURE,
        "arm64",
        Rule::OneOf(&["arm64", "x86_64"]),
        "Processor of the functions. The zips must be built for it",
    ),
    text(
        "TickState",
        "ENABLED",
        Rule::OneOf(&["ENABLED", "DISABLED"]),
        "DISABLED stops every poll: no tick is sent",
    ),
    text(
        "LogLevel",
        "info",
        Rule::OneOf(&["error", "warn", "info", "debug", "trace"]),
        "The least that the functions log",
    ),
    number("LogRetentionDays", "30", Rule::OneOf(RETENTIONS), "Days that the functions' logs are kept"),
    text("Contact", "", Rule::Free, "A URL or mail address for the User-Agent of the polls; empty for none"),
    text(
        "PrivateAddresses",
        "refused",
        Rule::OneOf(&["refused", "allowed"]),
        "Whether accounts may point at private addresses. `allowed` is for tests",
    ),
    number("PollConcurrency", "100", Rule::Range(8, 100), "Polls that one worker runs at a time"),
    number("WorkerConcurrency", "20", Rule::Range(2, 1000), "Workers at a time, a job type"),
    number("CompletionConcurrency", "10", Rule::Range(2, 1000), "Completions at a time"),
    number("DrainConcurrency", "10", Rule::Range(2, 1000), "Schedulers at a time that drain partitions"),
    text(
        "ImportBucket",
        "",
        Rule::Pattern("^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"),
        "Bucket from which the control function may read files of accounts; empty for none",
    ),
    text(
        "AlarmEmail",
        "",
        Rule::Pattern("^$|^[^@ ]+@[^@ ]+$"),
        "Where alarms are mailed to; empty for alarms without a topic",
    ),
    number(
        "ArchiveDays",
        "0",
        Rule::Range(0, 3650),
        "Days that the bus keeps its events for a replay; 0 for no archive",
    ),
    text(
        "DeletionProtection",
        "true",
        Rule::OneOf(&["true", "false"]),
        "Whether the tables refuse to be deleted. The stack can be removed after an update with `false`",
    ),
];

/// Whether alarms have a topic.
pub(crate) const HAS_ALARM_EMAIL: &str = "HasAlarmEmail";
/// Whether accounts may be imported from a bucket.
pub(crate) const HAS_IMPORT_BUCKET: &str = "HasImportBucket";
/// Whether the bus has an archive.
pub(crate) const HAS_ARCHIVE: &str = "HasArchive";
/// Whether the tables are protected.
pub(crate) const IS_PROTECTED: &str = "IsProtected";

/// Every parameter, as the template declares it.
pub(crate) fn declarations(included: impl Fn(&Parameter) -> bool) -> Named<Value> {
    let mut declared = Named::default();
    for parameter in ALL.iter().filter(|parameter| included(parameter)) {
        declared.add(parameter.name, parameter.declaration());
    }
    declared
}

impl Parameter {
    fn declaration(&self) -> Value {
        let mut value =
            json!({ "Type": self.kind, "Default": self.default, "Description": self.description });
        match self.rule {
            Rule::Free => {}
            Rule::OneOf(allowed) => value["AllowedValues"] = json!(allowed),
            Rule::Pattern(pattern) => value["AllowedPattern"] = json!(pattern),
            Rule::Range(least, most) => {
                value["MinValue"] = json!(least);
                value["MaxValue"] = json!(most);
            }
        }
        value
    }
}

/// Every condition.
pub(crate) fn conditions() -> Named<Value> {
    let is = |parameter: &str, value: &str| json!({ "Fn::Equals": [{ "Ref": parameter }, value] });
    let is_not = |parameter: &str, value: &str| json!({ "Fn::Not": [is(parameter, value)] });
    let mut conditions = Named::default();
    conditions.add(HAS_ALARM_EMAIL, is_not("AlarmEmail", ""));
    conditions.add(HAS_IMPORT_BUCKET, is_not("ImportBucket", ""));
    conditions.add(HAS_ARCHIVE, is_not("ArchiveDays", "0"));
    conditions.add(IS_PROTECTED, is("DeletionProtection", "true"));
    conditions
}
