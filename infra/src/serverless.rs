//! `serverless.yml`: functions in the framework's words, everything else as plain CloudFormation.
//!
//! Only keys that versions 3 and 4 of the Serverless Framework and `osls` all know. No events: the schedule and the
//! mappings are plain resources, so that both forms of the deployment make the same ones.

use serde::Serialize;
use serde_json::{Value, json};

use crate::functions::{Function, HANDLER, RUNTIME};
use crate::outputs;
use crate::parameters::{self, ARCHITECTURE};
use crate::stack::Stack;
use crate::template::{Named, Resource, arn};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'a> {
    service: &'static str,
    framework_version: &'static str,
    config_validation_mode: &'static str,
    provider: Provider,
    package: Value,
    functions: Named<FunctionEntry>,
    resources: Extra<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: &'static str,
    runtime: &'static str,
    architecture: &'static str,
    stage: &'static str,
    region: &'static str,
    stack_name: &'static str,
    version_functions: bool,
    stack_parameters: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionEntry {
    name: String,
    description: String,
    handler: &'static str,
    memory_size: u32,
    timeout: u32,
    package: Value,
    role: Value,
    depends_on: Vec<String>,
    /// The framework's own log group would have no retention.
    disable_logs: bool,
    environment: Named<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Extra<'a> {
    parameters: Named<Value>,
    conditions: Named<Value>,
    resources: &'a Named<Resource>,
    outputs: Named<Value>,
}

/// The file. Parameters of the stack are given as `--param="AlarmEmail=..."`.
pub(crate) fn service(stack: &Stack) -> impl Serialize {
    let own = |parameter: &parameters::Parameter| parameter.name != ARCHITECTURE;
    let mut functions = Named::default();
    for function in &stack.functions {
        functions.add(function.key.clone(), entry(function));
    }
    Service {
        service: "pollwheel",
        framework_version: "3 || 4",
        config_validation_mode: "error",
        provider: Provider {
            name: "aws",
            runtime: RUNTIME,
            architecture: "${param:Architecture, 'arm64'}",
            stage: "${opt:stage, 'dev'}",
            region: "${opt:region, env:AWS_REGION, 'us-east-1'}",
            stack_name: "pollwheel-${sls:stage}",
            version_functions: false,
            stack_parameters: parameters::ALL
                .iter()
                .filter(|parameter| own(parameter))
                .map(|parameter| {
                    let value = format!("${{param:{}, '{}'}}", parameter.name, parameter.default);
                    json!({ "ParameterKey": parameter.name, "ParameterValue": value })
                })
                .collect(),
        },
        package: json!({ "individually": true }),
        functions,
        resources: Extra {
            parameters: parameters::declarations(own),
            conditions: parameters::conditions(),
            resources: &stack.resources,
            outputs: outputs::all(),
        },
    }
}

fn entry(function: &Function) -> FunctionEntry {
    FunctionEntry {
        name: format!("pollwheel-${{sls:stage}}-{}", function.name),
        description: function.purpose.clone(),
        handler: HANDLER,
        memory_size: function.memory_mb,
        timeout: function.timeout_seconds,
        package: json!({ "artifact": format!("target/lambda/{}.zip", function.binary.zip()) }),
        role: arn(&function.role()),
        depends_on: vec![function.log_group()],
        disable_logs: true,
        environment: function.environment.clone(),
    }
}
