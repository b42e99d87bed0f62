"""Scorecard r31 on both compiled templates; and that each of its rules can fail."""

import copy
import unittest

import compiled
from rules import violations

SCHEDULER = ("SchedulerLambdaFunction", "Properties")
JOBS = ("JobsMastodonStatusesQueue", "Properties")
DEAD = ("JobsMastodonStatusesDeadQueue", "Properties")
MAPPING = ("JobsMastodonStatusesMapping", "Properties")
GONE = object()


def statement(role):
    """Where a role's last statement would be added."""
    return (role, "Properties", "Policies", 0, "PolicyDocument", "Statement")


def allow(action, *logical):
    """A statement on resources of the stack."""
    return {"Effect": "Allow", "Action": [action], "Resource": [{"Fn::GetAtt": [name, "Arn"]} for name in logical]}


# (where, what is put there, what the check must say)
SET = [
    ((*JOBS, "VisibilityTimeout"), 360, "visibility: JobsMastodonStatusesMapping"),
    ((*SCHEDULER, "Timeout"), 61, "visibility: DrainsMapping"),
    ((*DEAD, "VisibilityTimeout"), 30, "visibility: JobsMastodonStatusesDeadMapping"),
    ((*JOBS, "MessageRetentionPeriod"), 60, "retention is not between"),
    ((*JOBS, "MessageRetentionPeriod"), 1_209_600, "retention is not between"),
    ((*DEAD, "MessageRetentionPeriod"), 345_600, "JobsMastodonStatusesDeadQueue: dead-letter retention is not 14 days"),
    (("TickDeadQueue", "Properties", "MessageRetentionPeriod"), GONE, "TickDeadQueue: dead-letter retention"),
    ((*JOBS, "RedrivePolicy"), GONE, "dead_letters: JobsMastodonStatusesQueue"),
    ((*JOBS, "RedrivePolicy", "maxReceiveCount"), 4, "receive count is below 5"),
    ((*JOBS, "SqsManagedSseEnabled"), False, "is not encrypted"),
    ((*MAPPING, "FunctionResponseTypes"), GONE, "partial responses are off"),
    ((*MAPPING, "FunctionResponseTypes"), [], "partial responses are off"),
    ((*MAPPING, "ScalingConfig"), GONE, "concurrency is not capped"),
    ((*MAPPING, "ScalingConfig", "MaximumConcurrency"), 1001, "concurrency is not capped"),
    ((*MAPPING, "MaximumBatchingWindowInSeconds"), 0, "batches over ten need a window"),
    (("JobsMastodonStatusesDeadAlarm",), GONE, "JobsMastodonStatusesDeadQueue: no alarm when it is not empty"),
    (("DrainsDeadAlarm", "Properties", "Threshold"), 10, "DrainsDeadQueue: no alarm when it is not empty"),
    (("TickDeadAlarm",), GONE, "TickDeadQueue: no alarm when it is not empty"),
    (("CompletedAgeAlarm",), GONE, "CompletedQueue: no alarm on the age"),
    (("WorkerGithubErrorsAlarm",), GONE, "WorkerGithubLambdaFunction: no alarm on Errors"),
    (("ControlThrottlesAlarm",), GONE, "no alarm on Throttles"),
    (("SchedulerRecursiveInvocationsDroppedAlarm",), GONE, "no alarm on RecursiveInvocationsDropped"),
    (("TickLagAlarm", "Properties", "TreatMissingData"), "notBreaching", "takes missing ticks for a breach"),
    (("TickTimeFallbackAlarm",), GONE, "TickTimeFallback: no alarm"),
    (("TickLagAlarm", "Properties", "AlarmActions"), GONE, "TickLagAlarm: does not reach the topic"),
    (("WorkerMastodonLogGroup", "Properties", "RetentionInDays"), GONE, "WorkerMastodonLogGroup: has no retention"),
    (("WorkerMastodonLogGroup",), GONE, "WorkerMastodonLambdaFunction: has no log group"),
    (("SchedulerLambdaFunction", "DependsOn"), GONE, "may be made before its log group"),
    ((*SCHEDULER, "RecursiveLoop"), "Allow", "recursion detection is off"),
    (("JobsTable", "Properties", "PointInTimeRecoverySpecification"), GONE, "no point-in-time recovery"),
    (("JobsTable", "Properties", "DeletionProtectionEnabled"), False, "is not protected"),
    (("JobsTable", "Properties", "BillingMode"), "PROVISIONED", "is not on demand"),
    (("JobsTable", "UpdateReplacePolicy"), GONE, "go with a replacement"),
    (("Tick", "Properties", "Target", "DeadLetterConfig"), GONE, "no retry policy or dead-letter queue"),
    (("Tick", "Properties", "Target", "RetryPolicy"), GONE, "no retry policy or dead-letter queue"),
    (("SchedulerInvokeConfig",), GONE, "stale ticks are retried"),
    (("SchedulerInvokeConfig", "Properties", "MaximumEventAgeInSeconds"), 21_600, "stale ticks are retried"),
    (("ControlRulePermission", "Properties", "SourceArn"), GONE, "which source may invoke"),
    (("ControlDeadQueuePolicy", "Properties", "PolicyDocument", "Statement", 0, "Condition"), GONE, "which source may send"),
    (("WorkerGithubLambdaFunction", "Properties", "Role"), {"Fn::GetAtt": ["WorkerMastodonRole", "Arn"]}, "is shared by"),
    (("ControlRole", "Properties", "ManagedPolicyArns"), ["arn:aws:iam::aws:policy/AdministratorAccess"], "managed policies"),
]

