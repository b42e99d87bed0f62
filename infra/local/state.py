"""What `just aws-local` started: kept in its folder, so that `just aws-local-down` ends it and nothing else."""

import json

from .deploy import CHECKOUT
from .process import Process, started_at

FOLDER = CHECKOUT / "target" / "aws-local"
_FILE = FOLDER / "processes.json"


def remember(processes: list[Process]) -> None:
    """Writes down who was started, and when: an id alone may be somebody else's by the time it is read."""
    entries = [{"pid": process.pid, "started": started_at(process.pid)} for process in processes]
    _FILE.write_text(json.dumps(entries))


def running() -> list[int]:
    """The processes of ours that still run. Each leads a group."""
    try:
        entries = json.loads(_FILE.read_text())
    except FileNotFoundError:
        return []
    return [entry["pid"] for entry in entries if started_at(entry["pid"]) == entry["started"] is not None]
