"""The first phases: the stack is put up, accounts are registered, and each is polled for the first time."""

from local.accounts import JOB_TYPES, QUEUES
from local.tap import Tap

from .ledger import Ledger
from .run import ACCOUNTS, SLACK, SPREAD, TICK, VISIBILITY, Run


def deploy(run: Run) -> None:
    run.deployer.deploy()
    names = run.stack.function_names()
    run.report.check("five functions", None if len(names) == 5 else f"{names}")
    run.tap = Tap(run.stack)
    for queue in QUEUES.values():
        run.stack.set_visibility(queue, VISIBILITY)


def register(run: Run) -> None:
    run.ledger = Ledger(run.accounts, run.upstream, run.tap)
    for account in run.accounts:
        counts = run.register(account)
        if counts.get("inserted") != 1:
            run.report.check(f"{account.account_id} is new", f"{counts}")
    again = run.register(run.accounts[0])
    run.report.check("registering again changes nothing", None if again["unchanged"] == 1 else f"{again}")
    listed = run.stack.command("list", limit=1000)["registrations"]
    run.report.check(f"{ACCOUNTS} jobs are listed", None if len(listed) == ACCOUNTS else f"{len(listed)} are")


def first_polls(run: Run) -> None:
    """They learn where each account stands, and publish nothing."""
    run.report.expect("every account is polled", TICK + SPREAD + SLACK, lambda: _unpolled(run))
    # A row is written after its first poll has been answered.
    run.report.expect("every first poll is on record", SLACK, lambda: _unrecorded(run))
    run.ledger.after_first_polls()
    run.report.check("nothing that was there before is published", run.ledger.unexpected())


def _unpolled(run: Run) -> str | None:
    asked = {channel: run.upstream.requests(channel) for channel in JOB_TYPES}
    unpolled = [a.account_id for a in run.accounts if not asked[a.channel].get(a.external_id)]
    return f"{len(unpolled)} are not, such as {unpolled[:3]}" if unpolled else None


def _unrecorded(run: Run) -> str | None:
    rows = ((account, run.stack.row(account.account_id, account.job_type)) for account in run.accounts)
    without = [account.account_id for account, row in rows if not row or "context" not in row]
    return f"{len(without)} are not, such as {without[:3]}" if without else None
