"""A queue that hears everything on the stack's bus: what a consumer of Pollwheel's events would see."""

import json
import threading
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from .stack import Stack

NAME = "pollwheel-tap"


class Tap:
    """Listens from its making on. Events are kept in the order in which they came, repeated ones too."""

    def __init__(self, stack: Stack, on_event: Callable[[dict], None] | None = None):
        self.stack = stack
        self.events: list[dict] = []
        self._on_event = on_event
        self._closing = threading.Event()
        name = f"{NAME}-{stack.name}"
        self.queue = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = stack.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        stack.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        pattern = json.dumps({"source": [{"prefix": "/pollwheel/"}]})
        stack.events.put_rule(Name=NAME, EventBusName=stack.name, EventPattern=pattern)
        stack.events.put_targets(Rule=NAME, EventBusName=stack.name, Targets=[{"Id": "tap", "Arn": arn}])
        self._thread = threading.Thread(target=self._listen, name=name, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                self._receive()
            except (BotoCoreError, ClientError):
                # Closing takes the queue away, and a busy emulator may be slow: what was not received stays there.
                self._closing.wait(0.2)

    def _receive(self) -> None:
        sqs = self.stack.sqs
        received = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = received.get("Messages", [])
        for message in messages:
            event = json.loads(message["Body"])["detail"]
            self.events.append(event)
            if self._on_event:
                self._on_event(event)
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=self.queue, Entries=entries)

    def close(self) -> None:
        """Takes the tap off: a bus with a rule could not be removed."""
        self._closing.set()
        self._thread.join()
        self.stack.events.remove_targets(Rule=NAME, EventBusName=self.stack.name, Ids=["tap"])
        self.stack.events.delete_rule(Name=NAME, EventBusName=self.stack.name)
        self.stack.sqs.delete_queue(QueueUrl=self.queue)
