"""A deployed stack as an operator reaches it: its queues, tables, functions, logs, and the control function's commands."""

import json

import boto3
from botocore.config import Config

from .emulator import REGION


class CommandFailed(Exception):
    """The control function refused a command."""


class Stack:
    """Clients of one stack, by the names that the template gives its parts."""

    def __init__(self, name: str, endpoint: str):
        self.name, self.endpoint = name, endpoint
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        # An invocation that is slow on a busy machine must not be repeated behind our back.
        config = Config(connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1})
        self._client = lambda service: session.client(service, endpoint_url=endpoint, config=config)
        self.sqs = self._client("sqs")
        self.functions = self._client("lambda")
        self.tables = self._client("dynamodb")
        self.events = self._client("events")
        self.logs = self._client("logs")

    def client(self, service: str):
        return self._client(service)

    # Queues

    def queue(self, name: str) -> str:
        """A queue's URL."""
        return self.sqs.get_queue_url(QueueName=f"{self.name}-{name}")["QueueUrl"]

    def depth(self, name: str) -> dict[str, int]:
        """Messages in a queue: those that wait, those with a consumer, those whose delay runs."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=["All"])["Attributes"]
        return {
            "visible": int(attributes["ApproximateNumberOfMessages"]),
            "taken": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
            "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
        }

    def messages(self, name: str) -> int:
        return sum(self.depth(name).values())

    def send(self, queue: str, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue(queue), MessageBody=body)

    def set_visibility(self, queue: str, seconds: int) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.queue(queue), Attributes={"VisibilityTimeout": str(seconds)})

    # Tables

    def item(self, table: str, **keys: str) -> dict | None:
        """An item, with its values as Python's."""
        key = {name: {"S": value} for name, value in keys.items()}
        found = self.tables.get_item(TableName=f"{self.name}-{table}", Key=key, ConsistentRead=True).get("Item")
        return found and plain(found)

    def cursor(self, job_type: str) -> int | None:
        """The last minute of a job type whose work is in the queues."""
        found = self.item("control", pk=f"cursor#{job_type}")
        return found and next(value for name, value in found.items() if name != "pk" and isinstance(value, int))

    def row(self, account: str, job_type: str) -> dict | None:
        """A job's row, which its registration leads to."""
        registration = self.item("registrations", pk=account, sk=job_type)
        return registration and self.item("jobs", pk=registration["place"], sk=account)

    # Functions

    def command(self, command: str, **members) -> dict:
        """What the control function answers to a command."""
        payload = json.dumps({"command": command, **members})
        answer = self.functions.invoke(FunctionName=f"{self.name}-control", Payload=payload)
        body = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise CommandFailed(f"`{command}`: {json.dumps(body)}")
        return body

    def function_names(self) -> list[str]:
        pages = self.functions.get_paginator("list_functions").paginate()
        names = (function["FunctionName"] for page in pages for function in page["Functions"])
        return sorted(name for name in names if name.startswith(self.name))

    def log_lines(self, function: str) -> list[str]:
        """What a function has logged."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        return [event["message"] for page in pages for event in page["events"]]


def plain(item: dict) -> dict:
    """An item of DynamoDB's JSON as Python values: numbers are whole here."""
    read = {"S": str, "N": int, "BOOL": bool}
    return {
        name: read[kind](value) for name, typed in item.items() for kind, value in typed.items() if kind in read
    }
