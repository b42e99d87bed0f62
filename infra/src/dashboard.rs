//! placeholder
use crate::alarms::Alarm;
use crate::deployment::Deployment;
use crate::functions::Function;
use crate::queues::Queue;
use crate::template::{Named, Resource, sub};
use anyhow::Result;
use serde_json::json;
pub(crate) fn add(
    _: &Deployment,
    _: &[Function],
    _: &[Queue],
    _: &[Alarm],
    resources: &mut Named<Resource>,
) -> Result<()> {
    resources.add(
        "Dashboard",
        Resource::new(
            "AWS::CloudWatch::Dashboard",
            json!({"DashboardName": sub("${AWS::StackName}"), "DashboardBody": sub("{\"widgets\": []}")}),
        ),
    );
    Ok(())
}
