//! What a stack tells of itself: names that other stacks, scripts and people need.

use serde_json::{Value, json};

use crate::bus::BUS;
use crate::functions::queue_url_prefix;
use crate::tables;
use crate::template::{Named, arn, reference, sub};

/// Every output.
pub(crate) fn all() -> Named<Value> {
    let mut outputs = Named::default();
    let mut add = |name: &str, description: &str, value: Value| {
        outputs.add(name, json!({ "Description": description, "Value": value }));
    };
    add("BusName", "Bus with the events", reference(BUS));
    add("BusArn", "Its ARN, for rules of other stacks", arn(BUS));
    for table in tables::ALL {
        add(&format!("{}Name", table.logical), "Table", reference(table.logical));
    }
    add("QueueUrlPrefix", "What the URL of every queue begins with", queue_url_prefix());
    add("ControlFunctionName", "Function to invoke with commands", reference("ControlLambdaFunction"));
    add("DashboardUrl", "The operator's dashboard", dashboard_url());
    outputs
}

fn dashboard_url() -> Value {
    let path = "/cloudwatch/home?region=${AWS::Region}#dashboards/dashboard/${AWS::StackName}";
    sub(format!("https://${{AWS::Region}}.console.aws.amazon.com{path}"))
}
