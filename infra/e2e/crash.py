"""A poll message as the scheduler would write it now, made from a job's row: what a worker that crashes leaves in its
dead-letter queue."""

import json

from local.accounts import Account
from local.stack import Stack

# Names of attributes in the table, and of members in the message, where the two are the same.
_SAME = ("rev", "level", "failures", "gone", "crashes", "error", "applied")
_VERSION = 1


def poll_message(stack: Stack, account: Account, due: int) -> str:
    """The message of a dispatch for the minute `due`."""
    item = stack.row(account.account_id, account.job_type)
    assert item, f"{account.account_id} has no row"
    message = {"due": due, "spread": 0, "hop": 1, "row": _row(item, account)}
    return json.dumps({"v": _VERSION, "m": message})


def _row(item: dict, account: Account) -> dict:
    cadence, phase, shard = (int(part) for part in item["pk"].split("#")[1:])
    row = {name: item[name] for name in _SAME if name in item} | {
        "job": {"job_type": account.job_type, "account": account.account_id},
        "place": {"cohort": {"cadence": cadence, "phase": phase, "shard": shard}},
        "context_rev": item.get("context_rev", item["rev"]),
        "subject": {"external_id": item["external_id"], "base_url": item["base_url"]},
        "last_active": item["active"],
        "backoff_minutes": item.get("backoff", 0),
    }
    for name in ("context", "terms"):
        if name in item:
            row[name] = json.loads(item[name])
    if "hold_until" in item:
        row["hold"] = {"until": item["hold_until"], "cause": item["hold_cause"]}
    return row
