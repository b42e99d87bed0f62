"""Looking for the planted token wherever it must not be. Two accounts were registered with it and polled."""

import json

from .run import PLANTED, Run


def no_token_anywhere(run: Run) -> None:
    places = {
        "the emulator's log": run.emulator.log(),
        "the framework's output": run.deployer.log.read_text(errors="replace"),
        "the events": json.dumps(run.tap.events),
        "the tables": json.dumps(_items(run)),
    }
    for function in run.stack.function_names():
        places[f"the log of {function}"] = "\n".join(run.stack.log_lines(function))
    for place, text in places.items():
        run.report.check(f"{place} ({len(text):,} characters) holds no token", _found(text))


def _found(text: str) -> str | None:
    at = text.find(PLANTED)
    return None if at < 0 else f"...{text[max(0, at - 120) : at + len(PLANTED) + 40]}..."


def _items(run: Run) -> list:
    tables = run.stack.tables
    names = (f"{run.stack.name}-{name}" for name in ("jobs", "registrations", "control", "credentials"))
    scans = (page for name in names for page in tables.get_paginator("scan").paginate(TableName=name))
    # Binary attributes are printed as Python's bytes: a token in one would be seen too.
    return [repr(item) for page in scans for item in page["Items"]]

