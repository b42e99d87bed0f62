"""What an emulator holds: taken before and after, so that a removed stack can be seen to have left nothing."""

import jmespath

from local.stack import Stack

# Service, operation, and where the answer lists names. Service-owned things, such as the default bus, are in both.
_LISTS = (
    ("sqs", "list_queues", "QueueUrls[]"),
    ("dynamodb", "list_tables", "TableNames[]"),
    ("lambda", "list_functions", "Functions[].FunctionName"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    ("scheduler", "list_schedules", "Schedules[].Name"),
    ("iam", "list_roles", "Roles[].RoleName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    ("kms", "list_aliases", "Aliases[].AliasName"),
    ("sns", "list_topics", "Topics[].TopicArn"),
    ("s3", "list_buckets", "Buckets[].Name"),
)


def inventory(stack: Stack) -> set[str]:
    """Everything there is, as `service: name`."""
    found = set()
    for service, operation, names in _LISTS:
        client = stack.client(service)
        if client.can_paginate(operation):
            listed = client.get_paginator(operation).paginate().search(names)
        else:
            listed = jmespath.search(names, getattr(client, operation)())
        found |= {f"{service}: {name}" for name in listed or () if name}
    events = stack.client("events")
    for bus in events.list_event_buses()["EventBuses"]:
        rules = events.list_rules(EventBusName=bus["Name"])["Rules"]
        found |= {f"events: {bus['Name']}"} | {f"events: {bus['Name']}/{rule['Name']}" for rule in rules}
    stacks = stack.client("cloudformation").list_stacks()["StackSummaries"]
    return found | {f"cloudformation: {s['StackName']}" for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"}
