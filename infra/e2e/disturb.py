"""What goes wrong on purpose: a purge, poison, a killed worker, a job that crashes again and again."""

import json
import os
import signal

from local.accounts import Account

from . import worker_processes
from .crash import poll_message
from .run import SLACK, VISIBILITY, Run, minute_now

MASTODON = "jobs-mastodon-statuses"
GITHUB = "jobs-github-events"
OUTCOMES = "completed"
# Deliveries before a message goes to the dead-letter queue, and crashes in a row before a job is parked.
MAX_RECEIVES = 5
QUARANTINE_AFTER = 5
POISON = ("this is no JSON", json.dumps({"v": 999, "m": {"from": "a newer build"}}))
# What the emulator logs when a function's process ends in the middle of an invocation.
CUT_SHORT = "worker-mastodon: Runtime exited before returning a response"


def purge_github(run: Run) -> None:
    """Right after a tick: most of its jobs still wait for their second."""
    waiting = run.stack.messages(GITHUB)
    run.stack.sqs.purge_queue(QueueUrl=run.stack.queue(GITHUB))
    run.report.check("the purge hits jobs", None if waiting > len(run.on("github")) // 2 else f"{waiting} waited")


def send_poison(run: Run) -> None:
    for body in POISON:
        run.stack.send(MASTODON, body)


def poison_is_kept(run: Run) -> None:
    """It is delivered as often as anything, fails alone, and ends where an operator finds it. Its neighbours' events are
    expected elsewhere."""
    within = MAX_RECEIVES * VISIBILITY + SLACK
    run.report.expect(f"{len(POISON)} dead letters of {MASTODON}", within, lambda: _depth_is_not(run, len(POISON)))


def _depth_is_not(run: Run, expected: int) -> str | None:
    there = run.stack.messages(f"{MASTODON}-dead")
    return None if there == expected else f"{there} in the dead-letter queue, {run.stack.depth(MASTODON)} before it"


def hold_outcomes_back(run: Run) -> None:
    """Outcomes of polls stay in their queue from here on."""
    _set_outcomes_mapping(run, enabled=False)


def lose_outcomes(run: Run) -> None:
    """What was published is not recorded: the next polls begin where these did, and publish the same again."""
    run.report.check("there are outcomes to lose", None if run.stack.messages(OUTCOMES) else "the queue is empty")
    run.stack.sqs.purge_queue(QueueUrl=run.stack.queue(OUTCOMES))
    _set_outcomes_mapping(run, enabled=True)


def _set_outcomes_mapping(run: Run, *, enabled: bool) -> None:
    source = run.stack.queue(OUTCOMES).rpartition("/")[2]
    functions = run.stack.functions
    for mapping in functions.get_paginator("list_event_source_mappings").paginate().search("EventSourceMappings[]"):
        if mapping["EventSourceArn"].endswith(f":{source}"):
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)


def pause_mastodon(run: Run) -> None:
    """What is in the queue stays; no tick adds to it."""
    answer = run.stack.command("pause", channel="mastodon")
    run.report.check("mastodon is paused", None if answer == {"paused": "mastodon"} else f"{answer}")


def resume_mastodon(run: Run) -> None:
    answer = run.stack.command("resume", channel="mastodon")
    run.report.check("mastodon is resumed", None if answer == {"resumed": "mastodon"} else f"{answer}")


def killed_worker(run: Run) -> None:
    """The third party stops answering, so a batch stays under way until its worker is killed."""
    function = f"{run.stack.name}-worker-mastodon"
    cuts = run.emulator.log().count(CUT_SHORT)
    os.kill(run.upstream.process.pid, signal.SIGSTOP)
    try:
        run.report.expect("a batch is under way", SLACK, lambda: _nothing_taken(run))
        workers = worker_processes.of_function(function, run.emulator.url)
        run.report.check("its worker is found", None if workers else f"no process of {function}")
        worker_processes.kill(workers)
    finally:
        os.kill(run.upstream.process.pid, signal.SIGCONT)
    run.report.expect("the batch was cut short", SLACK, lambda: _not_cut(run, cuts))


def _nothing_taken(run: Run) -> str | None:
    depth = run.stack.depth(MASTODON)
    return None if depth["taken"] else f"{depth}"


def _not_cut(run: Run, before: int) -> str | None:
    return None if run.emulator.log().count(CUT_SHORT) > before else "no invocation ended that way"


def crashing(run: Run) -> Account:
    """An account of its own, so that no other phase counts on it."""
    return Account("mastodon", "mastodon-crashes", "999999")


def crashes_end_in_quarantine(run: Run) -> None:
    """The job ends its worker again and again. The channel is paused, so nothing but the crashes happens to it."""
    account = crashing(run)
    run.ledger.passing.append(account)
    run.register(account)
    for crash in range(1, QUARANTINE_AFTER + 1):
        # A dispatch is for a minute of its own; these are past, so that the next tick comes after them.
        due = minute_now() - 2 * QUARANTINE_AFTER + crash
        run.stack.send(f"{MASTODON}-dead", poll_message(run.stack, account, due))
        if crash < QUARANTINE_AFTER:
            run.report.expect(f"crash {crash} is on its row", SLACK, lambda: _crashes_are_not(run, account, crash))
    run.report.expect("the job is parked as quarantined", SLACK, lambda: _not_quarantined(run, account))
    kind = "pollwheel.job.quarantined"
    run.report.expect(
        "the bus says so", SLACK, lambda: None if account.account_id in run.ledger.notices(kind) else "no such notice"
    )


def _crashes_are_not(run: Run, account: Account, expected: int) -> str | None:
    row = run.stack.row(account.account_id, account.job_type) or {}
    return None if row.get("crashes") == expected else f"{row}"


def _not_quarantined(run: Run, account: Account) -> str | None:
    row = run.stack.row(account.account_id, account.job_type) or {}
    return None if row.get("parked") == "quarantined" else f"{row}"
