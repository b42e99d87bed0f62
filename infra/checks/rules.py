"""Scorecard r31: what must hold for every queue, function, role, table and alarm of a compiled template.

Each rule is a function over a `System`; it yields a sentence for each violation and names the resource. The numbers are
AWS's: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from evaluate import Evaluator, logical_of, references

FOURTEEN_DAYS_SECONDS = 14 * 86_400
LEAST_RECEIVE_COUNT = 5
VISIBILITY_TIMEOUTS = 6


class System:
    """The resources of a template under its default values, by type."""

    def __init__(self, template, given=None):
        self.resources = Evaluator(template, given).resources()
        # With every option on: what is made only then must be right, too.
        options = {"AlarmEmail": "a@example.test", "ImportBucket": "bucket", "ArchiveDays": 7}
        self.full = Evaluator(template, (given or {}) | options).resources()
        self.functions = self.of("AWS::Lambda::Function")
        self.queues = self.of("AWS::SQS::Queue")
        self.mappings = self.of("AWS::Lambda::EventSourceMapping")
        self.alarms = self.of("AWS::CloudWatch::Alarm")
        self.dead = {
            logical_of(queue["RedrivePolicy"]["deadLetterTargetArn"])
            for queue in self.queues.values()
            if "RedrivePolicy" in queue
        }
        self.parks = set(self.queues) - self.dead - {name for name, q in self.queues.items() if "RedrivePolicy" in q}

    def of(self, kind):
        """Properties by logical id."""
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    def roles(self):
        """Properties of the roles with every option on."""
        return {name: r["Properties"] for name, r in self.full.items() if r["Type"] == "AWS::IAM::Role"}

    def role_of(self, function):
        """The logical id of a function's role."""
        return logical_of(self.functions[function]["Role"])

    def alarmed(self, metric, name, value):
        """Alarms on a metric of one thing."""
        return [
            alarm
            for alarm in self.alarms.values()
            if alarm.get("MetricName") == metric
            and any(d["Name"] == name and _same(d["Value"], value) for d in alarm.get("Dimensions", []))
        ]


def _same(dimension, logical):
    return dimension == logical or logical_of(dimension) == logical


def _each(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    """Every statement of a role's policies."""
    for policy in role.get("Policies", []):
        yield from _each(policy["PolicyDocument"]["Statement"])


def visibility(system):
    """A message stays with its consumer for six time-outs and the batch's window."""
    for name, mapping in system.mappings.items():
        queue = system.queues[logical_of(mapping["EventSourceArn"])]
        function = system.functions[logical_of(mapping["FunctionName"])]
        needed = VISIBILITY_TIMEOUTS * function["Timeout"] + mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queue.get("VisibilityTimeout", 30) < needed:
            yield f"{name}: visibility of its queue is below {needed}"


def dead_letters(system):
    """Every queue has a dead-letter queue, which keeps for 14 days what was delivered five times or more."""
    read = {logical_of(mapping["EventSourceArn"]) for mapping in system.mappings.values()}
    for name, queue in system.queues.items():
        kept = queue.get("MessageRetentionPeriod", 0)
        if "RedrivePolicy" in queue:
            if queue["RedrivePolicy"].get("maxReceiveCount", 0) < LEAST_RECEIVE_COUNT:
                yield f"{name}: receive count is below {LEAST_RECEIVE_COUNT}"
            if not 86_400 <= kept < FOURTEEN_DAYS_SECONDS:
                yield f"{name}: retention is not between a day and its dead-letter queue's"
        elif kept != FOURTEEN_DAYS_SECONDS:
            yield f"{name}: dead-letter retention is not 14 days"
        elif name in read and name not in system.dead:
            yield f"{name}: is read and has no dead-letter queue"
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name}: is not encrypted"


def mappings(system):
    """Partial responses on, concurrency capped, a window where the batch needs one."""
    for name, mapping in system.mappings.items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: partial responses are off"
        cap = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if not isinstance(cap, int) or not 2 <= cap <= 1000:
            yield f"{name}: concurrency is not capped"
        if mapping["BatchSize"] > 10 and mapping.get("MaximumBatchingWindowInSeconds", 0) < 1:
            yield f"{name}: batches over ten need a window"


