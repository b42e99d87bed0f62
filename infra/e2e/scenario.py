"""The order of events. A tick comes every minute, so the phases share minutes wherever they do not disturb each other."""

import time

from .disturb import (
    POISON,
    crashes_end_in_quarantine,
    hold_outcomes_back,
    killed_worker,
    lose_outcomes,
    pause_mastodon,
    poison_is_kept,
    purge_github,
    resume_mastodon,
    send_poison,
)
from .leftovers import inventory, made_again
from .operate import (
    changed_version,
    connect_by_event,
    disconnect_by_event,
    disconnected_is_not_polled,
    unpark,
    unparked_is_polled,
)
from .run import SLACK, SPREAD, VISIBILITY, Run
from .secrets import no_token_anywhere
from .setup import deploy, first_polls, register


def play(run: Run) -> None:
    """Every phase. The stack is removed whatever happens."""
    report = run.report
    before = inventory(run.stack)
    try:
        _play(run)
    finally:
        run.save_logs()
        with report.phase("removal leaves nothing"):
            if run.tap:
                run.tap.close()
            started = time.time()
            run.deployer.remove()
            left = inventory(run.stack) - before - made_again(run.stack, started)
            report.check("nothing is left of the stack", ", ".join(sorted(left)) or None)


def _play(run: Run) -> None:
    report = run.report
    with report.phase("deploy", needed=True):
        deploy(run)
    with report.phase("register 50 accounts", needed=True):
        register(run)
    with report.phase("first polls", needed=True):
        first_polls(run)

    with report.phase("events, purges and poison"):
        for channel in ("mastodon", "github"):
            run.ledger.post(channel, 2)
        owed = {channel: run.ledger.owed(channel) for channel in ("mastodon", "github")}
        connect_by_event(run)
        run.next_tick()
        hold_outcomes_back(run)
        purge_github(run)
        send_poison(run)
        run.expect_events("mastodon", owed["mastodon"], SPREAD + SLACK)
        lose_outcomes(run)
        poison_is_kept(run)

    with report.phase("a worker is killed"):
        run.ledger.post("mastodon", 2)
        owed["mastodon"] = run.ledger.owed("mastodon")
        run.next_tick("mastodon/statuses")
        pause_mastodon(run)
        killed_worker(run)
    with report.phase("crashes end in quarantine"):
        crashes_end_in_quarantine(run)
    with report.phase("the killed batch comes again"):
        run.expect_events("mastodon", owed["mastodon"], SPREAD + VISIBILITY + SLACK)
        resume_mastodon(run)
    with report.phase("the purged jobs come again"):
        run.expect_events("github", owed["github"], SPREAD + SLACK)

    with report.phase("a changed version, and a poll meanwhile"):
        run.ledger.post("mastodon", 1)
        run.next_tick("mastodon/statuses")
        changed_version(run)
        for channel in ("mastodon", "github"):
            run.ledger.post(channel, 1)
        unpark(run)
        disconnect_by_event(run)
        owed = {channel: run.ledger.owed(channel) for channel in ("mastodon", "github")}
        run.next_tick()
        asked = run.upstream.requests("github")
        for channel, items in owed.items():
            run.expect_events(channel, items, SPREAD + SLACK)
    with report.phase("unparked and disconnected"):
        unparked_is_polled(run)
        disconnected_is_not_polled(run, asked)

    with report.phase("the books balance"):
        report.check("no event that should not be, and no gap", run.ledger.unexpected())
        report.check("a repeated event has the id it had", run.ledger.repeated_under_another_id())
        report.check("what the lost outcomes said was published again", None if run.ledger.repeats() else "no repeats")
        report.check("poison is still in its dead-letter queue", _poison_moved(run))
        for queue in ("completed-dead", "drains-dead", "tick-dead", "control-dead", "jobs-github-events-dead"):
            report.check(f"{queue} is empty", _not_empty(run, queue))
        violations = run.upstream.totals()["violations"]
        report.check("no limit was passed", f"{violations} violations" if violations else None)
        report.say(f"   {run.ledger.counts()}")
    with report.phase("no token in any log"):
        no_token_anywhere(run)


def _poison_moved(run: Run) -> str | None:
    there = run.stack.messages("jobs-mastodon-statuses-dead")
    return None if there == len(POISON) else f"{there} messages"


def _not_empty(run: Run, queue: str) -> str | None:
    there = run.stack.messages(queue)
    return f"{there} messages" if there else None