# (role, the statement that is added, what the check must say)
ADD = [
    ("SchedulerRole", {"Effect": "Allow", "Action": "sqs:*", "Resource": {"Fn::GetAtt": ["DrainsQueue", "Arn"]}}, "wildcard action sqs:*"),
    ("SchedulerRole", {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}, "wildcard or foreign resource *"),
    ("ControlRole", {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::*/*"}, "foreign resource arn:aws:s3"),
    ("ControlRole", {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::bucket/*"}, "foreign resource"),
    ("ControlRole", {"Effect": "Allow", "NotAction": "iam:*", "Action": [], "Resource": []}, "says what is not meant"),
    ("TickRole", {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*"}, "TickRole: wildcard"),
    ("WorkerMastodonRole", allow("dynamodb:GetItem", "JobsTable"), "must not dynamodb:GetItem on JobsTable"),
    ("WorkerMastodonRole", allow("dynamodb:Query", "RegistrationsTable"), "must not dynamodb:Query on RegistrationsTable"),
    ("WorkerMastodonRole", allow("sqs:SendMessage", "JobsMastodonStatusesQueue"), "must not send to JobsMastodonStatusesQueue"),
    ("WorkerMastodonRole", allow("sqs:ReceiveMessage", "JobsGithubEventsQueue"), "must not read JobsGithubEventsQueue"),
    ("WorkerMastodonRole", allow("kms:Decrypt", "CredentialsKey"), "without the encryption context"),
    ("WorkerMastodonRole", allow("logs:PutLogEvents", "ControlLogGroup"), "must not write to ControlLogGroup"),
    ("CompletionRole", allow("sqs:SendMessage", "JobsMastodonStatusesQueue"), "must not sqs:SendMessage"),
    ("CompletionRole", allow("sqs:SendMessage", "CompletedDeadQueue"), "must not sqs:SendMessage"),
    ("CompletionRole", allow("dynamodb:GetItem", "CredentialsTable"), "must not dynamodb:GetItem on CredentialsTable"),
    ("CompletionRole", allow("kms:Decrypt", "CredentialsKey"), "must not kms:Decrypt"),
    ("SchedulerRole", allow("dynamodb:BatchGetItem", "CredentialsTable"), "must not dynamodb:BatchGetItem on Cred"),
    ("ControlRole", allow("sqs:SendMessage", "JobsGithubEventsQueue"), "must not sqs:SendMessage on JobsGithubEventsQueue"),
]


def broken(template, path, value):
    """A copy of a template with one value replaced, removed or added."""
    template = copy.deepcopy(template)
    place = template["Resources"]
    for step in path[:-1]:
        place = place[step]
    if value is GONE:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return template


class R31(unittest.TestCase):
    """Compiles both, once."""

    def setUp(self):
        serverless, given = compiled.serverless()
        self.both = {"sam": (compiled.sam(), {}), "serverless": (serverless, given)}

    def test_r31_both_templates_keep_every_rule(self):
        for name, (template, given) in self.both.items():
            with self.subTest(name):
                self.assertEqual(violations(template, given), [])

    def test_r31_every_rule_refuses_a_template_that_breaks_it(self):
        for name, (template, given) in self.both.items():
            for path, value, says in SET:
                with self.subTest(name, path=path):
                    self.refuses(broken(template, path, value), given, says)

    def test_r31_every_rule_on_roles_refuses_a_statement_too_many(self):
        for name, (template, given) in self.both.items():
            for role, added, says in ADD:
                policy = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
                with self.subTest(name, role=role, says=says):
                    self.refuses(broken(template, (*statement(role), len(policy)), added), given, says)

    def test_r31_each_rule_was_broken_on_purpose(self):
        template, given = self.both["sam"]
        seen = set()
        for path, value, _ in SET:
            seen |= {line.split(":")[0] for line in violations(broken(template, path, value), given)}
        self.assertEqual(seen, RULE_NAMES)

    def refuses(self, template, given, says):
        """Fails unless the rules refuse a template for the reason given."""
        found = violations(template, given)
        self.assertTrue(any(says in line for line in found), f"{says!r} not in {found}")


RULE_NAMES = {
    "visibility", "dead_letters", "mappings", "queue_alarms", "function_alarms", "wildcards", "logs", "recursion",
    "tables", "tick", "separation",
}

if __name__ == "__main__":
    unittest.main()