def queue_alarms(system):
    """An alarm on every dead-letter queue, and on the age in every queue that is read."""
    for name in system.queues:
        if name in system.dead | system.parks:
            if not any(a["Threshold"] == 1 for a in system.alarmed("ApproximateNumberOfMessagesVisible", "QueueName", name)):
                yield f"{name}: no alarm when it is not empty"
        elif not system.alarmed("ApproximateAgeOfOldestMessage", "QueueName", name):
            yield f"{name}: no alarm on the age of its messages"


def function_alarms(system):
    """Alarms on errors, throttles and stopped loops of every function, and on the tick."""
    for name in system.functions:
        for metric in ("Errors", "Throttles", "RecursiveInvocationsDropped"):
            if not system.alarmed(metric, "FunctionName", name):
                yield f"{name}: no alarm on {metric}"
    lag = system.alarmed("TickLagSeconds", "Function", "scheduler")
    if not any(alarm["TreatMissingData"] == "breaching" for alarm in lag):
        yield "TickLagSeconds: no alarm that takes missing ticks for a breach"
    if not system.alarmed("TickTimeFallback", "Function", "scheduler"):
        yield "TickTimeFallback: no alarm"
    for name, alarm in system.full.items():
        if alarm["Type"] == "AWS::CloudWatch::Alarm" and alarm["Properties"].get("AlarmActions") != [{"Ref": "AlarmTopic"}]:
            yield f"{name}: does not reach the topic"


def wildcards(system):
    """Roles name exact actions on exact resources of this stack; resource policies name who may come from where."""
    for name, role in system.roles().items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: has managed policies"
        for statement in statements(role):
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{name}: says what is not meant"
            for action in _each(statement.get("Action", [])):
                if "*" in action or "?" in action:
                    yield f"{name}: wildcard action {action}"
            for resource in _each(statement.get("Resource", [])):
                objects_of_bucket = resource == "arn:aws:s3:::bucket/*" and _each(statement["Action"]) == ["s3:GetObject"]
                if logical_of(resource) not in system.full and not objects_of_bucket:
                    yield f"{name}: wildcard or foreign resource {resource}"
    for name, permission in system.of("AWS::Lambda::Permission").items():
        if permission.get("Principal") == "*" or logical_of(permission.get("SourceArn")) not in system.resources:
            yield f"{name}: does not say which source may invoke"
    for name, policy in system.of("AWS::SQS::QueuePolicy").items():
        for statement in _each(policy["PolicyDocument"]["Statement"]):
            if not statement.get("Condition") or logical_of(statement["Resource"]) not in system.queues:
                yield f"{name}: does not say which source may send where"


def logs(system):
    """Every function has a log group of its own, made before it, that forgets."""
    groups = {group["LogGroupName"]: (name, group) for name, group in system.of("AWS::Logs::LogGroup").items()}
    for name, function in system.functions.items():
        group, properties = groups.get(f"/aws/lambda/{function['FunctionName']}", (None, {}))
        if group is None:
            yield f"{name}: has no log group"
        elif not properties.get("RetentionInDays"):
            yield f"{group}: has no retention"
        elif group not in _each(system.resources[name].get("DependsOn", [])):
            yield f"{name}: may be made before its log group"


def recursion(system):
    """Lambda's own detection of loops stays on: it is, unless it is switched off."""
    for name, function in system.functions.items():
        if function.get("RecursiveLoop", "Terminate") != "Terminate":
            yield f"{name}: recursion detection is off"


def tables(system):
    """On demand, restorable, protected; removed with the stack only once the protection is off."""
    for name, table in system.of("AWS::DynamoDB::Table").items():
        resource = system.resources[name]
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name}: is not on demand"
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name}: has no point-in-time recovery"
        if table.get("DeletionProtectionEnabled") is not True:
            yield f"{name}: is not protected"
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("Delete", "Retain"):
            yield f"{name}: would stay after a removal, or go with a replacement"


