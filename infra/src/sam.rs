//! The SAM template: functions as `AWS::Serverless::Function`, everything else as it is.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::functions::{Function, HANDLER, RUNTIME};
use crate::outputs;
use crate::parameters::{self, ARCHITECTURE};
use crate::stack::Stack;
use crate::template::{Named, Resource, arn, named, reference};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Template<'a> {
    #[serde(rename = "AWSTemplateFormatVersion")]
    format_version: &'static str,
    transform: &'static str,
    description: &'static str,
    parameters: Named<Value>,
    conditions: Named<Value>,
    resources: Resources<'a>,
    outputs: Named<Value>,
}

/// Functions first: they are what a reader looks for.
struct Resources<'a>(&'a Stack);

impl Serialize for Resources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for function in &self.0.functions {
            map.serialize_entry(&function.logical(), &resource(function))?;
        }
        for (logical, resource) in self.0.resources.iter() {
            map.serialize_entry(logical, resource)?;
        }
        map.end()
    }
}

/// The template.
pub(crate) fn template(stack: &Stack) -> impl Serialize {
    Template {
        format_version: "2010-09-09",
        transform: "AWS::Serverless-2016-10-31",
        description: "Pollwheel: polls third-party APIs on a schedule and publishes what is new",
        parameters: parameters::declarations(|_| true),
        conditions: parameters::conditions(),
        resources: Resources(stack),
        outputs: outputs::all(),
    }
}

fn resource(function: &Function) -> Resource {
    Resource::new(
        "AWS::Serverless::Function",
        json!({
            "FunctionName": named(&function.name),
            "Description": function.purpose,
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Architectures": [reference(ARCHITECTURE)],
            "MemorySize": function.memory_mb,
            "Timeout": function.timeout_seconds,
            // From the folder of the template.
            "CodeUri": format!("../../target/lambda/{}.zip", function.binary.zip()),
            "Role": arn(&function.role()),
            "Environment": { "Variables": variables(function) },
        }),
    )
    // Otherwise Lambda may make it first, without a retention.
    .after(function.log_group())
}

fn variables(function: &Function) -> Value {
    function.environment.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
