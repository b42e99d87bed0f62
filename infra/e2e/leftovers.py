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


def made_again(stack: Stack, since: float) -> set[str]:
    """Log groups with nothing in them from before `since`, in seconds since 1970. An invocation that was under way when
    its log group went makes the emulator make another one; on AWS the functions' roles may not."""
    groups = stack.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack.name}-")["logGroups"]
    names = [group["logGroupName"] for group in groups]
    return {f"logs: {name}" for name in names if not _logged_before(stack, name, since)}


def _logged_before(stack: Stack, group: str, since: float) -> bool:
    # The emulator's clock is ours; a second of grace for what was logged as the removal began.
    until = int((since - 1) * 1000)
    return bool(stack.logs.filter_log_events(logGroupName=group, endTime=until)["events"])