def tick(system):
    """The tick is retried, not for long, and what fails is kept."""
    for name, schedule in system.of("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        if logical_of(target.get("DeadLetterConfig", {}).get("Arn")) not in system.parks or "RetryPolicy" not in target:
            yield f"{name}: has no retry policy or dead-letter queue"
        function = logical_of(target["Arn"])
        ends = [c for c in system.of("AWS::Lambda::EventInvokeConfig").values() if logical_of(c["FunctionName"]) == function]
        if not any(c["MaximumEventAgeInSeconds"] <= 300 and c["MaximumRetryAttempts"] <= 1
                   and logical_of(c.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")) in system.parks
                   for c in ends):
            yield f"{function}: stale ticks are retried, or failed ones forgotten"


def separation(system):
    """One role a function; and no role reaches what its function has no business with."""
    owners = {}
    for function in system.functions:
        owners.setdefault(system.role_of(function), []).append(function)
    for role, functions in owners.items():
        if len(functions) > 1:
            yield f"{role}: is shared by {', '.join(functions)}"
            continue
        kind = next((k for k in FORBIDDEN if functions[0].startswith(k)), None)
        if kind is None:
            yield f"{functions[0]}: no rule says what its role may not reach"
            continue
        for statement in statements(system.roles()[role]):
            yield from _trespasses(system, functions[0], kind, role, statement)


# What a function's role must not do: a service's prefix or an action, and the resource it must not do it on (None: any).
FORBIDDEN = {
    "Scheduler": [("dynamodb:", "CredentialsTable"), ("kms:", None), ("events:", None), ("s3:", None)],
    "Worker": [("dynamodb:", "JobsTable"), ("dynamodb:", "RegistrationsTable"), ("s3:", None),
               ("dynamodb:PutItem", "CredentialsTable"), ("kms:GenerateDataKey", None), ("kms:Encrypt", None)],
    "Completion": [("sqs:SendMessage", None), ("dynamodb:", "CredentialsTable"), ("kms:", None), ("s3:", None)],
    "Control": [("sqs:SendMessage", "Jobs"), ("sqs:SendMessage", "Drains"), ("sqs:ReceiveMessage", None), ("events:", None)],
}
# The only queues that each may send to, by the beginning of their logical id.
MAY_SEND = {
    "Scheduler": ("Jobs", "Drains", "TickDead"), "Worker": ("Completed",), "Completion": (), "Control": ("ControlDead",)
}


def _trespasses(system, function, kind, role, statement):
    targets = references(statement.get("Resource", []))
    for action in _each(statement["Action"]):
        for forbidden, place in FORBIDDEN[kind]:
            hit = [target for target in targets if place is None or target.startswith(place)]
            if action.startswith(forbidden) and (hit or place is None):
                yield f"{role}: must not {action} on {', '.join(sorted(targets)) or 'anything'}"
        if action == "sqs:SendMessage":
            for target in targets:
                dead = target in system.dead
                if dead or not target.startswith(MAY_SEND[kind]):
                    yield f"{role}: must not send to {target}"
        if action == "sqs:ReceiveMessage":
            own = {logical_of(m["EventSourceArn"]) for m in system.mappings.values() if logical_of(m["FunctionName"]) == function}
            for target in targets - own:
                yield f"{role}: must not read {target}"
        if action.startswith("kms:") and statement.get("Condition", {}).get("StringEquals", {}) != {
            "kms:EncryptionContext:pollwheel": "credentials"
        }:
            yield f"{role}: uses the key without the encryption context"
        if action.startswith("logs:"):
            groups = system.of("AWS::Logs::LogGroup")
            name = f"/aws/lambda/{system.functions[function]['FunctionName']}"
            for target in targets:
                if groups.get(target, {}).get("LogGroupName") != name:
                    yield f"{role}: must not write to {target}"


RULES = (visibility, dead_letters, mappings, queue_alarms, function_alarms, wildcards, logs, recursion, tables, tick, separation)


def violations(template, given=None):
    """Everything that is wrong with a compiled template."""
    system = System(template, given)
    return [f"{rule.__name__}: {line}" for rule in RULES for line in rule(system)]
