"""What an operator and a product do to a running stack: deploy over it, connect and disconnect accounts, unpark a job."""

import json

from local.accounts import Account

from .disturb import crashing
from .run import SLACK, SPREAD, TICK, Run

CONNECTED = Account("github", "github-by-event", "by-event")


def connect_by_event(run: Run) -> None:
    """A product says on the bus that an account was connected."""
    run.ledger.passing.append(CONNECTED)
    _publish(run, "account.connected", CONNECTED.line(run.upstream.url))
    run.report.expect("the account of the event is registered", SLACK, lambda: _unregistered(run, CONNECTED))


def disconnect_by_event(run: Run) -> None:
    _publish(run, "account.disconnected", {"account_id": CONNECTED.account_id, "channel": CONNECTED.channel})
    run.report.expect("the account of the event is gone", SLACK, lambda: _still_there(run))


def disconnected_is_not_polled(run: Run, asked: dict[str, int]) -> None:
    """Since a tick after it left, when `asked` was counted, its neighbours were polled and it was not."""
    run.report.check("it was polled before", None if asked.get(CONNECTED.external_id) else "it never was")
    run.report.expect(
        "every neighbour is polled once more",
        SPREAD + SLACK,
        lambda: _not_again(asked, run.upstream.requests(CONNECTED.channel), run.on(CONNECTED.channel)),
    )
    now = run.upstream.requests(CONNECTED.channel)[CONNECTED.external_id]
    more = now - asked[CONNECTED.external_id]
    run.report.check("it is not polled any more", f"{more} requests" if more else None)


def unpark(run: Run) -> None:
    account = crashing(run)
    answer = run.stack.command("unpark", account_id=account.account_id, job_type=account.job_type)
    run.report.check("the job is unparked", None if answer.get("changed") == 1 else f"{answer}")


def unparked_is_polled(run: Run) -> None:
    """It never was before: its channel was paused until it was parked."""
    account = crashing(run)
    run.report.expect(
        "the unparked job is polled",
        TICK + SPREAD + SLACK,
        lambda: None if run.upstream.requests(account.channel).get(account.external_id) else "no request",
    )


def changed_version(run: Run) -> None:
    """Another program and another parameter over the running stack, in the middle of a minute's polls."""
    functions = run.stack.function_names()
    before = {name: _configuration(run, name) for name in functions}
    run.deployer.change_code("changed")
    run.deployer.deploy(LogLevel="debug")
    after = {name: _configuration(run, name) for name in functions}
    same = [name for name in functions if before[name]["CodeSha256"] == after[name]["CodeSha256"]]
    run.report.check("every function has the new code", f"{same} have not" if same else None)
    levels = {name: after[name]["Environment"]["Variables"]["POLLWHEEL_LOG"] for name in functions}
    run.report.check("and the new setting", None if set(levels.values()) == {"debug"} else f"{levels}")


def _configuration(run: Run, function: str) -> dict:
    return run.stack.functions.get_function_configuration(FunctionName=function)


def _publish(run: Run, kind: str, detail: dict) -> None:
    entry = {"EventBusName": run.stack.name, "Source": "product", "DetailType": kind, "Detail": json.dumps(detail)}
    answer = run.stack.events.put_events(Entries=[entry])
    run.report.check(f"the bus takes `{kind}`", f"{answer}" if answer["FailedEntryCount"] else None)


def _unregistered(run: Run, account: Account) -> str | None:
    return None if run.stack.row(account.account_id, account.job_type) else "no row"


def _still_there(run: Run) -> str | None:
    row = run.stack.row(CONNECTED.account_id, CONNECTED.job_type)
    return f"{row}" if row else None


def _not_again(before: dict[str, int], now: dict[str, int], accounts: list[Account]) -> str | None:
    still = [a.account_id for a in accounts if now.get(a.external_id, 0) <= before.get(a.external_id, 0)]
    return f"{len(still)} are not, such as {still[:3]}" if still else None
