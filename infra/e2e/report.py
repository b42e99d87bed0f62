"""What was expected, whether it came true, and how long each phase took."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.wait import Unmet, until

_printing = threading.Lock()


def say(who: str, text: str) -> None:
    """A line, or several, each with its speaker: two runs share the terminal."""
    with _printing:
        for line in text.splitlines():
            print(f"{who:<10} | {line}", flush=True)


class Report:
    """One run's expectations. A phase that fails does not stop the ones after it, unless they need it."""

    def __init__(self, name: str):
        self.name = name
        self.passed = 0
        self.failures: list[str] = []
        self.phases: list[tuple[str, float, bool]] = []
        # Called with a failure, for what helps to understand it.
        self.evidence: Callable[[], str] = lambda: ""

    def say(self, text: str) -> None:
        say(self.name, text)

    @contextmanager
    def phase(self, name: str, needed: bool = False) -> Iterator[None]:
        """A part of the run. When it is `needed`, its failure ends the run."""
        started, failures = time.monotonic(), len(self.failures)
        self.say(f"-- {name}")
        try:
            yield
        except Unmet as unmet:
            self._fail(f"{name}: expected {unmet.expected}\n  seen: {unmet.seen}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the phase failed, and the stack must be removed
            self._fail(f"{name}: {type(error).__name__}: {error}")
        took = time.monotonic() - started
        well = len(self.failures) == failures
        self.phases.append((name, took, well))
        self.say(f"-- {name}: {'ok' if well else 'FAILED'}, {took:.1f} s")
        if needed and not well:
            raise Ended(name)

    def expect(self, expected: str, within: float, look: Callable[[], str | None]) -> None:
        """A condition that must come true in time."""
        started = time.monotonic()
        until(expected, within, look)
        self.passed += 1
        self.say(f"   ok {expected} ({time.monotonic() - started:.1f} s)")

    def check(self, expected: str, objection: str | None) -> None:
        """A condition that must be true now."""
        self.expect(expected, 0, lambda: objection)

    def _fail(self, what: str) -> None:
        self.failures.append(what)
        self.say(f"FAILED {what}")
        self.say(self.evidence())


class Ended(Exception):
    """A phase failed that the rest of the run needs."""


def table(reports: list[Report]) -> str:
    """Every phase and its seconds, a column for each run."""
    names = list(dict.fromkeys(name for report in reports for name, _, _ in report.phases))
    took = [{name: (seconds, well) for name, seconds, well in report.phases} for report in reports]
    lines = [f"{'phase':<44}" + "".join(f"{report.name:>14}" for report in reports)]
    for name in names:
        cells = (phases.get(name) for phases in took)
        lines.append(f"{name:<44}" + "".join(f"{_cell(cell):>14}" for cell in cells))
    return "\n".join(lines)


def _cell(cell: tuple[float, bool] | None) -> str:
    if cell is None:
        return "-"
    seconds, well = cell
    return f"{seconds:.1f} s" if well else f"FAILED {seconds:.0f} s"
